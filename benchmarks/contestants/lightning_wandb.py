"""A Trainer with Lightning's WandbLogger, offline."""

from __future__ import annotations

import wandb
from contestant import Timings, serve
from fitter import Fitter
from lightning.pytorch.loggers import WandbLogger


class Wandb(Fitter):
    """Defaults but for the network: each fit is a run."""

    def logger(self) -> WandbLogger:
        return WandbLogger(save_dir=self.home, offline=True)

    def fit(self, count: int) -> Timings:
        for took in super().fit(count):
            wandb.finish()
            yield took


if __name__ == "__main__":
    serve(Wandb)
