"""Calibration: of the rows that a model is so sure about, how many are right."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .legible import distinct, long_form
from .page import GREY, Line, Page, Panel, Table, color, scale, shares
from .ranking import Side, calibration

if TYPE_CHECKING:
    from .judged import Judged
    from .page import Array

NAME, TITLE = "calibration_curve", "Calibration"
MOST_CURVES = 5
"""Classes with a curve each; of more, there is one of the class that the model thinks likeliest."""
COUNTS = 90
"""Height of the panel with the rows of each bin [px]."""


@dataclass(frozen=True)
class Curve:
    """The bins of one class.

    Attributes
    ----------
    label : object
        The class.
    said, came : array of shape (n_bins,)
        Mean probability that the model gives, and share of the rows that are of the class.
    rows : array of shape (n_bins,)
        Rows in the bin.
    """

    label: Any
    said: "Array"
    came: "Array"
    rows: "Array"


def facts(judged: "Judged | None") -> list[Curve] | str | None:
    """Return the bins of each class (of two: of the second); or why there are none."""
    if judged is None or not judged.classifies:
        return None
    if judged.classes is None:
        return "the model has no single list of classes"
    if judged.probability is None:
        return "the model gives no probabilities"
    found = judged.sides
    if isinstance(found, str):
        return found
    if len(found) > MOST_CURVES:
        found = (_likeliest(judged.classes, judged.probability, judged),)
    return [Curve(side.label, *calibration(side)) for side in found]


def page(curves: list[Curve], title: str) -> Page:
    """Draw the bins, and below them how many rows each has."""
    import numpy as np

    labels = distinct(curve.label for curve in curves)
    right = Line(np.array([0, 1]), np.array([0, 1]), GREY, dashed=True, width=1)
    lines, counts = [right], []
    for place, (curve, label) in enumerate(zip(curves, labels, strict=True)):
        lines.append(Line(curve.said, curve.came, color(place), label=label, dots=True))
        counts.append(Line(curve.said, curve.rows, color(place), dots=True))
    up = scale("Rows", np.zeros(1), *(curve.rows * 1.1 for curve in curves), about=2)
    likely = shares("Mean predicted probability")
    return Page(
        title,
        [[Panel(shares(""), shares("Share of positives"), lines)], [Panel(likely, up, counts, height=COUNTS)]],
    )


def table(curves: list[Curve]) -> Table:
    """Return the bins."""
    columns = [
        {"mean_predicted_probability": curve.said, "fraction_of_positives": curve.came, "rows": curve.rows}
        for curve in curves
    ]
    return long_form([curve.label for curve in curves], columns)


def _likeliest(classes: "Array", probability: "Array", judged: "Judged") -> Side:
    import numpy as np

    chosen = probability.argmax(axis=1)
    sure = probability[np.arange(len(chosen)), chosen]
    return Side("likeliest class", classes[chosen] == judged.y, sure, judged.weight)
