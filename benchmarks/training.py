"""The cases of autolog: what it adds to scikit-learn's fits and searches, beside `mlflow.sklearn.autolog`."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from arena import OUR_AUTOLOG, PLAIN, THEIR_AUTOLOG, Arena, Entrant, Worker
from cases import firsts, interleaved, ratio
from report import Report, Row, duration, number, pooled, quantile

#: Time and processor time [ns] of each call of a turn, turn by turn.
Pairs = dict[Entrant, list[list[tuple[int, int]]]]

#: Places in a pair.
TIME, PROCESSOR = 0, 1


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes
    ----------
    rounds : int
        Turns of each contestant in fits that store no model, and of readers.
    stores : int
        Turns of each contestant in fits that store one: MLflow needs seconds for it.
    limit : float
        Longest turn of fits [s]; the fit that crosses the line counts.
    searches : int
        Turns of each contestant in searches, one search each.
    marks : tuple of int
        Where the memory of a process that fits on is looked at [fits].
    patience : float
        How long a contestant may take to get there [s].
    """

    rounds: int = 25
    stores: int = 9
    limit: float = 0.3
    searches: int = 11
    marks: tuple[int, ...] = (1_000, 5_000, 10_000)
    patience: float = 180.0


FULL = Scale()
QUICK = Scale(rounds=3, stores=2, limit=0.1, searches=2, marks=(100, 300, 600), patience=10.0)


@dataclass(frozen=True)
class Setting:
    """What a tracker is asked to store beside parameters and metrics."""

    name: str
    models: bool
    images: bool


OFF = Setting("no model, no images", models=False, images=False)
MODEL = Setting("model, no images", models=True, images=False)
DEFAULT = Setting("defaults", models=True, images=True)

#: Where a fit is recorded, and whether that is a run of the user's.
SITUATIONS = {"a run of its own": False, "in a fresh user run": True}


@dataclass(frozen=True)
class Fitting:
    """A fit that is measured: its name in `contestants/trainer.py`, whether it classifies, and in which settings."""

    what: str
    classifies: bool
    settings: tuple[Setting, ...]


FITTINGS = (
    Fitting("Ridge, diabetes", classifies=False, settings=(OFF, MODEL, DEFAULT)),
    Fitting("LogisticRegression, digits", classifies=True, settings=(OFF, DEFAULT)),
    Fitting("scaled LogisticRegression, breast cancer", classifies=True, settings=(OFF, DEFAULT)),
)

#: The most that we may add to a fit of Ridge [ms].
MOST_ADDED = {OFF: 2, MODEL: 5}

#: The searches that use two processes, and whether they are expected to keep within a share of the plain time.
PARALLEL = {"20 × 5 forests, breast cancer": True, "20 × 5 Ridge, diabetes": False}

LONG, CANDIDATES = "500 × 2 Ridge, diabetes", 500


def fits(arena: Arena, scale: Scale, report: Report) -> None:
    """What one fit costs more than without logging, in a run of its own and in a fresh run of the user's."""
    for fitting in FITTINGS:
        for setting in fitting.settings:
            fit(arena, scale, report, fitting, setting)


def fit(arena: Arena, scale: Scale, report: Report, fitting: Fitting, setting: Setting) -> None:
    """Rows and budgets of one estimator in one setting."""

    def ask(worker: Worker, within: bool) -> list[tuple[int, int]]:
        return worker.ask("fit", what=fitting.what, within=within, limit=scale.limit)

    asks = [lambda worker, _turn, within=within: ask(worker, within) for within in SITUATIONS.values()]
    with listening(arena, "fits", setting, classifies=fitting.classifies) as workers:
        found: list[Pairs] = interleaved(arena, workers, scale.stores if setting.models else scale.rounds, *asks)
    for situation, pairs in zip(SITUATIONS, found, strict=True):
        what = f"fit, {fitting.what}, {setting.name}, {situation}"
        more = rows(report, what, pairs)
        if OUR_AUTOLOG in more and setting in MOST_ADDED and not fitting.classifies:
            report.budget(f"added to {what}", more[OUR_AUTOLOG] / 1e6, MOST_ADDED[setting], "ms")
        if {OUR_AUTOLOG, THEIR_AUTOLOG} <= more.keys() and fitting.classifies:
            cheaper = more[THEIR_AUTOLOG] / more[OUR_AUTOLOG]
            report.budget(f"MLflow's addition ÷ ours, {what}", cheaper, 5, "×", at_least=True)


def searches(arena: Arena, scale: Scale, report: Report) -> None:
    """What a search in two processes costs more than without logging."""
    for what, bounded in PARALLEL.items():
        for setting in (OFF, DEFAULT):
            with listening(arena, "searches", setting) as workers:
                pairs = searched(arena, workers, scale, what)
            more = rows(report, f"search, {what}, n_jobs=2, {setting.name}", pairs, shares=True)
            if OUR_AUTOLOG in more and bounded:
                share = 100 * (ratio(column(pairs[OUR_AUTOLOG], TIME), column(pairs[PLAIN], TIME)) - 1)
                report.budget(f"added to search, {what}, n_jobs=2, {setting.name}", share, 10, "%")


