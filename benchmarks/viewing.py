"""The cases of the studio: how soon a table of runs and a page of charts are there, and what a watched run notices."""

from __future__ import annotations

import statistics
from contextlib import closing
from dataclasses import dataclass

from arena import BROWSER, OUR_STUDIO, Arena, Entrant, Worker
from cases import interleaved
from contestants.questions import BY_PARAMETER, CHART, DIFFERENT, NEWEST, QUESTIONS, WHOLE
from report import Report, Row, duration, number, quantile

#: Both must find the same runs in the same order; parameters are numbers to us and texts to MLflow.
COMPARABLE = [question for question in QUESTIONS if question not in (NEWEST, BY_PARAMETER, DIFFERENT)]

WALL, PROCESSOR, SIZE = range(3)
"""Places in what a measured question says."""


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes
    ----------
    rounds : int
        Turns of each contestant.
    times : int
        Requests of a turn.
    theirs : int
        What takes seconds, as all of MLflow, is asked once in every so many turns.
    runs : int
        Runs of the table, of 30 columns.
    points : int
        Length of the long metric [points].
    charts : int
        Charts of a page.
    visits : int
        Visits of a browser.
    seconds : float
        How long a watched run logs in a turn [s].
    """

    rounds: int = 6
    times: int = 5
    theirs: int = 2
    runs: int = 10_000
    points: int = 1_000_000
    charts: int = 40
    visits: int = 3
    seconds: float = 4.0


FULL = Scale()
QUICK = Scale(rounds=2, times=2, theirs=1, runs=300, points=20_000, charts=6, visits=1, seconds=1.0)


def studio(arena: Arena, scale: Scale, report: Report) -> None:
    """A table of 10,000 runs sorted and filtered, charts, and both of them in a browser."""
    with arena.workers("studio") as workers:
        filled = list(arena.turns(workers, lambda worker: worker.ask("fill_table", runs=scale.runs)))
        filled = list(
            arena.turns(filled, lambda worker: worker.ask("fill_charts", points=scale.points, charts=scale.charts))
        )
        serving = list(arena.turns(filled, lambda worker: worker.ask("serve")))
        tables(arena, scale, report, serving)
        lines(arena, scale, report, serving)
        if OUR_STUDIO in arena.pythons:
            with eye(arena) as browser:
                pages(arena, scale, report, serving, browser)


def tables(arena: Arena, scale: Scale, report: Report, serving: list[Worker]) -> None:
    """What each question about the table takes, and whether both give the same answer."""
    for question in COMPARABLE:
        said = arena.turns(serving, lambda worker, q=question: worker.ask("names", question=q))
        if all(said.values()) and len({tuple(names) for names in said.values()}) > 1:
            arena.note(OUR_STUDIO, f"{question}: the servers find different runs")
    largest, slowest = 0, 0.0
    for question in QUESTIONS:
        turns = asked(arena, scale, serving, question)
        row(report, f"{scale.runs:,} runs {question}", turns)
        if OUR_STUDIO in turns:
            largest = max(largest, *column(turns[OUR_STUDIO], SIZE))
            slowest = max(slowest, statistics.median(column(turns[OUR_STUDIO], WALL)))
    if slowest:
        report.budget(
            f"any sort or filter of {scale.runs:,} runs × 30 columns, the slowest, p50", slowest / 1e6, 50, "ms"
        )
        report.budget("the largest of these pages, gzip", largest / 1e3, 30, "kB")


def lines(arena: Arena, scale: Scale, report: Report, serving: list[Worker]) -> None:
    """What the chart of a long metric takes."""
    for question in (CHART, WHOLE):
        turns = asked(arena, scale, serving, question)
        row(report, f"{scale.points:,} points, {question}", turns)
        if question == CHART and OUR_STUDIO in turns:
            mine = turns[OUR_STUDIO]
            took = statistics.median(column(mine, WALL)) / 1e6
            report.budget(f"the chart of {scale.points:,} points, p50", took, 20, "ms")
            report.budget("its data, gzip", max(column(mine, SIZE)) / 1e3, 20, "kB")


def asked(arena: Arena, scale: Scale, serving: list[Worker], question: str) -> dict[Entrant, list[list[list[int]]]]:
    """What the servers took for a question, in turns; the first round warms up."""

    def ask(worker: Worker, turn: int) -> list[list[int]]:
        slow = worker.entrant is not OUR_STUDIO or question == WHOLE
        times = int(turn % scale.theirs == 1 % scale.theirs) if slow else scale.times
        return worker.ask("measure", question=question, times=times)

    (turns,) = interleaved(arena, serving, scale.rounds, ask)
    return turns


def column(turns: list[list[list[int]]], place: int) -> list[int]:
    """One of the figures of all requests."""
    return [request[place] for turn in turns for request in turn]


def row(report: Report, what: str, turns: dict[Entrant, list[list[list[int]]]]) -> None:
    """A row of times and sizes, and one of the server's processor time."""
    for place, title in ((WALL, what), (PROCESSOR, f"{what}, processor time of the server")):
        medians = {entrant: statistics.median(column(found, place)) for entrant, found in turns.items()}
        cells = {}
        for entrant, median in medians.items():
            cells[entrant] = duration(median) + multiple(entrant, median, medians)
            if place == WALL:
                cells[entrant] += f", {number(max(column(turns[entrant], SIZE)) / 1e3)} kB"
        report.rows.append(Row(title, cells))


