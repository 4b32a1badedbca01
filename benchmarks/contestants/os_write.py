"""Reference: one bare `os.write` of a JSON line to an O_APPEND file.

Nothing that survives SIGKILL of the process can be much cheaper.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path

from contestant import Contestant, Timings, clock, row, sample, serve

#: Lines that are encoded before the clock runs for the first of them.
AHEAD = 1000

#: Lines as the journal of a run has them.
POINT = b'{"event":"metric","name":"loss","value":%r,"at":1767225600.123456,"step":%d}\n'
POINTS = b'{"event":"metrics","values":%s,"at":1767225600.123456,"step":%d}\n'
STATUS = b'{"event":"status","status":"Completed","at":1767225600.123456}\n'


class OsWrite(Contestant):
    """A file per run. Its lines are encoded before the clock runs: only the write counts."""

    def start(self) -> str:
        run_id = uuid.uuid4().hex
        self.file = os.open(self._path(run_id), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        return run_id

    def log(self, steps: range) -> Timings:
        return self._write(steps, lambda step: POINT % (sample(step), step))

    def log_metrics(self, steps: range) -> Timings:
        return self._write(steps, lambda step: POINTS % (json.dumps(row(step)).encode(), step))

    def finish(self) -> None:
        os.close(self.file)

    def empty_runs(self, count: int) -> Timings:
        for _ in range(count):
            began = clock()
            self.start()
            os.write(self.file, STATUS)
            self.finish()
            yield clock() - began

    def history(self, run_id: str, points: int, times: int) -> Timings:
        for _ in range(times):
            began = clock()
            with self._path(run_id).open("rb") as lines:
                values = [json.loads(line)["value"] for line in lines]
            yield clock() - began
            assert len(values) == points

    def snapshots(self, times: int) -> Timings:
        """Look at each file: who does not look cannot know that nothing has changed."""
        for _ in range(times):
            began = clock()
            for place, _folders, files in os.walk(self.home / "source"):
                for name in files:
                    os.stat(f"{place}/{name}")  # noqa: PTH116 - bare
            yield clock() - began

    def stored(self, run_id: str) -> int:
        return self._path(run_id).read_bytes().count(b"\n")

    def _path(self, run_id: str) -> Path:
        return self.home / f"{run_id}.jsonl"

    def _write(self, steps: range, encode: Callable[[int], bytes]) -> Timings:
        for first in steps[::AHEAD]:  # encoding just before a write makes that write 15 % slower
            for line in [encode(step) for step in steps[first - steps.start :][:AHEAD]]:
                began = clock()
                os.write(self.file, line)
                yield clock() - began


if __name__ == "__main__":
    serve(OsWrite)
