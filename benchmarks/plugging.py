"""The cases of plugins: what fifty of them cost whoever logs, and how long it takes to find them."""

from __future__ import annotations

from dataclasses import dataclass

from arena import FIFTY_PLUGINS, MIRRORED, NO_PLUGINS, Arena, Worker
from cases import Blocks, interleaved, ratio
from report import Report, Row, number, pooled, quantile


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes
    ----------
    rounds : int
        Turns of each contestant.
    calls : int
        Calls in a turn.
    limit : float
        Longest turn [s].
    """

    rounds: int = 25
    calls: int = 2000
    limit: float = 0.5


FULL = Scale()
QUICK = Scale(rounds=5, calls=500, limit=0.2)


def plugged(arena: Arena, scale: Scale, report: Report) -> None:
    """What one call of `log` costs with plugins installed, against none."""

    def ask(worker: Worker, turn: int) -> list[int]:
        return worker.ask("log", steps=[scale.calls * turn, scale.calls * (turn + 1)], limit=scale.limit)

    with arena.workers("plugged") as workers:
        started = list(arena.turns(workers, lambda worker: worker.ask("start")))
        (blocks,) = interleaved(arena, started, scale.rounds, ask)
        arena.turns(started, lambda worker: worker.ask("finish"))
    report.times("`log` of one float", blocks)
    if NO_PLUGINS in blocks:
        ratios = {entrant: ratio(turns, blocks[NO_PLUGINS]) for entrant, turns in blocks.items()}
        report.rows.append(
            Row("`log` of one float, × without plugins", {e: f"{number(r)}×" for e, r in ratios.items()})
        )
        if FIFTY_PLUGINS in ratios:
            report.budget("`log` with 50 plugins, × without", ratios[FIFTY_PLUGINS], 1.05, "×")
        if MIRRORED in ratios:
            report.budget("`log` with a mirror, × without", ratios[MIRRORED], 1.5, "×")


def discovery(arena: Arena, scale: Scale, report: Report) -> None:
    """How long it takes to find the plugins, the first time in a process; and to import them too."""
    verbs = {
        "find": "find the plugins",
        "find_by_standard_library": "the same by `importlib.metadata`",
        "load": "find and import the plugins",
    }
    for verb, what in verbs.items():
        blocks: Blocks = {}
        for turn in range(scale.rounds + 1):
            with arena.workers("discovery") as workers:
                arena.together(workers, "ready")
                for worker, block in arena.turns(workers, lambda worker, verb=verb: worker.ask(verb)).items():
                    blocks.setdefault(worker.entrant, []).extend([block] if turn else [])
        report.times(f"{what}, first time in a process", blocks, tail=False)
        if verb == "find" and FIFTY_PLUGINS in blocks:
            report.budget("find 50 plugins, p50", quantile(pooled(blocks[FIFTY_PLUGINS]), 0.5) / 1e6, 20, "ms")


CASES = {"plugged": plugged, "discovery": discovery}
