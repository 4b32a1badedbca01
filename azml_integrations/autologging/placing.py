"""Which run a training belongs to, for adapters whose trainings are calls of one function."""

import threading
from typing import TYPE_CHECKING

from .adapter import observed_run

if TYPE_CHECKING:
    from ..core.run import Run

HOLDS_FIT = frozenset({"estimator", "model"})
"""Properties of a run in which something was fitted."""

_TAKEN: set[tuple[str, str]] = set()
_LOCK = threading.Lock()


def place_fit(source: str, name: str, run: "Run | None" = None) -> "tuple[Run, bool]":
    """Return the run for one more training, and whether it has to be ended with it.

    Where another adapter is recording a call around it, it is that one's run. Else the first training of a user's run
    stands in that run and each later one in a child; without a user's run, each has a run of its own. An observer
    tells the others by the property ``estimator``, which it adds to the run.

    Parameters
    ----------
    source : str
        Name of the adapter.
    name : str
        Of a run that is begun here, beside its id: the class of what is trained.
    run : Run, default=None
        A run of the user's to stand in; None takes the current one.

    Returns
    -------
    place : Run
        Where to write.
    owned : bool
        Whether it was begun here.
    """
    from ..core import current_run, implicit_child, implicit_run

    around = observed_run()
    run = around or run or current_run()
    if run is None:
        return implicit_run(name=name), True
    with _LOCK:
        free = (source, run.id) not in _TAKEN
        _TAKEN.add((source, run.id))
    if free and (around is not None or HOLDS_FIT.isdisjoint(run.get_properties())):
        return run, False
    return implicit_child(run, name=name), True