def candidates(arena: Arena, scale: Scale, report: Report) -> None:
    """What each of many candidates costs, and how long it takes to read them all, in the same and a fresh process."""
    with listening(arena, "candidates", DEFAULT) as workers:
        pairs = searched(arena, workers, scale, LONG)
        (reads,) = interleaved(
            arena, workers, scale.rounds, lambda worker, _turn: worker.ask("read_search", times=5, limit=scale.limit)
        )
    more = rows(report, f"search, {LONG}, n_jobs=1, {DEFAULT.name}", pairs, shares=True)
    if OUR_AUTOLOG in more:
        report.budget("added to each of 500 candidates", more[OUR_AUTOLOG] / 1e6 / CANDIDATES, 2, "ms")
    for where, blocks in {
        "the process that searched": reads,
        "a fresh process": firsts(arena, scale, "candidates", reads, "read_search", times=1),
    }.items():
        report.times(f"read all candidates of a search, in {where}", blocks, tail=False)
        if OUR_AUTOLOG in blocks:
            took = quantile(pooled(blocks[OUR_AUTOLOG]), 0.5) / 1e6
            report.budget(f"read all of 500 candidates, in {where}", took, 50, "ms")


def endless(arena: Arena, scale: Scale, report: Report) -> None:
    """What fitting on and on costs in memory."""
    with listening(arena, "endless", OFF, classifies=False) as workers:
        ask = {"marks": scale.marks, "seconds": scale.patience}
        seen = arena.turns(workers, lambda worker: worker.ask("memory", **ask))
    cells = {
        worker.entrant: " → ".join(f"{used / 1e6:.1f}" for _, used in marks) + f" MB ({marks[-1][0]:,})"
        for worker, marks in seen.items()
    }
    steps = " / ".join(f"{mark:,}" for mark in (0, *scale.marks))
    report.rows.append(Row(f"memory at {steps} fits, or where {scale.patience:.0f} s were over", cells))
    for worker, marks in seen.items():
        (begun, before), (reached, after) = marks[1], marks[-1]
        if worker.entrant is OUR_AUTOLOG:
            report.budget(f"memory from {begun:,} to {reached:,} fits", (after - before) / 1e6, 1, "MB more")


@contextlib.contextmanager
def listening(arena: Arena, case: str, setting: Setting, *, classifies: bool = True) -> Iterator[list[Worker]]:
    """Processes in which the trackers listen, new ones for each setting."""
    with arena.workers(case) as workers:
        request = {"models": setting.models, "images": setting.images, "classifies": classifies}
        yield list(arena.turns(workers, lambda worker: worker.ask("listen", **request)))


def searched(arena: Arena, workers: list[Worker], scale: Scale, what: str) -> Pairs:
    """Searches in turn; the first round, which starts the pool of processes, does not count."""
    (pairs,) = interleaved(
        arena, workers, scale.searches, lambda worker, _turn: worker.ask("search", what=what, limit=0.0)
    )
    return pairs


def rows(report: Report, what: str, pairs: Pairs, *, shares: bool = False) -> dict[Entrant, float]:
    """A row of the time and one of the processor time: of plain scikit-learn, and what the others add to it.

    What is returned is what each adds to the time [ns].
    """
    if PLAIN not in pairs:
        return {}
    for place, title in ((PROCESSOR, f"{what}, processor time"), (TIME, what)):
        blocks = {entrant: column(turns, place) for entrant, turns in pairs.items()}
        more = {entrant: added(turns, blocks[PLAIN]) for entrant, turns in blocks.items() if entrant is not PLAIN}
        cells = {PLAIN: duration(statistics.median(map(statistics.median, blocks[PLAIN])))}
        for entrant, nanoseconds in more.items():
            share = f", {100 * (ratio(blocks[entrant], blocks[PLAIN]) - 1):+.1f} %" if shares else ""
            ours = more.get(OUR_AUTOLOG, 0.0)
            multiple = "" if entrant is OUR_AUTOLOG or ours <= 0 else f" ({number(nanoseconds / ours)}×)"
            cells[entrant] = f"{'-' if nanoseconds < 0 else '+'}{duration(abs(nanoseconds))}{share}{multiple}"
        report.rows.insert(len(report.rows) - (place == TIME), Row(title, cells))
    return more


def column(turns: list[list[tuple[int, int]]], place: int) -> list[list[int]]:
    """One figure of each call."""
    return [[pair[place] for pair in turn] for turn in turns]


def added(blocks: list[list[int]], plain: list[list[int]]) -> float:
    """Median, over the rounds, of the difference of the medians in a round: what slows a whole round cancels out."""
    medians = zip(map(statistics.median, blocks), map(statistics.median, plain), strict=False)
    return statistics.median(listened - alone for listened, alone in medians)


CASES = {case.__name__: case for case in (fits, searches, candidates, endless)}
