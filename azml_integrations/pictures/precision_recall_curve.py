"""Precision against recall: what is right among what is found, for each share of a class that is found."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .legible import distinct, long_form, sides, thinned
from .page import GREY, Line, Page, Panel, Table, color, dashed, shares
from .ranking import precision_recall

if TYPE_CHECKING:
    from .judged import Judged
    from .page import Array
    from .ranking import Side

NAME, TITLE = "precision_recall_curve", "Precision and recall"


@dataclass(frozen=True)
class Curve:
    """The curve of one class against the others.

    Attributes
    ----------
    label : object
        The class.
    recall, precision : array of shape (n,)
        From (0, 1) to (1, share of the class).
    threshold : array of shape (n,)
        What is ranked at least so high counts as positive.
    average : float
        Average precision of the whole curve.
    """

    label: Any
    recall: "Array"
    precision: "Array"
    threshold: "Array"
    average: float


def facts(judged: "Judged | None") -> list[Curve] | str | None:
    """Return the curve of each class (of two: of the second); or why there is none."""
    found = sides(judged)
    if found is None or isinstance(found, str):
        return found
    return [_curve(side, len(found)) for side in found]


def page(curves: list[Curve], title: str) -> Page:
    """Draw the curves as stairs, which is how average precision is counted; of two classes, what chance would give."""
    import numpy as np

    labels = distinct(curve.label for curve in curves)
    lines = [
        Line(*_stairs(curve), color(place), dashed(place), f"{label} (AP = {curve.average:.3f})")
        for place, (curve, label) in enumerate(zip(curves, labels, strict=True))
    ]
    if len(curves) == 1:
        share = curves[0].precision[-1]
        lines.insert(0, Line(np.array([0, 1]), np.array([share, share]), GREY, dashed=True, width=1))
    return Page(title, [[Panel(shares("Recall"), shares("Precision"), lines)]])


def table(curves: list[Curve]) -> Table:
    """Return the points of the curves."""
    columns = [{"recall": curve.recall, "precision": curve.precision, "threshold": curve.threshold} for curve in curves]
    return long_form([curve.label for curve in curves], columns)


def _curve(side: "Side", curves: int) -> Curve:
    import numpy as np

    recall, precision, average = precision_recall(side)
    columns = np.append(0.0, recall), np.append(1.0, precision), np.append(np.inf, side.cuts[0])
    kept = np.arange(len(columns[0]))
    if len(thinned(len(kept), curves)) < len(kept):  # first those between which no row of the class was found
        found = np.diff(columns[0]) != 0
        kept = kept[np.concatenate([[True], found[:-1] | found[1:], [True]])]
    kept = kept[thinned(len(kept), curves)]
    recall, precision, threshold = (column[kept].astype(float) for column in columns)
    return Curve(side.label, recall, precision, threshold, average)


def _stairs(curve: Curve) -> "tuple[Array, Array]":
    import numpy as np

    return np.repeat(curve.recall, 2)[:-1], np.append(curve.precision[0], np.repeat(curve.precision[1:], 2))
