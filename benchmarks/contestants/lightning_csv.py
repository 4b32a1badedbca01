"""A Trainer with Lightning's CSVLogger."""

from __future__ import annotations

from contestant import serve
from fitter import Fitter
from lightning.pytorch.loggers import CSVLogger


class Csv(Fitter):
    """Defaults: it writes every hundred steps."""

    def logger(self) -> CSVLogger:
        return CSVLogger(self.home)


if __name__ == "__main__":
    serve(Csv)
