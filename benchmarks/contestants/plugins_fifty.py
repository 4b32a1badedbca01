"""Our recording core with fifty plugins installed that listen to the life of runs."""

from __future__ import annotations

from contestant import serve
from plugins_none import Plugged


class Fifty(Plugged):
    """As many as anybody will have."""

    count = 50


if __name__ == "__main__":
    serve(Fifty)
