"""A Trainer with our logger."""

from __future__ import annotations

from contestant import serve
from fitter import Fitter

from azml_lightning import AzmlLogger


class Azml(Fitter):
    """Defaults: each fit is a run."""

    def logger(self) -> AzmlLogger:
        return AzmlLogger("fits")


if __name__ == "__main__":
    serve(Azml)
