"""One contestant in a process of its own: what it can be asked, and how it is asked.

A request is one JSON line on standard input, ``{"verb": "log", "steps": [0, 1000], "limit": 0.5}``; a timed verb stops
after `limit` seconds. The answer is one JSON line on standard output: ``{"nanoseconds": [...]}`` for a timed verb,
``{"answer": ...}`` for any other, ``{"error": "..."}`` when the contestant raised, ``{"missing": true}`` when it has no
such verb.

This file runs in every contestant's environment, so it imports the standard library only.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

#: A timed verb yields what each single call took [ns].
Timings = Iterator[int]

#: The 20 names that one `log_metrics` call carries.
NAMES = [f"metric_{number:02}" for number in range(20)]

#: Set by the verbs below around the call itself and nothing else.
clock = time.perf_counter_ns


def sample(step: int) -> float:
    """A value with all its digits, as a loss has: 0.5 would be cheaper to write than any real number."""
    return 1.5 + math.sin(step)


def row(step: int) -> dict[str, float]:
    """Twenty such values by name."""
    return {name: sample(step + number) for number, name in enumerate(NAMES)}


def ranked(count: int) -> Iterator[float]:
    """`count` different values in no order, the lowest of them 1.0 and neither first nor last."""
    return (1.0 + (number * 7919 + count // 2) % count for number in range(count))


class Contestant:
    """A way to record runs. A subclass has the verbs it can answer.

    Parameters
    ----------
    home : Path
        Folder that holds everything this contestant stores; several processes may share one.
    """

    def __init__(self, home: Path) -> None:
        self.home = home

    def ready(self) -> None:
        """Answer, now that everything is imported."""

    def start(self) -> str:
        """Begin a run to log into and say its id."""
        raise NotImplementedError

    def log(self, steps: range) -> Timings:
        """Log one float at each step into the run."""
        raise NotImplementedError

    def log_metrics(self, steps: range) -> Timings:
        """Log 20 floats at each step into the run."""
        raise NotImplementedError

    def finish(self) -> None:
        """End the run, and do now what the store would do later with an ended run."""
        raise NotImplementedError

    def empty_runs(self, count: int) -> Timings:
        """Begin and end `count` runs that record nothing."""
        raise NotImplementedError

    def fill_runs(self, count: int) -> None:
        """Store ended runs with one of the `ranked` values each, by the fastest way that leaves a usual store."""
        raise NotImplementedError

    def lowest(self, times: int) -> Timings:
        """Find the run with the lowest value, `times` times, with nothing kept between."""
        raise NotImplementedError

    def fill_points(self, points: int) -> None:
        """Log so many points into the run, by the fastest way that leaves a usual store."""
        for _ in self.log(range(points)):
            pass

    def fold(self, run_id: str) -> Timings:
        """Bring an ended run's points from the journal into the index."""
        raise NotImplementedError

    def history(self, run_id: str, points: int, times: int) -> Timings:
        """Read all points of one metric, `times` times, with nothing kept between."""
        raise NotImplementedError

    def fill_source(self, files: int) -> None:
        """Make a source folder of many small programs in forty folders, and an ignore file of thirty lines."""
        for number in range(files):
            path = self.home / "source" / f"part{number % 40}" / f"module_{number}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"x = {number}\n" * 200)
        (self.home / "source" / ".gitignore").write_text("".join(f"/build{n}/\n*.tmp{n}\n" for n in range(15)))
        time.sleep(2.5)  # what was written just now is read again by whoever is careful

    def snapshots(self, times: int) -> Timings:
        """Keep what the source folder holds, and say its id."""
        raise NotImplementedError

    def stored(self, run_id: str) -> int:
        """How many of a run's points another process finds."""
        raise NotImplementedError

    def log_until_killed(self, acknowledgements: str) -> None:
        """Log for ever; after each call, say in a file how many have returned."""
        acknowledged, driver = os.open(acknowledgements, os.O_WRONLY | os.O_CREAT), os.getppid()
        for returned, _ in enumerate(self.log(range(sys.maxsize)), start=1):
            os.pwrite(acknowledged, returned.to_bytes(8, "little"), 0)
            if returned % 4096 == 0 and os.getppid() != driver:  # nobody is left to kill us
                break

    def memory(self, marks: list[int], seconds: float) -> list[tuple[int, int]]:
        """Log on, and say the memory [bytes] at each mark [points], or where the time was over."""
        return resident_along(self.log(range(marks[-1])), marks, seconds)


def resident_along(calls: Timings, marks: list[int], seconds: float, look_every: int = 256) -> list[tuple[int, int]]:
    """The memory [bytes] before the first of some calls, at each mark [calls], and where the time was over."""
    deadline, seen = time.monotonic() + seconds, [(0, resident())]
    for done, _ in enumerate(calls, start=1):
        late = done % look_every == 0 and time.monotonic() > deadline
        if late or done in marks:
            seen.append((done, resident()))
        if late:
            break
    return seen


def resident() -> int:
    """Resident memory of this process and the processes it started [bytes]."""
    family, pages = [str(os.getpid())], 0
    for pid in family:
        family += Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def timed(call: Callable[..., object], *args: object) -> Any:
    """Call, and say the time and the processor time that it took [ns]."""
    spent, began = processor_time(), clock()
    call(*args)
    took = clock() - began
    return took, processor_time() - spent


def processor_time() -> int:
    """What this process and those it started have spent [ns]; of living ones in ticks of 10 ms."""
    reaped = resource.getrusage(resource.RUSAGE_CHILDREN)
    living = sum(_ticks(pid) for pid in started_by(os.getpid()))
    per_tick = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    return time.process_time_ns() + int((reaped.ru_utime + reaped.ru_stime) * 1e9) + living * per_tick


def started_by(pid: int) -> Iterator[str]:
    """The ids of the processes that a process has started, and of those that they have."""
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield child
                yield from started_by(int(child))


def _ticks(pid: str) -> int:
    with contextlib.suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(stat[11]) + int(stat[12])
    return 0


def serve(contestant: type[Contestant]) -> None:
    """Answer requests until standard input ends; what the contestant prints goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    asked = contestant(Path(sys.argv[1]))
    for line in sys.stdin:
        print(json.dumps(answer(asked, **json.loads(line))), file=answers, flush=True)


def answer(asked: Contestant, verb: str, limit: float = math.inf, **arguments: object) -> dict[str, object]:
    """Do what one request says."""
    if "steps" in arguments:
        arguments["steps"] = range(*arguments["steps"])
    try:
        result = getattr(asked, verb)(**arguments)
        return {"nanoseconds": list(until(limit, result))} if isinstance(result, Iterator) else {"answer": result}
    except NotImplementedError:
        return {"missing": True}
    except Exception as error:  # noqa: BLE001 - whatever a contestant raises is a result, not our failure
        return {"error": f"{type(error).__name__}: {error}"}


def until(limit: float, timings: Timings) -> Timings:
    """The timings of the first `limit` seconds, the one that crosses the line included."""
    deadline = time.monotonic() + limit
    for nanoseconds in timings:
        yield nanoseconds
        if time.monotonic() > deadline:
            return
