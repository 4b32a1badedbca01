"""Record what frameworks do by themselves: the switch, and what an adapter is built from.

An adapter (a plugin in ``plugins/``, or anybody's) needs these names only.
"""

from ..core.context import as_current, runs_here
from ..host import computed_once
from .adapter import Observation, Observer, attempt, is_paused, observed_run, paused, paused_here, stumble
from .callers import calling, is_called_from
from .imports import when_imported
from .parameters import log_parameters
from .patching import Patches, Target, patched
from .placing import place_fit
from .switch import autolog

__all__ = [
    "Observation",
    "Observer",
    "Patches",
    "Target",
    "as_current",
    "attempt",
    "autolog",
    "calling",
    "computed_once",
    "is_called_from",
    "is_paused",
    "log_parameters",
    "observed_run",
    "patched",
    "paused",
    "paused_here",
    "place_fit",
    "runs_here",
    "stumble",
    "when_imported",
]
