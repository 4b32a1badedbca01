"""ROC: how many of the others are taken along, for each share of a class that is found."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .legible import distinct, long_form, sides, thinned
from .page import GREY, Line, Page, Panel, Table, color, dashed, shares
from .ranking import roc_area

if TYPE_CHECKING:
    from .judged import Judged
    from .page import Array
    from .ranking import Side

NAME, TITLE = "roc_curve", "ROC"


@dataclass(frozen=True)
class Curve:
    """The curve of one class against the others.

    Attributes
    ----------
    label : object
        The class.
    false, true : array of shape (n,)
        Rates of false and of true positives, from (0, 0) to (1, 1).
    threshold : array of shape (n,)
        What is ranked at least so high counts as positive.
    area : float
        Under the whole curve.
    """

    label: Any
    false: "Array"
    true: "Array"
    threshold: "Array"
    area: float


def facts(judged: "Judged | None") -> list[Curve] | str | None:
    """Return the curve of each class (of two: of the second); or why there is none."""
    found = sides(judged)
    if found is None or isinstance(found, str):
        return found
    return [_curve(side, len(found)) for side in found]


def page(curves: list[Curve], title: str) -> Page:
    """Draw the curves."""
    import numpy as np

    labels = distinct(curve.label for curve in curves)
    chance = Line(np.array([0, 1]), np.array([0, 1]), GREY, dashed=True, width=1)
    lines = [
        Line(curve.false, curve.true, color(place), dashed(place), f"{label} (AUC = {curve.area:.3f})")
        for place, (curve, label) in enumerate(zip(curves, labels, strict=True))
    ]
    return Page(title, [[Panel(shares("False positive rate"), shares("True positive rate"), [chance, *lines])]])


def table(curves: list[Curve]) -> Table:
    """Return the points of the curves."""
    columns = [
        {"false_positive_rate": curve.false, "true_positive_rate": curve.true, "threshold": curve.threshold}
        for curve in curves
    ]
    return long_form([curve.label for curve in curves], columns)


def _curve(side: "Side", curves: int) -> Curve:
    import numpy as np

    threshold, true, false = side.cuts
    if len(true) > 2:  # noqa: PLR2004 - a point within a straight part says nothing, as roc_curve has it
        corners = np.concatenate([[True], (np.diff(false, 2) != 0) | (np.diff(true, 2) != 0), [True]])
        threshold, true, false = threshold[corners], true[corners], false[corners]
    kept = thinned(len(true) + 1, curves)
    false, true = (np.append(0.0, counts / counts[-1])[kept] for counts in (false, true))
    return Curve(side.label, false, true, np.append(np.inf, threshold)[kept].astype(float), roc_area(side))
