"""Processes that log without a pause, each killed at a random moment; run by test_kills.py.

Arguments: how many, seed, folder for the acknowledgements.
"""

import io
import itertools
import os
import random
import signal
import sys
import time
from pathlib import Path

from azml_integrations.core import Experiment, Run, Workspace

LONGEST = 0.015
"""Time that a victim logs at most [s]."""

AT_ONCE = 0.1
"""Share of the victims that may be killed before they have begun."""


def content(i: int) -> bytes:
    """Return what the i-th call uploads."""
    return f"{i}\n".encode() * (i % 5000)


def call(run: Run, i: int) -> None:
    """Make the i-th call: one of every verb, the cheap ones more often."""
    match i % 40:
        case 7 | 27:
            run.log_row("row", i=i, twice=2 * i)
        case 9 | 29:
            run.log_list("list", [i, i + 1, i + 2])
        case 11 | 31:
            run.log_table("table", {"x": [i, i + 1], "y": [-i, -i - 1]})
        case 13:
            run.tag(f"tag{i}", str(i))
        case 33:
            run.upload_file(f"files/{i}.txt", io.BytesIO(content(i)))
        case odd if odd % 2:
            run.log_metrics({"plus": i, "minus": -i}, step=i)
        case _:
            run.log("loss", float(i), step=i)


def stored(run: Run) -> list[int]:
    """Return the numbers of the calls that can be read back, and demand that each is there whole."""
    store = run._workspace.view.of(run.id)

    def points(name: str) -> list[object]:
        series = store.series(run.id, name)
        return [] if series is None else series.points()

    calls = []
    for point in points("loss"):
        assert point.value == float(point.step)
        calls.append(point.step)
    for plus, minus in zip(points("plus"), points("minus"), strict=True):
        assert plus.value == -minus.value == plus.step
        calls.append(plus.step)
    for point in points("row"):
        assert point.value == {"i": point.value["i"], "twice": 2 * point.value["i"]}
        calls.append(point.value["i"])
    for point in points("list"):
        i = point.value[0]
        assert point.value == [i, i + 1, i + 2]
        calls.append(i)
    for point in points("table"):
        i = point.value["x"][0]
        assert point.value == {"x": [i, i + 1], "y": [-i, -i - 1]}
        calls.append(i)
    record = store.run(run.id)
    calls.extend(int(value) for value in record.tags.values())
    for artifact in store.artifacts(run.id):
        i = int(Path(artifact.name).stem)
        assert run._read(artifact.name) == content(i)
        calls.append(i)
    return sorted(calls)


def live(experiment: Experiment, run_id: str, acks: Path, ready: int) -> None:
    """Log for ever, and acknowledge each call in a file."""
    ack = os.open(acks / run_id, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    run = experiment.start_logging(run_id=run_id, outputs=False, snapshot_directory=None)
    os.write(ready, b"!")
    for i in itertools.count():
        call(run, i)
        os.write(ack, b"%d\n" % i)


def main(victims: int, seed: int, acks: Path) -> None:
    """Fork the victims one after another, and kill each."""
    dice = random.Random(seed)
    experiment = Experiment(Workspace.create("test", exist_ok=True), "victims")
    for victim in range(victims):
        heard, ready = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(heard)
                live(experiment, f"victim-{victim}", acks, ready)
            finally:
                os._exit(3)
        os.close(ready)
        if dice.random() > AT_ONCE:
            os.read(heard, 1)
        time.sleep(dice.uniform(0, LONGEST))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.close(heard)
        if os.WTERMSIG(status) != signal.SIGKILL:
            sys.exit(f"victim {victim} ended by itself: {status}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
