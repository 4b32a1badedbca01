"""Somebody who trains a tiny network with Lightning, or in a loop of plain PyTorch: only who listens differs."""

from __future__ import annotations

import itertools
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from contestant import Contestant, Timings, clock, processor_time
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import nn
from torch.nn.functional import mse_loss

#: Rows of a batch.
ROWS = 8


class Network(LightningModule):
    """16 numbers in, 16 in the middle, one out; it logs its loss at each step."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layers = mlp(width)

    def training_step(self, batch: Any, index: int) -> Any:
        loss = mse_loss(self.layers(batch[0]), batch[1])
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.01)


def mlp(width: int = 16) -> Any:
    """The network as it is."""
    return nn.Sequential(nn.Linear(16, width), nn.ReLU(), nn.Linear(width, 1))


class Batches:
    """The same batch again and again, made beforehand."""

    def __init__(self, count: int) -> None:
        self.count, self.batch = count, (torch.randn(ROWS, 16), torch.randn(ROWS, 1))

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Any]:
        return itertools.repeat(self.batch, self.count)


class Stopwatch(Callback):
    """Time and processor time [ns] from the first step to the last."""

    def on_train_start(self, *_: object) -> None:
        self.began = clock(), processor_time()

    def on_train_end(self, *_: object) -> None:
        self.took = clock() - self.began[0], processor_time() - self.began[1]


class Fitter(Contestant):
    """Fits with Lightning and without a logger; a subclass has one."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        warnings.simplefilter("ignore")
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    def logger(self) -> Any:
        """A new logger for one fit; False is none."""
        return False

    def fit(self, count: int) -> Timings:
        """Fit again and again, `count` steps each time; pairs: time and processor time of a step [ns]."""
        batches = Batches(count)
        for _ in itertools.count():
            watch = Stopwatch()
            trainer = Trainer(
                logger=self.logger(),
                max_epochs=1,
                log_every_n_steps=1,
                accelerator="cpu",
                callbacks=[watch],
                default_root_dir=self.home,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            trainer.fit(Network(), batches)
            yield tuple(nanoseconds / count for nanoseconds in watch.took)


class Looper(Contestant):
    """Trains in a loop of plain PyTorch; a subclass lets autolog listen."""

    def listen(self) -> None:
        """Let it listen."""

    def loop(self, count: int) -> Timings:
        """Train again and again, `count` steps each time; pairs as from `Fitter.fit`."""
        for _ in itertools.count():
            model, criterion = mlp(), nn.MSELoss()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
            x, y = torch.randn(ROWS, 16), torch.randn(ROWS, 1)
            for _ in range(50):  # what is made once for a training
                step(model, criterion, optimizer, x, y)
            began = clock(), processor_time()
            for _ in range(count):
                step(model, criterion, optimizer, x, y)
            took = clock() - began[0], processor_time() - began[1]
            yield tuple(nanoseconds / count for nanoseconds in took)


def step(model: Any, criterion: Any, optimizer: Any, x: Any, y: Any) -> None:
    """One step of training, as everybody writes it."""
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
