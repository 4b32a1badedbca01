"""The four JSON schemas of SDK v1 as pictures: confusion matrix, accuracy table, residuals, predictions."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .charts import Bars, Chart, Curve, Point

MOST_CLASSES = 30
"""Classes whose confusion matrix is shown."""
MOST_CURVES = 8
"""Classes whose curves are drawn."""


@dataclass(frozen=True)
class Matrix:
    """How often each class was taken for each other one: counts of shape (n, n), a row for each true class."""

    classes: Sequence[str]
    counts: Sequence[Sequence[float]]


@dataclass(frozen=True)
class Evaluation:
    """One evaluation.

    Attributes
    ----------
    name : str
        Metric name.
    matrix : Matrix or None
        Where it is a confusion matrix.
    charts : tuple of Chart
        Where it is another one.
    amiss : str
        Why nothing is shown.
    """

    name: str
    matrix: Matrix | None = None
    charts: tuple[Chart, ...] = ()
    amiss: str = ""


def evaluation(name: str, kind: str, document: Mapping[str, Any]) -> Evaluation:
    """Return an evaluation as it is shown.

    Parameters
    ----------
    name : str
        Metric name.
    kind : str
        One of the four.
    document : dict
        As `metrics.document` has checked it.
    """
    data = document["data"]
    match kind:
        case "confusion_matrix":
            return _confusion(name, data)
        case "residuals":
            bars = Bars(_floats(data["bin_edges"]), _floats(data["bin_counts"]))
            return Evaluation(name, charts=(Chart(name, "residual", "count", bars=bars),))
        case "predictions":
            return Evaluation(name, charts=(_predictions(name, data),))
        case _:
            return Evaluation(name, charts=_accuracy(name, data))


def _confusion(name: str, data: Mapping[str, Any]) -> Evaluation:
    classes = [str(label) for label in data["class_labels"]]
    if len(classes) > MOST_CLASSES:
        return Evaluation(name, amiss=f"{len(classes)} classes are too many to read here")
    return Evaluation(name, Matrix(classes, [_floats(row) for row in data["matrix"]]))


def _predictions(name: str, data: Mapping[str, Any]) -> Chart:
    edges = _floats(data["bin_edges"])
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    averages, spread = _floats(data["bin_averages"]), _floats(data["bin_errors"])
    points = list(zip(middles, averages, strict=True))
    low = [(x, y - by) for (x, y), by in zip(points, spread, strict=True)]
    high = [(x, y + by) for (x, y), by in zip(points, spread, strict=True)]
    ideal = [(edges[0], edges[0]), (edges[-1], edges[-1])]
    curves = [
        Curve(points, "mean prediction"),
        Curve(low, "less its error"),
        Curve(high, "plus its error"),
        Curve(ideal, dashed=True),
    ]
    return Chart(name, "true value", "predicted value", curves, remark="dashed: as it should be")


def _accuracy(name: str, data: Mapping[str, Any]) -> tuple[Chart, ...]:
    classes = [str(label) for label in data["class_labels"]]
    tables = data["probability_tables"][:MOST_CURVES]
    several = len(classes) > 1
    rocs, recalls = [], []
    for label, table in zip(classes, tables, strict=False):
        counts = [_floats(line) for line in table]
        rocs.append(Curve(sorted(_rates(counts)), label if several else ""))
        recalls.append(Curve(sorted(_recalls(counts)), label if several else ""))
    left = len(classes) - len(rocs)
    remark = f"the first {len(rocs)} of {len(classes)} classes" if left else ""
    return (
        Chart(
            f"{name}: ROC",
            "false positive rate",
            "true positive rate",
            [*rocs, Curve([(0.0, 0.0), (1.0, 1.0)], dashed=True)],
            remark=remark,
        ),
        Chart(f"{name}: precision and recall", "recall", "precision", recalls, remark=remark),
    )


def _rates(counts: Sequence[Sequence[float]]) -> list[Point]:
    return [(fp / (fp + tn), tp / (tp + fn)) for tp, fp, tn, fn in counts if fp + tn > 0 and tp + fn > 0]


def _recalls(counts: Sequence[Sequence[float]]) -> list[Point]:
    return [(tp / (tp + fn), tp / (tp + fp)) for tp, fp, _, fn in counts if tp + fn > 0 and tp + fp > 0]


def _floats(values: Sequence[Any]) -> list[float]:
    return [float(value) if isinstance(value, (int, float)) else math.nan for value in values]
