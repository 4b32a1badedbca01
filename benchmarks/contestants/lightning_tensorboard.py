"""A Trainer with Lightning's TensorBoardLogger."""

from __future__ import annotations

from contestant import serve
from fitter import Fitter
from lightning.pytorch.loggers import TensorBoardLogger


class TensorBoard(Fitter):
    """Defaults."""

    def logger(self) -> TensorBoardLogger:
        return TensorBoardLogger(self.home)


if __name__ == "__main__":
    serve(TensorBoard)
