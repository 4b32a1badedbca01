"""How often a run is looked at: often at first, seldom later, and never so often that the looking costs anything."""

import os
import time

OFTEN, SELDOM = 2.0, 10.0
"""Between two looks [s], at first and later."""
AT_FIRST = 20.0
"""How long "at first" is [s]."""
SHARE = 50.0
"""A look is followed by a pause of at least so many times its own length: 2 % of one processor at most."""
OVERRIDE = "AZUREML_OVERRIDE_ALL_WIDGET_REFRESH_TIME"
"""SDK v1's variable: all pauses are so long [s]."""


class Pace:
    """The pauses of one who looks at a run again and again.

    Parameters
    ----------
    often, seldom : float
        Pauses at first and later [s].
    """

    def __init__(self, often: float = OFTEN, seldom: float = SELDOM) -> None:
        self._often, self._seldom = often, seldom
        self._chosen = _chosen()
        self._began = time.monotonic()

    def pause(self, cost: float) -> float:
        """Return how long to wait now [s], after a look that took so long [s]."""
        early = time.monotonic() - self._began < AT_FIRST
        wanted = self._chosen if self._chosen is not None else self._often if early else self._seldom
        return max(wanted, SHARE * cost)


def _chosen() -> float | None:
    try:
        seconds = float(os.environ[OVERRIDE])
    except (KeyError, ValueError):
        return None
    return seconds if 0 < seconds < float("inf") else None
