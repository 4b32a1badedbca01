"""The cases of submitted scripts: what the queue adds to running them by hand."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from arena import BY_HAND, OUR_QUEUE, Arena
from cases import Blocks, interleaved, ratio
from report import Report, Row, duration, number
from training import added


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes
    ----------
    rounds : int
        Turns of each contestant.
    scripts : int
        Scripts that wait in the queue.
    """

    rounds: int = 25
    scripts: int = 200


FULL = Scale()
QUICK = Scale(rounds=3, scripts=20)


def first_lines(arena: Arena, scale: Scale, report: Report) -> None:
    """How long it takes from `submit` to the first line that the script prints."""
    with arena.workers("first_lines") as workers:
        ready = list(arena.turns(workers, lambda worker: worker.ask("prepare")))
        living, cold = interleaved(
            arena,
            ready,
            scale.rounds,
            lambda worker, _turn: worker.ask("first_line", times=1, living=True),
            lambda worker, _turn: worker.ask("first_line", times=1, living=False),
        )
    for what, blocks in (("a launcher lives", living), ("none lives", cold)):
        row(report, f"from `submit` to the first line, {what}", blocks)
        if BY_HAND in blocks and OUR_QUEUE in blocks:
            more = added(blocks[OUR_QUEUE], blocks[BY_HAND]) / 1e6
            report.budget(f"first line, {what}: over `python script.py`", more, 150, "ms")


def queues(arena: Arena, scale: Scale, report: Report) -> None:
    """How long it takes to run many one-line scripts, two at once."""
    rounds = max(scale.rounds // 5, 1)
    with arena.workers("queues") as workers:
        ready = list(arena.turns(workers, lambda worker: worker.ask("prepare")))
        for script, line in (("print", "`print(1)`"), ("metric", "one metric logged")):
            for queued, from_ in ((True, "once all wait"), (False, "submitting them included")):
                (blocks,) = interleaved(
                    arena,
                    ready,
                    rounds,
                    lambda worker, _turn, script=script, queued=queued: worker.ask(
                        "many", script=script, count=scale.scripts, queued=queued
                    ),
                )
                what = f"{scale.scripts} scripts of {line}, {from_}"
                row(report, what, blocks)
                if queued and BY_HAND in blocks and OUR_QUEUE in blocks:
                    share = 100 * (ratio(blocks[OUR_QUEUE], blocks[BY_HAND]) - 1)
                    report.budget(f"{what}: over running them by hand", share, 20, "%")


def row(report: Report, what: str, blocks: Blocks) -> None:
    """A row of medians, and what ours adds."""
    cells = {who: duration(statistics.median(map(statistics.median, turns))) for who, turns in blocks.items()}
    if BY_HAND in blocks and OUR_QUEUE in blocks:
        share = 100 * (ratio(blocks[OUR_QUEUE], blocks[BY_HAND]) - 1)
        cells[OUR_QUEUE] += f" ({'+' if share >= 0 else '-'}{number(abs(share))} %)"
    report.rows.append(Row(what, cells))


CASES = {"first_lines": first_lines, "queues": queues}
