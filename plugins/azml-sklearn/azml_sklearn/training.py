"""How well a model does on the data that it was fitted on."""

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .fits import Fit

if TYPE_CHECKING:
    import numpy as np

MOST_CLASSES = 100
"""A ranking metric, one-vs-rest, is computed up to so many classes."""


@dataclass(frozen=True)
class Judged:
    """A fitted model's answers on (some of) its training data.

    Attributes
    ----------
    rows : int
        Rows judged.
    of : int
        Rows that the model was fitted on.
    y, predicted, weight : array
        What was right, what the model says, and how much each row counts (or None).
    classifies : bool
        Whether it is a classifier.
    classes : array or None
        The classes of a classifier with one target, sorted.
    probability, score : array or None
        ``predict_proba`` and ``decision_function``, whichever such a classifier has first.
    """

    rows: int
    of: int
    y: "np.ndarray[Any, Any]"
    predicted: "np.ndarray[Any, Any]"
    weight: "np.ndarray[Any, Any] | None"
    classifies: bool = False
    classes: "np.ndarray[Any, Any] | None" = None
    probability: "np.ndarray[Any, Any] | None" = None
    score: "np.ndarray[Any, Any] | None" = None

    def places(self, values: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any] | None":
        """Return the place of each value among the classes, or None when one of them is no class."""
        import numpy as np

        if self.classes is None or values.ndim != 1:
            return None
        found = np.searchsorted(self.classes, values).clip(max=len(self.classes) - 1)
        return found if bool(np.all(self.classes[found] == values)) else None


def judge(fit: Fit, most_rows: int) -> Judged | None:
    """Let a fitted classifier or regressor predict its own training data.

    Parameters
    ----------
    fit : Fit
        The fit, over by now.
    most_rows : int
        More rows than this are thinned evenly [rows].

    Returns
    -------
    Judged or None
        None for what is neither classifier nor regressor, or has no data to be judged on.
    """
    from sklearn.base import is_classifier, is_regressor

    model = _undisturbed(fit.estimator)
    classifies = is_classifier(model)
    if fit.X is None or fit.y is None or not (classifies or is_regressor(model)) or not hasattr(model, "predict"):
        return None
    X, y, weight, of = _thinned(fit, _affordable(model, most_rows))
    predicted = _flat_if_column(model.predict(X))
    if not classifies or y.ndim > 1:
        return Judged(len(y), of, y, predicted, weight, classifies)
    probability = score = None
    if hasattr(model, "predict_proba"):
        probability = model.predict_proba(X)
    elif hasattr(model, "decision_function"):
        score = model.decision_function(X)
    return Judged(len(y), of, y, predicted, weight, True, _classes(model, y), probability, score)


def metrics_of(judged: Judged) -> dict[str, float]:
    """Return training metrics under scikit-learn's own names, ``training_`` before them.

    The numbers are scikit-learn's too, computed without the validation that takes its functions ten times as long;
    tests compare them.
    """
    values = _classification(judged) if judged.classifies else _regression(judged)
    return {f"training_{name}": float(value) for name, value in values.items()}


