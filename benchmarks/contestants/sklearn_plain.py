"""Reference: scikit-learn, and nobody listens."""

from __future__ import annotations

from contestant import serve
from trainer import Trainer

if __name__ == "__main__":
    serve(Trainer)
