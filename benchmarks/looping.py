"""The cases of training loops: what a logger adds to a step of Lightning, and autolog to one of plain PyTorch."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from arena import BARE_LOOP, NO_LOGGER, OUR_LOGGER, OUR_LOOP, Arena, Entrant, Worker
from cases import interleaved
from report import Report, Row, duration, number
from training import PROCESSOR, TIME, Pairs, added, column

#: MLflow commits each step to its database and gets a tenth of the steps; the figure is that of one step all the same.
SLOW = {"lightning_mlflow": 10}


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes
    ----------
    rounds : int
        Turns of each contestant.
    steps : int
        Steps of the fit, or of the loop, of a turn.
    """

    rounds: int = 15
    steps: int = 2000


FULL = Scale()
QUICK = Scale(rounds=2, steps=200)


def steps(arena: Arena, scale: Scale, report: Report) -> None:
    """What a logger adds to a step of a Lightning training that logs every step."""

    def ask(worker: Worker, _turn: int) -> list[tuple[float, float]]:
        count = scale.steps // SLOW.get(worker.entrant.name, 1)
        return worker.ask("fit", count=count, limit=0.0)

    with arena.workers("steps") as workers:
        ready = list(arena.turns(workers, lambda worker: worker.ask("fit", count=50, limit=0.0)))
        (pairs,) = interleaved(arena, ready, scale.rounds, ask)
    more = rows(report, f"a step of Lightning, {scale.steps:,} of a tiny MLP", pairs, NO_LOGGER, OUR_LOGGER)
    for entrant, nanoseconds in more.items():
        if entrant is not OUR_LOGGER and OUR_LOGGER in more:
            report.budget(f"added by {entrant.title} ÷ ours", nanoseconds / more[OUR_LOGGER], 1, "×", at_least=True)


def loops(arena: Arena, scale: Scale, report: Report) -> None:
    """What autolog adds to a step of a loop of plain PyTorch."""
    with arena.workers("loops") as workers:
        listening = list(arena.turns(workers, lambda worker: worker.ask("listen")))
        (pairs,) = interleaved(
            arena, listening, scale.rounds, lambda worker, _turn: worker.ask("loop", count=scale.steps, limit=0.0)
        )
    more = rows(report, f"a step of plain PyTorch, {scale.steps:,} of a tiny MLP", pairs, BARE_LOOP, OUR_LOOP)
    if OUR_LOOP in more:
        report.budget("added to a step of plain PyTorch", more[OUR_LOOP] / 1e3, 20, "µs")


def rows(report: Report, what: str, pairs: Pairs, plain: Entrant, ours: Entrant) -> dict[Entrant, float]:
    """A row of the time of a step and one of the processor time; what each adds to the time [ns]."""
    if plain not in pairs:
        return {}
    added_time: dict[Entrant, float] = {}
    for place, title in ((TIME, what), (PROCESSOR, f"{what}, processor time")):
        blocks = {entrant: column(turns, place) for entrant, turns in pairs.items()}
        more = {entrant: added(turns, blocks[plain]) for entrant, turns in blocks.items() if entrant is not plain}
        cells = {plain: duration(statistics.median(map(statistics.median, blocks[plain])))}
        for entrant, nanoseconds in more.items():
            against = more.get(ours, 0.0)
            multiple = "" if entrant is ours or against <= 0 else f" ({number(nanoseconds / against)}×)"
            cells[entrant] = f"{'-' if nanoseconds < 0 else '+'}{duration(abs(nanoseconds))}{multiple}"
        report.rows.append(Row(title, cells))
        added_time = added_time or more
    return added_time


LIGHTNING_CASES = {"steps": steps}
LOOP_CASES = {"loops": loops}
