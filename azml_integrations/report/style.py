"""How a report looks: style sheets for a cell of a notebook, and for a file of its own around it."""

import re
from functools import cache
from importlib.resources import files

from ..pictures.page import COLORS


@cache
def fragment() -> str:
    """Return the style of what stands in a cell, the colours of the series included."""
    series = "".join(f".azml .azml-s{place} {{ --azml-c: {color}; }}" for place, color in enumerate(COLORS))
    return _sheet("fragment.css") + series


@cache
def page() -> str:
    """Return the style of what stands around it in a file."""
    return _sheet("page.css")


def _sheet(name: str) -> str:
    text = (files(__package__) / name).read_text(encoding="utf-8")
    return re.sub(r"/\*.*?\*/|\s+", lambda found: "" if found[0].startswith("/") else " ", text, flags=re.DOTALL)
