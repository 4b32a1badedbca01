"""What is told about several fits of one run when it ends: a table, and a picture for each parameter that varies."""

import atexit
import os
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import paused

from .charts import Curve
from .pictures.album import log_charts
from .report import announce, note_missing

if TYPE_CHECKING:
    from azml_integrations import Run

    from .session import Session

TABLE = "fits"
FOLDER = "outputs/fits"
TRAINING = "training_"
TIMES = ("fit_time", "score_time", "n_iter")
"""Numbers of a fit that say nothing about how good it is."""

_waiting: "dict[str, tuple[int, Run, Session]]" = {}
"""Runs with more than one fit that have not ended, by id, with the process that fitted."""


def remember(run: "Run", session: "Session") -> None:
    """Tell about this run's fits when it ends; at the end of the program where nobody here ends it."""
    if not _waiting:
        atexit.register(finish)
    _waiting[run.id] = os.getpid(), run, session


def finish() -> None:
    """Tell about all runs that wait."""
    atexit.unregister(finish)
    for _, run, _ in list(_waiting.values()):
        tell(run)


def tell(run: "Run") -> None:
    """Write the table and the pictures of a run's fits into it, if it is one that waits for them."""
    process, own, session = _waiting.pop(run.id, (0, run, None))
    if session is None or process != os.getpid() or not session.on:  # a forked child ends nothing of its parent's
        return
    with paused(), session.attempt(own):
        _write(own, session)


def _write(run: "Run", session: "Session") -> None:
    table = run.fits()
    if len(table) < 2:  # noqa: PLR2004 - one fit is no table
        return
    run.log_table(_free_name(run), table.columns)
    told = [f"{len(table)} in a table"]
    if session.options.log_images:
        missing: dict[str, str] = {}
        told += _draw(run, session, table, missing)
        note_missing(run, missing, "not drawn")
    announce(session, run, "fits", ", ".join(told))


def _draw(run: "Run", session: "Session", table: Any, missing: dict[str, str]) -> list[str]:
    drawn = curves(table.metrics)
    return log_charts(run, varied(table), drawn, _title(table), FOLDER, TABLE, missing, session.attempt)


def varied(table: Any) -> dict[str, Any]:
    """Return what varies among the fits of a `FitTable`: the estimator's class, and parameters within a class.

    That Ridge and Lasso have other defaults is told by their names already.
    """
    classes = {"estimator": table.estimators} if len(set(table.estimators)) > 1 else {}
    return classes | {name: values for name, values in table.parameters.items() if _varies(values, table.estimators)}


def _varies(values: Any, estimators: Any) -> bool:
    pairs = set(zip(estimators, map(repr, values), strict=True))
    return len(pairs) > len(set(estimators))


def curves(metrics: Mapping[str, Any]) -> dict[str, Curve]:
    """Return which metrics are drawn: the user's own first, then those of the training data; no times.

    A metric on other data (``_2``), and the same metric on the training data, share the panel of the first. The root
    of a metric that is there says nothing new.

    Parameters
    ----------
    metrics : mapping of str to sequence
        By name, the user's own first.
    """
    names = [name for name in metrics if name not in TIMES and _has_numbers(metrics[name])]
    panels = {name: _panel(name, names) for name in names}
    there = {*names, *panels.values()}
    shown = [name for name in names if _unrooted(panels[name]) not in there]
    first = {panel: place for place, panel in reversed(list(enumerate(panels[name] for name in shown)))}
    return {
        name: Curve([_as_number(value) for value in metrics[name]], panel=panels[name])
        for name in sorted(shown, key=lambda name: first[panels[name]])
    }


def _unrooted(panel: str) -> str | None:
    """Return the name of what a panel shows the root of."""
    return panel.replace("root_", "", 1) if "root_" in panel else None


def _panel(name: str, names: list[str]) -> str:
    bare = name.removeprefix(TRAINING)
    stem = re.sub(r"_\d+$", "", bare)
    for panel in (stem, bare):
        if panel in names:
            return panel
    return name


def _has_numbers(column: Any) -> bool:
    return any(_as_number(value) is not None for value in column)


def _as_number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _title(table: Any) -> str:
    classes = set(table.estimators)
    return f"{len(table)} fits" + (f" of {next(iter(classes))}" if len(classes) == 1 else "")


def _free_name(run: "Run") -> str:
    """Return the name of the table, or the first of ``fits_2``, ``fits_3`` ... that the user has not taken."""
    taken = {summary.name for summary in run.metric_summaries()}
    return next(name for name in _names(TABLE) if name not in taken)


def _names(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1
