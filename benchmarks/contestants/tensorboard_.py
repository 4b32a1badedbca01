"""TensorBoard's event files, written by the SummaryWriter of tensorboardX and read by TensorBoard's own reader.

There are three such writers with one file format. This is the fastest of them per call and needs no torch;
`torch.utils.tensorboard.SummaryWriter` and `tensorboard.summary.Writer` take about 4 and 10 times as long.
"""

from __future__ import annotations

import uuid

from contestant import Contestant, Timings, clock, row, sample, serve
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboardX import SummaryWriter


class TensorBoard(Contestant):
    """A call puts its value into a queue; a thread writes it and flushes every two minutes."""

    def start(self) -> str:
        run_id = uuid.uuid4().hex
        self.writer = SummaryWriter(str(self.home / run_id))
        return run_id

    def log(self, steps: range) -> Timings:
        for step in steps:
            value = sample(step)
            began = clock()
            self.writer.add_scalar("loss", value, step)
            yield clock() - began

    def log_metrics(self, steps: range) -> Timings:
        """One call each: `add_scalars` would open a file per name."""
        for step in steps:
            values = row(step)
            began = clock()
            for name, value in values.items():
                self.writer.add_scalar(name, value, step)
            yield clock() - began

    def finish(self) -> None:
        self.writer.close()

    def empty_runs(self, count: int) -> Timings:
        for _ in range(count):
            began = clock()
            self.start()
            self.finish()
            yield clock() - began

    def history(self, run_id: str, points: int, times: int) -> Timings:
        for _ in range(times):
            began = clock()
            found = self._read(run_id)
            yield clock() - began
            assert len(found) == points

    def stored(self, run_id: str) -> int:
        return len(self._read(run_id))

    def _read(self, run_id: str) -> list[object]:
        events = EventAccumulator(str(self.home / run_id), size_guidance={"scalars": 0})
        events.Reload()
        return events.Scalars("loss") if "loss" in events.Tags()["scalars"] else []


if __name__ == "__main__":
    serve(TensorBoard)
