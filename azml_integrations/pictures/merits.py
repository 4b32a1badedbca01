"""Metrics of a model's answers, under scikit-learn's names and with its values.

They are computed without the validation that takes scikit-learn's functions ten times as long; the tests of
azml-sklearn compare them.
"""

from typing import TYPE_CHECKING, Any

from .judged import BINARY, Judged, confusion
from .ranking import roc_area

if TYPE_CHECKING:
    from .page import Array

MOST_CLASSES = 100
"""A ranking metric, one-vs-rest, is computed up to so many classes."""
MOST_OUTPUTS = 256
"""Targets of a regressor whose metrics are told one by one."""


def merits_of(judged: Judged) -> dict[str, float | str] | None:
    """Return the metrics of a classifier or regressor, each a number, or why there is none.

    Parameters
    ----------
    judged : Judged
        The answers.

    Returns
    -------
    dict of str to float or str
        By scikit-learn's name, ``accuracy_score``; None where there is no list of classes that holds all answers.
    """
    values = _classification(judged) if judged.classifies else _regression(judged)
    if values is None:
        return None
    return {name: value if isinstance(value, str) else float(value) for name, value in values.items()}


def of_each_output(judged: Judged) -> dict[str, list[float]]:
    """Return the metrics of a regressor with several targets as a table: a row for each target."""
    import numpy as np

    if judged.y.ndim == 1 or judged.y.shape[1] > MOST_OUTPUTS:
        return {}
    columns = _errors(judged, judged.y.astype(float))
    return {"output": list(range(judged.y.shape[1]))} | {
        name: np.asarray(each).tolist() for name, each in columns.items() if each is not None
    }


def _regression(judged: Judged) -> dict[str, Any]:
    values = _errors(judged, judged.y.astype(float))
    return {name: "one row has no variance" if each is None else each.mean() for name, each in values.items()}


def _errors(judged: Judged, y: "Array") -> "dict[str, Array | None]":
    """Return each metric of a regressor, one value per target; None for what one row cannot have."""
    import numpy as np

    def mean(each: "Array") -> Any:  # over rows; np.average without weights takes twice as long
        return each.mean(axis=0) if judged.weight is None else np.average(each, axis=0, weights=judged.weight)

    wrong = y - judged.predicted.reshape(y.shape)
    squared = mean(wrong**2)
    values = {
        "mean_squared_error": squared,
        "root_mean_squared_error": np.sqrt(squared),
        "mean_absolute_error": mean(np.abs(wrong)),
    }
    if judged.rows < 2:  # noqa: PLR2004 - a deviation needs two
        return values | {"r2_score": None}
    spread = mean((y - mean(y)) ** 2)
    share = np.where(spread == 0, np.where(squared == 0, 0.0, 1.0), squared / np.where(spread == 0, 1.0, spread))
    return values | {"r2_score": 1 - share}


def _classification(judged: Judged) -> dict[str, Any] | None:
    import numpy as np

    right, said = judged.places(judged.y), judged.places(judged.predicted)
    if judged.classes is None or right is None or said is None:
        return None
    many = len(judged.classes)
    table = confusion(right, said, many, judged.weight)
    hits, said_sum, right_sum = np.diag(table), table.sum(axis=0), table.sum(axis=1)
    share = right_sum / right_sum.sum()
    values = {
        "accuracy_score": hits.sum() / table.sum(),
        "balanced_accuracy_score": np.mean(hits[right_sum > 0] / right_sum[right_sum > 0]),
        "precision_score": np.sum(share * hits / np.where(said_sum == 0, 1, said_sum)),
        "recall_score": np.sum(share * hits / np.where(right_sum == 0, 1, right_sum)),
        "f1_score": np.sum(share * 2 * hits / np.where(said_sum + right_sum == 0, 1, said_sum + right_sum)),
    }
    if judged.probability is None:
        values["log_loss"] = "the model gives no probabilities"
    else:
        tiny = np.finfo(judged.probability.dtype).eps
        told = judged.probability[np.arange(len(right)), right].clip(tiny, 1 - tiny)
        values["log_loss"] = -np.average(np.log(told), weights=judged.weight)
    values["roc_auc_score"] = _area(judged, right_sum)
    return values


def _area(judged: Judged, right_sum: "Array") -> float | str:
    import numpy as np

    many = len(right_sum)
    ranked = judged.ranking()
    if isinstance(ranked, str):
        return ranked
    if many > MOST_CLASSES:
        return f"{many} classes are more than {MOST_CLASSES}"
    if not np.all(right_sum):
        return "not every class has a row"
    areas = [roc_area(side) for side in judged.sides if not isinstance(side, str)]
    return areas[0] if many == BINARY else float(np.average(areas, weights=right_sum))