def roc(right: "np.ndarray[Any, Any]", ranked: "np.ndarray[Any, Any]", weight: Any = None) -> "tuple[Any, Any, float]":
    """Return false and true positive rates at each threshold, from the highest on, and the area under them.

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
    true = np.append(0.0, np.cumsum(counts * right[order])[ends])
    false = np.append(0.0, np.cumsum(counts * ~right[order])[ends])
    true, false = true / true[-1], false / false[-1]
    return false, true, float(np.trapezoid(true, false))


def _regression(judged: Judged) -> dict[str, float]:
    import numpy as np

    y, weight = judged.y.astype(float), judged.weight
    wrong = y - judged.predicted.reshape(y.shape)
    squared = np.average(wrong**2, axis=0, weights=weight)
    values = {
        "mean_squared_error": np.mean(squared),
        "root_mean_squared_error": np.mean(np.sqrt(squared)),
        "mean_absolute_error": np.mean(np.average(np.abs(wrong), axis=0, weights=weight)),
    }
    if judged.rows > 1:
        spread = np.average((y - np.average(y, axis=0, weights=weight)) ** 2, axis=0, weights=weight)
        share = np.where(spread == 0, np.where(squared == 0, 0.0, 1.0), squared / np.where(spread == 0, 1.0, spread))
        values["r2_score"] = np.mean(1 - share)
    return values


def _classification(judged: Judged) -> dict[str, float]:
    import numpy as np

    right, said = judged.places(judged.y), judged.places(judged.predicted)
    if judged.classes is None or right is None or said is None:
        return _by_scikit_learn(judged)
    many = len(judged.classes)
    table = np.bincount(right * many + said, weights=judged.weight, minlength=many * many).reshape(many, many)
    hits, said_sum, right_sum = np.diag(table), table.sum(axis=0), table.sum(axis=1)
    share = right_sum / right_sum.sum()
    values = {
        "accuracy_score": hits.sum() / table.sum(),
        "precision_score": np.sum(share * hits / np.where(said_sum == 0, 1, said_sum)),
        "recall_score": np.sum(share * hits / np.where(right_sum == 0, 1, right_sum)),
        "f1_score": np.sum(share * 2 * hits / np.where(said_sum + right_sum == 0, 1, said_sum + right_sum)),
    }
    if judged.probability is not None:
        tiny = np.finfo(judged.probability.dtype).eps
        told = judged.probability[np.arange(len(right)), right].clip(tiny, 1 - tiny)
        values["log_loss"] = -np.average(np.log(told), weights=judged.weight)
    return values | _ranking(judged, right, right_sum)


def _ranking(judged: Judged, right: "np.ndarray[Any, Any]", right_sum: "np.ndarray[Any, Any]") -> dict[str, float]:
    import numpy as np

    many = len(right_sum)
    if not 1 < many <= MOST_CLASSES or not np.all(right_sum):
        return {}  # a class that no row has, has no curve
    if many == 2:  # noqa: PLR2004 - binary
        ranked = judged.score if judged.probability is None else judged.probability[:, 1]
        return {} if ranked is None else {"roc_auc_score": roc(right == 1, ranked, judged.weight)[2]}
    if judged.probability is None:
        return {}
    areas = [roc(right == place, judged.probability[:, place], judged.weight)[2] for place in range(many)]
    return {"roc_auc_score": float(np.average(areas, weights=right_sum))}


def _by_scikit_learn(judged: Judged) -> dict[str, float]:
    """Judge what has no single list of classes: several labels at once, answers that are no class."""
    from sklearn import metrics
    from sklearn.utils.multiclass import type_of_target

    if type_of_target(judged.y) == "multiclass-multioutput":
        raise NotImplementedError(
            "no training metrics: scikit-learn has none for targets both multi-class and multi-output"
        )
    given = (judged.y, judged.predicted)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        *given, average="weighted", sample_weight=judged.weight, zero_division=0
    )
    accuracy = metrics.accuracy_score(*given, sample_weight=judged.weight)
    return {"accuracy_score": accuracy, "precision_score": precision, "recall_score": recall, "f1_score": f1}


def _classes(model: Any, y: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    import numpy as np

    return np.asarray(model.classes_) if hasattr(model, "classes_") else np.unique(y)


def _thinned(fit: Fit, most_rows: int) -> tuple[Any, Any, Any, int]:
    import numpy as np
    from sklearn.utils import _safe_indexing

    X, y = fit.X, _flat_if_column(fit.y.toarray() if hasattr(fit.y, "toarray") else fit.y)
    weight = None if fit.sample_weight is None else np.asarray(fit.sample_weight)
    of = len(y)
    if of <= most_rows:
        return X, y, weight, of
    rows = np.linspace(0, of - 1, most_rows).astype(np.intp)  # evenly: nothing is drawn, the same rows every time
    return _safe_indexing(X, rows), y[rows], None if weight is None else weight[rows], of


def _affordable(model: Any, most_rows: int) -> int:
    """Return how many rows to ask about: fewer of a model of neighbours, which compares each with all it has kept."""
    kept = _neighbors_kept(model)
    return min(most_rows, max(1000, 50_000_000 // kept)) if kept else most_rows


def _undisturbed(model: Any) -> Any:
    """Return what may be asked without a trace: a tree of neighbours counts its queries, in its pickle too."""
    return copy.deepcopy(model) if _neighbors_kept(model) else model


def _neighbors_kept(model: Any) -> int:
    steps = getattr(model, "steps", None)
    return getattr(steps[-1][1] if steps else model, "n_samples_fit_", 0)


def _flat_if_column(values: Any) -> "np.ndarray[Any, Any]":
    import numpy as np

    array = np.asarray(values)
    return array.ravel() if array.ndim == 2 and array.shape[1] == 1 else array  # noqa: PLR2004 - a column
