"""Mirrors: plugins that want every event are fed from the journals, off the user's thread, until they have all."""

from .delivery import Delivery
from .feeding import END_ALLOWANCE, Follower, follow, followers, ledgers, mirrors

__all__ = ["END_ALLOWANCE", "Delivery", "Follower", "follow", "followers", "ledgers", "mirrors"]
