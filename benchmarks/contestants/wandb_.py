"""Weights & Biases in offline mode.

What it stores offline is read by its server, after `wandb sync`, so it has no answer to the reading cases.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import wandb
from contestant import Contestant, Timings, clock, row, sample, serve
from wandb.proto import wandb_internal_pb2

#: The file of an offline run: 7 bytes, then LevelDB log blocks of this many bytes.
HEADER, BLOCK = 7, 32768


class Wandb(Contestant):
    """A call hands its values to a helper process, which writes them."""

    def start(self) -> str:
        self.run = wandb.init(project="bench", mode="offline", dir=self.home)
        return self.run.id

    def log(self, steps: range) -> Timings:
        for step in steps:
            value = sample(step)
            began = clock()
            self.run.log({"loss": value}, step=step)
            yield clock() - began

    def log_metrics(self, steps: range) -> Timings:
        for step in steps:
            values = row(step)
            began = clock()
            self.run.log(values, step=step)
            yield clock() - began

    def finish(self) -> None:
        self.run.finish()

    def empty_runs(self, count: int) -> Timings:
        for _ in range(count):
            began = clock()
            wandb.init(project="bench", mode="offline", dir=self.home).finish()
            yield clock() - began

    def stored(self, run_id: str) -> int:
        (path,) = self.home.glob(f"wandb/offline-run-*-{run_id}/run-{run_id}.wandb")
        records = map(wandb_internal_pb2.Record.FromString, payloads(path.read_bytes()))
        return sum(record.WhichOneof("record_type") == "history" for record in records)


def payloads(log: bytes) -> Iterator[bytes]:
    """The whole records of a LevelDB log; one that was cut off at the end is left out."""
    parts = b""
    for block in range(0, len(log), BLOCK):
        position = block or HEADER
        while position + 7 <= min(block + BLOCK, len(log)):
            _checksum, length, kind = struct.unpack_from("<IHB", log, position)
            part = log[position + 7 : position + 7 + length]
            position += 7 + length
            if kind == 0 or len(part) < length:  # padding, or torn
                break
            parts = part if kind in (1, 2) else parts + part
            if kind in (1, 4):
                yield parts


if __name__ == "__main__":
    serve(Wandb)
