"""What keeps pictures and their tables legible: fewer points, shorter labels, one table for several curves."""

from typing import TYPE_CHECKING, Any

from .letters import without_middle

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .judged import Judged
    from .page import Array
    from .ranking import Side

LETTERS = (20, 28, 40)
"""A longer label of a class loses its middle; more of it stays where labels would become the same."""
MOST_ROWS = 250
"""Rows of a table that stand for one curve."""
MOST_ROWS_OF_ALL = 600
"""Rows of a table of several curves, which share them."""
MOST_CURVES = 20
"""One-vs-rest curves that can still be told apart."""


def sides(judged: "Judged | None") -> "tuple[Side, ...] | str | None":
    """Return each class against the others, for as many classes as there can be curves; or why not."""
    if judged is None or not judged.classifies:
        return None
    found = judged.sides
    if not isinstance(found, str) and len(found) > MOST_CURVES:
        return f"{len(found)} classes are more than {MOST_CURVES} curves can show"
    return found


def thinned(length: int, curves: int = 1) -> "Array":
    """Return the places of a curve's points that are kept, evenly, the first and the last among them."""
    import numpy as np

    most = max(50, min(MOST_ROWS, MOST_ROWS_OF_ALL // curves))
    return np.arange(length) if length <= most else np.linspace(0, length - 1, most).astype(np.intp)


def distinct(labels: "Iterable[object]", lengths: tuple[int, ...] = LETTERS) -> list[str]:
    """Return labels as short texts that differ as the labels do."""
    texts = [" ".join(str(label).split()) for label in labels]
    for most in lengths:
        short = [without_middle(text, most) for text in texts]
        if len(set(short)) == len(short):
            return short
    return [f"{place}: {without_middle(text, lengths[0])}" for place, text in enumerate(texts)]


def long_form(labels: list[Any], columns: "list[dict[str, Array]]") -> dict[str, list[Any]]:
    """Return the points of curves as one table; of several curves, the first column says whose they are."""
    joined = {name: [value for each in columns for value in each[name].tolist()] for name in columns[0]}
    if len(labels) == 1:
        return joined
    lengths = [len(next(iter(each.values()))) for each in columns]
    return {"class": [str(label) for label, rows in zip(labels, lengths, strict=True) for _ in range(rows)]} | joined
