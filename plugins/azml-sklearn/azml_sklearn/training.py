"""How well a model does on the data that it was fitted on."""

import copy
import dataclasses
from typing import TYPE_CHECKING, Any

from azml_integrations.pictures import Judged, merits_of

from .fits import Fit

if TYPE_CHECKING:
    import numpy as np

MOST_LABELS = 10_000_000
"""A sparse y, rows times labels, is made dense up to so many; of a larger one fewer rows are judged."""
SEVERAL = "there are several targets"


def judge(fit: Fit, most_rows: int) -> Judged | str | None:
    """Let a fitted classifier or regressor predict its own training data.

    Parameters
    ----------
    fit : Fit
        The fit, over by now.
    most_rows : int
        More rows than this are thinned evenly [rows].

    Returns
    -------
    Judged, str or None
        None for what is neither classifier nor regressor; a sentence where one of them cannot be judged.
    """
    from sklearn.base import is_classifier, is_regressor
    from sklearn.utils.multiclass import type_of_target

    model = undisturbed(fit.estimator)
    classifies = is_classifier(model)
    if not (classifies or is_regressor(model)):
        return None
    if why := _mute(fit, model):
        return why
    X, y, weight, of, _ = thinned(labelled_part(fit, model), _affordable(model, most_rows))
    if classifies and y.ndim > 1 and type_of_target(y) == "multiclass-multioutput":
        return "scikit-learn has no metrics for targets both multi-class and multi-output"
    predicted = flat_if_column(model.predict(X))
    if not classifies or y.ndim > 1:
        return Judged(len(y), of, y, predicted, weight, classifies)
    probability = score = None
    if hasattr(model, "predict_proba"):
        probability = model.predict_proba(X)
    elif hasattr(model, "decision_function"):
        score = model.decision_function(X)
    pairs = getattr(innermost(model), "decision_function_shape", None) == "ovo"
    return Judged(len(y), of, y, predicted, weight, True, _classes(model, y), probability, score, pairs)


def _mute(fit: Fit, model: Any) -> str:
    """Return why a model cannot answer for its data, or nothing."""
    if not hasattr(model, "predict"):
        return "the model cannot predict"
    if fit.X is None or fit.y is None:
        return "its data or its target could not be told"
    return ""


def metrics_of(judged: Judged) -> dict[str, float | str]:
    """Return metrics under scikit-learn's own names, or why there is no such one."""
    values = merits_of(judged)
    return _by_scikit_learn(judged) if values is None else values


def _by_scikit_learn(judged: Judged) -> dict[str, float | str]:
    """Judge what has no single list of classes: several labels at once, answers that are no class."""
    import numpy as np
    from sklearn import metrics

    given = (judged.y, judged.predicted)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        *given, average="weighted", sample_weight=judged.weight, zero_division=0
    )
    accuracy = metrics.accuracy_score(*given, sample_weight=judged.weight)
    values = {"accuracy_score": accuracy, "precision_score": precision, "recall_score": recall, "f1_score": f1}
    if judged.y.ndim > 1:
        return values | dict.fromkeys(("balanced_accuracy_score", "log_loss", "roc_auc_score"), SEVERAL)
    balanced = metrics.recall_score(
        *given, average="macro", labels=np.unique(judged.y), sample_weight=judged.weight, zero_division=0
    )
    why = "some answers are none of the classes"
    return values | {"balanced_accuracy_score": balanced} | dict.fromkeys(("log_loss", "roc_auc_score"), why)


def _classes(model: Any, y: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    import numpy as np

    return np.asarray(model.classes_) if hasattr(model, "classes_") else np.unique(y)


def thinned(fit: Fit, most_rows: int) -> tuple[Any, Any, Any, int, Any]:
    """Return X, y and weights of at most so many rows, evenly chosen; how many there are, and which are taken."""
    import numpy as np
    from sklearn.utils import _safe_indexing

    X, y, weight = fit.X, fit.y, fit.sample_weight
    if hasattr(y, "toarray"):
        y, most_rows = y.tocsr(), min(most_rows, max(1, MOST_LABELS // y.shape[1]))
    elif y is not None:
        y = flat_if_column(y)
    weight = None if weight is None else np.asarray(weight)
    sized = X if y is None else y
    of = sized.shape[0] if hasattr(sized, "shape") else len(sized)
    if of <= most_rows:
        return X, None if y is None else flat_if_column(y), weight, of, slice(None)
    rows = np.linspace(0, of - 1, most_rows).astype(np.intp)  # evenly: nothing is drawn, the same rows every time
    chosen = None if y is None else flat_if_column(y[rows]), None if weight is None else weight[rows]
    return _safe_indexing(_with_rows(X), rows), *chosen, of, rows


def labelled_part(fit: Fit, model: Any) -> Fit:
    """Return a fit with the rows that have a label: scikit-learn's semi-supervised models take -1 for none."""
    import numpy as np
    from sklearn.utils import _safe_indexing

    if not type(innermost(model)).__module__.startswith("sklearn.semi_supervised") or fit.method == "evaluate":
        return fit
    y = flat_if_column(fit.y)
    rows = np.flatnonzero(y != (-1 if y.dtype.kind in "iuf" else "-1"))
    return dataclasses.replace(fit, X=_safe_indexing(_with_rows(fit.X), rows), y=y[rows])


def _with_rows(X: Any) -> Any:
    """Return data of which rows can be taken: not every sparse format lets them."""
    return X.tocsr() if getattr(X, "format", None) in {"bsr", "coo", "dia"} else X


def _affordable(model: Any, most_rows: int) -> int:
    """Return how many rows to ask about: fewer of a model of neighbours, which compares each with all it has kept."""
    kept = _neighbors_kept(model)
    return min(most_rows, max(1000, 50_000_000 // kept)) if kept else most_rows


def undisturbed(model: Any) -> Any:
    """Return what may be asked without a trace: a tree of neighbours counts its queries, in its pickle too."""
    return copy.deepcopy(model) if _neighbors_kept(model) else model


def _neighbors_kept(model: Any) -> int:
    kept: int = getattr(innermost(model), "n_samples_fit_", 0)
    return kept


def innermost(model: Any) -> Any:
    """Return the estimator that answers: the last one of a pipeline, the best one of a search."""
    steps = getattr(model, "steps", None)
    inner = steps[-1][1] if isinstance(steps, list) and steps else getattr(model, "best_estimator_", None)
    return model if inner is None else innermost(inner)


def flat_if_column(values: Any) -> "np.ndarray[Any, Any]":
    """Return values as an array, and one column as a flat one."""
    import numpy as np

    array = np.asarray(values.toarray() if hasattr(values, "toarray") else values)  # labels only, few rows of them
    return array.ravel() if array.ndim == 2 and array.shape[1] == 1 else array  # noqa: PLR2004 - a column
