"""The same loop with our autolog."""

from __future__ import annotations

from contestant import serve
from fitter import Looper

from azml_integrations import autolog


class Azml(Looper):
    """Defaults: a training is a run."""

    def listen(self) -> None:
        autolog("torch", silent=True)


if __name__ == "__main__":
    serve(Azml)
