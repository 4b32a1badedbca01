"""Record what frameworks do by themselves: the switch, and what an adapter is built from.

An adapter (a plugin in ``plugins/``, or anybody's) needs these names only.
"""

from ..core.context import as_current, runs_here
from ..host import computed_once
from .adapter import Observation, Observer, is_paused, paused, paused_here, stumble
from .imports import when_imported
from .patching import Patches, Target, patched
from .switch import autolog

__all__ = [
    "Observation",
    "Observer",
    "Patches",
    "Target",
    "as_current",
    "autolog",
    "computed_once",
    "is_paused",
    "patched",
    "paused",
    "paused_here",
    "runs_here",
    "stumble",
    "when_imported",
]
