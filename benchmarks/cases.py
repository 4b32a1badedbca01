"""The cases: each drives the contestants in turn and adds its rows to the report."""

from __future__ import annotations

import random
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from arena import BARE_WRITE, OURS, PAUSE, Arena, Entrant, Refused, Worker
from report import Report, Row, duration, number, pooled, quantile

#: What each call of a turn took [ns], turn by turn.
Blocks = dict[Entrant, list[list[int]]]

#: Those who fill and read a long history in seconds; the others get a tenth of it, and it says so.
SWIFT = {"azml", "os_write", "sqlite_insert"}

#: How long a process may take to its first acknowledged call [s].
PATIENCE = 60.0

#: How long the helper processes of a killed process may go on to write [s].
GRACE = 5.0


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes
    ----------
    rounds : int
        Turns of each contestant.
    calls : int
        Most calls in a turn.
    limit : float
        Longest turn [s].
    writers : int
        Processes that log at once.
    burst : float
        How long they log [s].
    runs : int
        Stored runs among which the lowest metric is sought.
    files : int
        Files of a source folder.
    points : int
        Length of the history that is read [points].
    marks : tuple of int
        Where a run's memory is looked at [points].
    patience : float
        How long a contestant may take to get there [s].
    kills : int
        SIGKILLs for each contestant and manner.
    """

    rounds: int = 25
    calls: int = 2000
    limit: float = 0.5
    writers: int = 16
    burst: float = 2.0
    runs: int = 10_000
    files: int = 2_000
    points: int = 1_000_000
    marks: tuple[int, ...] = (1_000_000, 5_000_000, 10_000_000)
    patience: float = 60.0
    kills: int = 5


FULL = Scale()
QUICK = Scale(
    rounds=5,
    calls=500,
    limit=0.2,
    writers=4,
    burst=0.5,
    runs=200,
    files=200,
    points=20_000,
    marks=(20_000, 50_000, 100_000),
    patience=5.0,
    kills=1,
)


def interleaved(arena: Arena, workers: list[Worker], rounds: int, *asks: Callable[..., list[int]]) -> list[Blocks]:
    """Turns A B C A B C ..., so that whatever befalls the machine befalls all; the first round warms up.

    Each of `asks` is called with a worker and the number of the round, and has its own blocks in the answer.
    """
    found: list[Blocks] = [{} for _ in asks]
    for turn in range(rounds + 1):
        for ask, blocks in zip(asks, found, strict=True):
            for worker, block in arena.turns(workers, lambda worker, ask=ask, turn=turn: ask(worker, turn)).items():
                blocks.setdefault(worker.entrant, []).extend([block] if turn else [])
    return [{entrant: turns for entrant, turns in blocks.items() if turns} for blocks in found]


def firsts(arena: Arena, scale: Scale, case: str, entrants: Iterable[Entrant], verb: str, **request: object) -> Blocks:
    """What a verb takes as the first one of a process that has imported everything."""
    blocks: Blocks = {}
    for _ in range(max(scale.rounds // 5, 1)):
        with arena.workers(case, entrants) as workers:
            arena.together(workers, "ready")
            for worker, block in arena.turns(workers, lambda worker: worker.ask(verb, **request)).items():
                blocks.setdefault(worker.entrant, []).append(block)
    return blocks


def log(arena: Arena, scale: Scale, report: Report) -> None:
    """What one call costs, of one float and of twenty."""

    def ask(worker: Worker, turn: int, verb: str) -> list[int]:
        first = scale.calls * (2 * turn + (verb == "log_metrics"))  # W&B wants steps that rise
        return worker.ask(verb, steps=[first, first + scale.calls], limit=scale.limit)

    with arena.workers("log") as workers:
        started = list(arena.turns(workers, lambda worker: worker.ask("start")))
        single, twenty = interleaved(
            arena,
            started,
            scale.rounds,
            lambda worker, turn: ask(worker, turn, "log"),
            lambda worker, turn: ask(worker, turn, "log_metrics"),
        )
        arena.turns(started, lambda worker: worker.ask("finish"))
    for what, blocks, limit in (("`log` of one float", single, 3), ("`log_metrics` of 20", twenty, 10)):
        report.times(what, blocks)
        if BARE_WRITE in single:
            ratios = {entrant: ratio(turns, single[BARE_WRITE]) for entrant, turns in blocks.items()}
            report.rows.append(Row(f"{what}, × one bare write", {e: f"{number(r)}×" for e, r in ratios.items()}))
            if OURS in ratios:
                report.budget(f"{what}, × one bare write", ratios[OURS], limit, "×")


def ratio(blocks: list[list[int]], reference: list[list[int]]) -> float:
    """Median, over the rounds, of the ratio of the medians in a round: what slows a whole round cancels out."""
    medians = zip(map(statistics.median, blocks), map(statistics.median, reference), strict=False)
    return statistics.median(ours / theirs for ours, theirs in medians)


def writers(arena: Arena, scale: Scale, report: Report) -> None:
    """What a call costs where many processes log at once, each into a run of its own in one store."""
    died: dict[Entrant, str] = {}
    bursts: Blocks = {}
    for entrant in arena.entrants:
        survivors, bursts[entrant] = crowd(arena, scale, entrant, "fresh")
        died[entrant] = f"{scale.writers - survivors} of {scale.writers}"
        if survivors < scale.writers:  # once more, on a store that is there
            with arena.workers("crowd", [entrant]) as workers:
                arena.turns(workers, lambda worker: (worker.ask("start"), worker.ask("finish")))
            survivors, bursts[entrant] = crowd(arena, scale, entrant, "crowd")
            died[entrant] += f"; on an existing store {scale.writers - survivors}"
    calls = {entrant: pooled(blocks) for entrant, blocks in bursts.items() if blocks}
    what = f"`log` beside {scale.writers} writers"
    report.times(what, {entrant: [ordered] for entrant, ordered in calls.items()})
    report.rows.append(Row(f"{what}, longest", {entrant: duration(ordered[-1]) for entrant, ordered in calls.items()}))
    report.rows.append(Row(f"{scale.writers} processes start on a new store: failed", died))
    if OURS in calls:
        report.budget(f"{what}, p99.9", quantile(calls[OURS], 0.999) / 1e3, 100, "µs")


def crowd(arena: Arena, scale: Scale, entrant: Entrant, case: str) -> tuple[int, list[list[int]]]:
    """How many writers got as far as a run, and what their calls took while all of them logged."""
    with arena.workers(case, [entrant] * scale.writers) as workers:
        started = list(arena.together(list(arena.together(workers, "ready")), "start"))
        bursts = arena.together(started, "log", steps=[0, 100_000_000], limit=scale.burst)
        return len(started), list(bursts.values())


def imports(arena: Arena, scale: Scale, report: Report) -> None:
    """What the first line of a script costs, in a process that has imported nothing."""
    program = "import time; began = time.perf_counter_ns(); {}; print(time.perf_counter_ns() - began)"
    blocks: Blocks = {}
    for turn in range(scale.rounds + 1):
        for entrant, python in arena.pythons.items():
            if entrant.imports:
                command = [python, "-I", "-c", program.format(entrant.imports)]
                said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                blocks.setdefault(entrant, []).extend([[int(said.split()[-1])]] if turn else [])
                time.sleep(PAUSE)
    report.times("import, fresh process", blocks, tail=False)
    if OURS in blocks:
        report.budget("import and touch `Run`", quantile(pooled(blocks[OURS]), 0.5) / 1e6, 50, "ms")


def runs(arena: Arena, scale: Scale, report: Report) -> None:
    """What it costs to start and complete a run that records nothing: the first one of a process, and the next ones."""
    with arena.workers("runs") as workers:
        (later,) = interleaved(
            arena,
            workers,
            scale.rounds,
            lambda worker, _turn: worker.ask("empty_runs", count=20, limit=scale.limit),
        )
    report.times("start and complete an empty run", later)
    report.times("the first one of a process", firsts(arena, scale, "runs", later, "empty_runs", count=1), tail=False)
    if OURS in later:
        report.budget("start and complete an empty run, p50", quantile(pooled(later[OURS]), 0.5) / 1e6, 10, "ms")


def lowest(arena: Arena, scale: Scale, report: Report) -> None:
    """How long it takes to find the run with the lowest value of a metric."""
    with arena.workers("lowest") as workers:
        filled = list(arena.turns(workers, lambda worker: worker.ask("fill_runs", count=scale.runs)))
        (found,) = interleaved(
            arena, filled, scale.rounds, lambda worker, _turn: worker.ask("lowest", times=20, limit=scale.limit)
        )
    what = f"lowest metric of {scale.runs:,} runs"
    report.times(what, found)
    first = firsts(arena, scale, "lowest", found, "lowest", times=1)
    report.times("the first time in a process", first, tail=False)
    if OURS in first:
        report.budget(f"{what}, the first time in a process", quantile(pooled(first[OURS]), 0.5) / 1e6, 20, "ms")


def snapshots(arena: Arena, scale: Scale, report: Report) -> None:
    """What a snapshot of a source folder costs: the first one, and those of the unchanged folder."""
    with arena.workers("snapshots") as workers:
        filled = list(arena.turns(workers, lambda worker: worker.ask("fill_source", files=scale.files)))
        first = {w.entrant: [t] for w, t in arena.turns(filled, lambda w: w.ask("snapshots", times=1)).items()}
        (unchanged,) = interleaved(
            arena, list(filled), scale.rounds, lambda worker, _turn: worker.ask("snapshots", times=5, limit=scale.limit)
        )
    what = f"snapshot of {scale.files:,} files"
    report.times(f"{what}, the first", first, tail=False)
    report.times(f"{what}, unchanged", unchanged, tail=False)
    if OURS in unchanged:
        report.budget(f"{what}, unchanged, p50", quantile(pooled(unchanged[OURS]), 0.5) / 1e6, 100, "ms")


def points(arena: Arena, scale: Scale, report: Report) -> None:
    """What a long history costs: on disk, to fold, and to read."""
    logged = {entrant: scale.points // (1 if entrant.name in SWIFT else 10) for entrant in arena.entrants}
    run_ids: dict[Entrant, str] = {}
    disk: dict[Entrant, float] = {}

    def fill(worker: Worker) -> None:
        run_ids[worker.entrant] = worker.ask("start")
        disk[worker.entrant] = -size(worker.home)
        worker.ask("fill_points", points=logged[worker.entrant])
        worker.ask("finish")

    def read(worker: Worker) -> list[int]:
        request = {"run_id": run_ids[worker.entrant], "points": logged[worker.entrant]}
        return worker.ask("history", **request, times=5, limit=scale.limit)

    with arena.workers("points") as workers:
        filled = [worker.entrant for worker in arena.turns(workers, fill)]
    with arena.workers("points", filled) as workers:
        folds = arena.turns(workers, lambda worker: worker.ask("fold", run_id=run_ids[worker.entrant]))
        for worker in workers:
            disk[worker.entrant] = (disk[worker.entrant] + size(worker.home)) / logged[worker.entrant]
        (histories,) = interleaved(arena, workers, max(scale.rounds // 5, 1), lambda worker, _turn: read(worker))

    what = f"read {scale.points:,} points"
    whole = {entrant: turns for entrant, turns in histories.items() if logged[entrant] == scale.points}
    report.times(what, whole, tail=False)
    for entrant in histories.keys() - whole:
        median = quantile(pooled(histories[entrant]), 0.5)
        report.rows[-1].cells[entrant] = f"{duration(median)} for {logged[entrant]:,}"
    report.rows.append(Row("disk per point", {e: f"{number(disk[e])} bytes" for e in filled}))
    if OURS in histories:
        report.budget(f"{what}, p50", quantile(pooled(histories[OURS]), 0.5) / 1e6, 50, "ms")
        report.budget("disk per point, sealed, with the index", disk[OURS], 40, "bytes")
    for took in folds.values():
        report.budget("fold", scale.points / statistics.median(took) * 1e3, 1, "million points/s", at_least=True)


def size(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def memory(arena: Arena, scale: Scale, report: Report) -> None:
    """What a long run costs in memory, helper processes included."""

    def ask(worker: Worker) -> list[tuple[int, int]]:
        worker.ask("start")
        return worker.ask("memory", marks=scale.marks, seconds=scale.patience)

    with arena.workers("memory") as workers:
        seen = {worker.entrant: marks for worker, marks in arena.turns(workers, ask).items()}
    cells = {
        entrant: " → ".join(f"{used / 1e6:.0f}" for _, used in marks) + f" MB ({marks[-1][0]:,})"
        for entrant, marks in seen.items()
    }
    steps = " / ".join(f"{mark:,}" for mark in (0, *scale.marks))
    report.rows.append(Row(f"memory at {steps} points, or where {scale.patience:.0f} s were over", cells))
    if OURS in seen:
        (begun, before), (reached, after) = seen[OURS][1], seen[OURS][-1]
        report.budget(f"memory from {begun:,} to {reached:,} points", (after - before) / 1e6, 1, "MB more")


def kill(arena: Arena, scale: Scale, report: Report) -> None:
    """How many calls had returned and are not there after SIGKILL: of the process, then of its helpers with it."""
    manners = {"SIGKILL: lost, of acknowledged": GRACE, "the same, helper processes killed too": 0.0}
    for what, grace in manners.items():
        counts: dict[Entrant, list[tuple[int, int]]] = {}
        for _turn in range(scale.kills):
            with arena.workers("kill") as victims:
                for worker, count in arena.turns(victims, lambda worker, g=grace: killed(arena, worker, g)).items():
                    counts.setdefault(worker.entrant, []).append(count)
        cells = {}
        for entrant, kills in counts.items():
            lost = [max(returned - stored, 0) for returned, stored in kills]
            cells[entrant] = f"{sum(lost):,} of {sum(returned for returned, _ in kills):,}"
        report.rows.append(Row(f"{what}, {scale.kills} kills", cells))


def killed(arena: Arena, worker: Worker, grace: float) -> tuple[int, int]:
    """How many calls of a process had returned when it was killed, and how many another process then finds."""
    run_id = worker.ask("start")
    acknowledgements = worker.home / f"{run_id}.acknowledged"
    worker.send("log_until_killed", acknowledgements=str(acknowledgements))
    deadline = time.monotonic() + PATIENCE
    while not acknowledgements.exists():
        if time.monotonic() > deadline:
            raise Refused("it acknowledged no call")
        time.sleep(0.01)
    time.sleep(random.uniform(0.3, 1.3))
    worker.kill(grace)
    with arena.workers("kill", [worker.entrant]) as (reader,):
        return int.from_bytes(acknowledgements.read_bytes(), "little"), reader.ask("stored", run_id=run_id)


CASES = {case.__name__: case for case in (log, writers, imports, runs, lowest, snapshots, points, memory, kill)}
