"""How well rows are ranked, threshold by threshold: the numbers under ROC, precision-recall and calibration curves."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..host import computed_once

if TYPE_CHECKING:
    import numpy as np

BINS = 10
"""Bins of a calibration curve, as in ``sklearn.calibration.calibration_curve``."""


@dataclass(frozen=True)
class Side:
    """One class against all others.

    Attributes
    ----------
    label : object
        The class.
    right : array of bool, shape (n,)
        Which rows are of it.
    ranked : array of shape (n,)
        Higher means more likely of it; a probability where the model gives one.
    weight : array of shape (n,) or None
        How much each row counts.
    """

    label: Any
    right: "np.ndarray[Any, Any]"
    ranked: "np.ndarray[Any, Any]"
    weight: "np.ndarray[Any, Any] | None" = None

    @computed_once  # metric, ROC and precision-recall curve ask for the same
    def cuts(self) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]":
        """Each threshold, from the highest on, with the true and false positives at or above it."""
        import numpy as np

        order = np.argsort(-self.ranked, kind="stable")
        ranked = self.ranked[order]
        ends = np.append(np.flatnonzero(np.diff(ranked)), len(order) - 1)  # rows of one score are one threshold
        counts = np.ones(len(order)) if self.weight is None else self.weight[order].astype(float)
        right = self.right[order]
        return ranked[ends], np.cumsum(counts * right)[ends], np.cumsum(counts * ~right)[ends]


def roc_area(side: Side) -> float:
    """Return the area under the curve of true positive rates over false ones."""
    import numpy as np

    _, true, false = side.cuts
    return float(np.trapezoid(np.append(0.0, true / true[-1]), np.append(0.0, false / false[-1])))


def precision_recall(side: Side) -> "tuple[Any, Any, float]":
    """Return recall and precision at each threshold, from the highest on, and the average precision."""
    import numpy as np

    _, true, false = side.cuts
    precision = np.divide(true, true + false, out=np.zeros(len(true)), where=true + false != 0)
    recall = true / true[-1]
    return recall, precision, float(np.sum(np.diff(recall, prepend=0.0) * precision))


def calibration(side: Side) -> "tuple[Any, Any, Any]":
    """Return, of each bin that has rows: the mean probability, the share of positives, and the number of rows."""
    import numpy as np

    right, probability, weight = side.right, side.ranked, side.weight
    bins = np.searchsorted(np.linspace(0.0, 1.0, BINS + 1)[1:-1], probability)
    rows = np.bincount(bins, minlength=BINS)
    mass = np.bincount(bins, weights=weight, minlength=BINS).astype(float)
    ones = np.ones(len(bins)) if weight is None else weight
    said = np.bincount(bins, weights=ones * probability, minlength=BINS)
    came = np.bincount(bins, weights=ones * right, minlength=BINS)
    there = mass > 0
    return said[there] / mass[there], came[there] / mass[there], rows[there]
