"""What a model looks at: one or several importances of each feature, side by side, for adapters that count them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .legible import MOST_ROWS, distinct
from .page import COLORS, Axis, Bars, Page, Panel, Table, places, scale

if TYPE_CHECKING:
    from .page import Array

NAME, TITLE = "importance", "Feature importance"
MOST_BARS = 20
LETTERS = (30, 36)
BAR = 20
"""Height of a bar with its room [px]."""
WIDTH = 300
"""Of a panel [px]."""


@dataclass(frozen=True)
class Importances:
    """Importances of n features.

    Attributes
    ----------
    names : list of str, length n
        The features.
    kinds : dict of str to array of shape (n,)
        Their importance by its name, which is that of its column; the features are sorted by the size of the first.
    labels : dict of str to str
        What stands below the panel of a kind; a kind without a label is its own.
    of : int
        Features that the model has, where the others were left out.
    """

    names: list[str]
    kinds: "dict[str, Array]"
    labels: dict[str, str]
    of: int = 0


def facts(given: Importances | str | None) -> Importances | str | None:
    """Return the weightiest features, the first of them the weightiest.

    Parameters
    ----------
    given : Importances, str or None
        Of a model; or why there are none.
    """
    import numpy as np

    if given is None or isinstance(given, str):
        return given
    if not given.kinds or not any(np.any(values) for values in given.kinds.values()):
        return "no feature has any"
    first = next(iter(given.kinds.values()))
    order = np.argsort(-np.abs(first), kind="stable")[:MOST_ROWS]
    kinds = {kind: np.asarray(values)[order] for kind, values in given.kinds.items()}
    return Importances([given.names[place] for place in order], kinds, given.labels, given.of or len(given.names))


def page(found: Importances, title: str) -> Page:
    """Draw the weightiest features, one panel for each kind, negative values in another colour."""
    import numpy as np

    names = distinct(found.names[:MOST_BARS], LETTERS)
    if found.of > len(names):
        title += f", {len(names)} of {found.of:,}"
    height = max(BAR * len(names), 3 * BAR)
    up = places("", names, height, across=False, backwards=True)
    bare = Axis("", up.low, up.high, (), ())
    panels = []
    for number, (kind, every) in enumerate(found.kinds.items()):
        values = every[:MOST_BARS]
        across = scale(found.labels.get(kind, kind), np.zeros(1), values, room=WIDTH, grid=True)
        marks = [Bars(np.where(values > 0, values, 0.0)), Bars(np.where(values < 0, values, 0.0), COLORS[3])]
        panels.append(Panel(across, bare if number else up, marks, width=WIDTH, height=height))
    return Page(title, [panels])


def table(found: Importances) -> Table:
    """Return the features with each kind of importance."""
    return {"feature": found.names, **{kind: values.tolist() for kind, values in found.kinds.items()}}
