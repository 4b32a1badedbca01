"""Reference: a Trainer without a logger."""

from __future__ import annotations

from contestant import serve
from fitter import Fitter

if __name__ == "__main__":
    serve(Fitter)
