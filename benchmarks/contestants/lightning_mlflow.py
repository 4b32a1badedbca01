"""A Trainer with Lightning's MLFlowLogger and MLflow's SQLite store, the default since 3.7."""

from __future__ import annotations

from contestant import serve
from fitter import Fitter
from lightning.pytorch.loggers import MLFlowLogger


class Mlflow(Fitter):
    """Defaults but for the place."""

    def logger(self) -> MLFlowLogger:
        return MLFlowLogger(tracking_uri=f"sqlite:///{self.home / 'mlflow.db'}")


if __name__ == "__main__":
    serve(Mlflow)
