"""Reference: a loop of plain PyTorch, and nobody listens."""

from __future__ import annotations

from contestant import serve
from fitter import Looper

if __name__ == "__main__":
    serve(Looper)
