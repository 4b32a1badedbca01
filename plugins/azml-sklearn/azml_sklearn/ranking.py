"""How well rows are ranked, threshold by threshold: the numbers under ROC, precision-recall and calibration curves."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    """

    label: Any
    right: "np.ndarray[Any, Any]"
    ranked: "np.ndarray[Any, Any]"


def by_threshold(right: "np.ndarray[Any, Any]", ranked: "np.ndarray[Any, Any]", weight: Any = None) -> tuple[Any, ...]:
    """Return each threshold, from the highest on, with what lies at or above it: true and false positives.

    Parameters
    ----------
    right : array of bool, shape (n,)
        Which rows are positive.
    ranked : array of shape (n,)
        Higher means more likely positive.
    weight : array of shape (n,), default=None
        How much each row counts.
    """
    import numpy as np

    order = np.argsort(-ranked, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(ranked[order])), len(order) - 1)  # rows of one score are one threshold
    counts = np.ones(len(order)) if weight is None else weight[order]
    true, false = np.cumsum(counts * right[order])[ends], np.cumsum(counts * ~right[order])[ends]
    return ranked[order][ends], true, false


def roc(right: "np.ndarray[Any, Any]", ranked: "np.ndarray[Any, Any]", weight: Any = None) -> "tuple[Any, Any, float]":
    """Return false and true positive rates at each threshold, from above the highest on, and the area under them.

    The arguments are those of `by_threshold`.
    """
    import numpy as np

    _, true, false = by_threshold(right, ranked, weight)
    true, false = np.append(0.0, true / true[-1]), np.append(0.0, false / false[-1])
    return false, true, float(np.trapezoid(true, false))


def precision_recall(
    right: "np.ndarray[Any, Any]", ranked: "np.ndarray[Any, Any]", weight: Any = None
) -> "tuple[Any, Any, float]":
    """Return recall and precision at each threshold, from above the highest on, and the average precision.

    The arguments are those of `by_threshold`.
    """
    import numpy as np

    _, true, false = by_threshold(right, ranked, weight)
    precision = np.divide(true, true + false, out=np.zeros(len(true)), where=true + false != 0)
    recall = true / true[-1]
    average = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    return np.append(0.0, recall), np.append(1.0, precision), average


def calibration(
    right: "np.ndarray[Any, Any]", probability: "np.ndarray[Any, Any]", weight: Any = None
) -> "tuple[Any, Any, Any]":
    """Return, of each bin that has rows: the mean probability, the share of positives, and the number of rows.

    Parameters
    ----------
    right : array of bool, shape (n,)
        Which rows are positive.
    probability : array of shape (n,)
        How likely each is, as the model says.
    weight : array of shape (n,), default=None
        How much each row counts.
    """
    import numpy as np

    bins = np.searchsorted(np.linspace(0.0, 1.0, BINS + 1)[1:-1], probability)
    rows = np.bincount(bins, minlength=BINS)
    mass = np.bincount(bins, weights=weight, minlength=BINS).astype(float)
    ones = np.ones(len(bins)) if weight is None else weight
    said = np.bincount(bins, weights=ones * probability, minlength=BINS)
    came = np.bincount(bins, weights=ones * right, minlength=BINS)
    there = mass > 0
    return said[there] / mass[there], came[there] / mass[there], rows[there]