def multiple(entrant: Entrant, value: float, values: dict[Entrant, float]) -> str:
    """How many times ours a value is, in parentheses."""
    ours = values.get(OUR_STUDIO)
    return "" if entrant is OUR_STUDIO or not ours else f" ({number(value / ours)}×)"


# -- in a browser ------------------------------------------------------------------------------------


def eye(arena: Arena) -> closing[Worker]:
    """The browser, in the environment of the studio."""
    return closing(Worker(BROWSER, arena.pythons[OUR_STUDIO], arena.home(BROWSER, "studio")))


def pages(arena: Arena, scale: Scale, report: Report, serving: list[Worker], browser: Worker) -> None:
    """How soon the table stands on the screen, and a page of charts."""
    for what, title, extra in (
        ("table", "the table on the screen", {}),
        ("charts", f"a page of {scale.charts} charts drawn", {"count": scale.charts, "height": 14_000}),
    ):
        first, again = visits(arena, scale, serving, browser, what, extra)
        for visited, when in ((first, "first visit"), (again, "later visit")):
            visited_row(report, f"{title}, {when}", visited)
        if OUR_STUDIO in first:
            if what == "table":
                paint = statistics.median(one["paint"] for one in first[OUR_STUDIO])
                report.budget("first paint of the table, nothing kept from before", paint, 0.3, "s")
            else:
                script = statistics.median(one["script"] for one in first[OUR_STUDIO])
                report.budget(f"a page of {scale.charts} charts, scripts", script, 1, "s")


def visits(
    arena: Arena, scale: Scale, serving: list[Worker], browser: Worker, what: str, extra: dict[str, int]
) -> tuple[dict[Entrant, list[dict[str, float]]], ...]:
    """What the browser saw at first visits and at later ones, one server after the other."""
    found: tuple[dict[Entrant, list[dict[str, float]]], ...] = {}, {}
    where = arena.turns(serving, lambda worker: worker.ask("page", what=what))
    for turn in range(scale.visits + 1):  # the first one warms up
        for worker, page in where.items():
            for seen in arena.turns([browser], lambda eye, page=page: eye.ask("visit", **page | extra)).values():
                for kept, one in zip(found, seen, strict=True):
                    kept.setdefault(worker.entrant, []).extend([one] if turn else [])
    return found


def visited_row(report: Report, what: str, visited: dict[Entrant, list[dict[str, float]]]) -> None:
    """A row of when it was seen, with scripts, requests and bytes behind it."""
    seconds = {entrant: statistics.median(one["seen"] for one in seen) for entrant, seen in visited.items() if seen}
    cells = {}
    for entrant, median in seconds.items():
        middle = {key: statistics.median(one[key] for one in visited[entrant]) for key in visited[entrant][0]}
        words = (
            f"{duration(median * 1e9)}{multiple(entrant, median, seconds)}",
            f"scripts {duration(middle['script'] * 1e9)}",
            f"{number(middle['requests'])} requests",
            f"{number(middle['bytes'] / 1e3)} kB",
        )
        cells[entrant] = ", ".join(words)
    report.rows.append(Row(what, cells))


# -- a run that is watched ---------------------------------------------------------------------------

_PAGES = {
    "nobody looks": None,
    "nobody looks, once more": None,
    "a page looks every 2 s": 2.0,
    "ten pages look": 0.2,
}
"""Who looks at the live run, and the time between two looks [s]; the second line says what chance does."""


def watched(arena: Arena, scale: Scale, report: Report) -> None:
    """What a call of `log` takes while the studio's pages of that run ask for news."""
    if OUR_STUDIO not in arena.pythons:
        return
    with arena.workers("watched", [OUR_STUDIO] * 2) as (trainer, server):
        run_id = trainer.ask("start")
        server.ask("serve")
        blocks: dict[str, list[list[int]]] = {}
        for turn in range(scale.rounds + 1):
            for who, every in _PAGES.items():
                if every is not None:
                    server.send("follow", run_id=run_id, seconds=scale.seconds, every=every)
                calls = trainer.ask("log_gently", seconds=scale.seconds)
                if every is not None and server.receive() < 1:
                    arena.note(OUR_STUDIO, "watched: the page saw nothing new")
                blocks.setdefault(who, []).extend([sorted(calls)] if turn else [])
        trainer.ask("finish")
    alone = blocks["nobody looks"]
    for who, turns in blocks.items():
        middle, tail = (statistics.median(quantile(turn, share) for turn in turns) for share in (0.5, 0.99))
        cell = f"{duration(middle)}, p99 {duration(tail)} ({number(_tails(turns, alone))}×)"
        report.rows.append(Row(f"`log` of a live run, {who}: p50, p99 (ratio to the first line)", {OUR_STUDIO: cell}))
    looked = blocks["a page looks every 2 s"]
    report.budget("p99 of `log`, a page looks ÷ nobody looks", _tails(looked, alone), 1.1, "×")


def _tails(turns: list[list[int]], reference: list[list[int]]) -> float:
    """Median, over the rounds, of the ratio of p99 within a round."""
    pairs = zip(turns, reference, strict=True)
    return statistics.median(quantile(ours, 0.99) / quantile(theirs, 0.99) for ours, theirs in pairs)


CASES = {"studio": studio, "watched": watched}
