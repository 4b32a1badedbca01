"""How well a model does on the data that it was fitted on."""

import copy
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import computed_once

from .fits import Fit
from .ranking import Side, roc_area

if TYPE_CHECKING:
    import numpy as np

BINARY = 2
MOST_CLASSES = 100
"""A ranking metric, one-vs-rest, is computed up to so many classes."""
MOST_OUTPUTS = 256
"""Targets of a regressor whose metrics are told one by one."""
MOST_LABELS = 10_000_000
"""A sparse y, rows times labels, is made dense up to so many; of a larger one fewer rows are judged."""
SEVERAL = "there are several targets"


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
    pairs : bool
        Whether the columns of `score` compare pairs of classes, instead of one with the rest.
    of_interest : int
        Of two classes, the place of the one that is found or missed.
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
    pairs: bool = False
    of_interest: int = 1

    def places(self, values: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any] | None":
        """Return the place of each value among the classes, or None when one of them is no class."""
        import numpy as np

        if self.classes is None or values.ndim != 1:
            return None
        found = np.searchsorted(self.classes, values).clip(max=len(self.classes) - 1)
        return found if bool(np.all(self.classes[found] == values)) else None

    def ranking(self) -> "np.ndarray[Any, Any] | str":
        """Return how likely each row is of each class (of two: of the second), in columns; or why that is not known."""
        if self.classes is None:
            return "the model has no single list of classes"
        many, given = len(self.classes), self.score if self.probability is None else self.probability
        if many < BINARY:
            return "there is only one class"
        if given is None:
            return "the model gives neither probabilities nor a decision function"
        if many == BINARY:
            return given.reshape(len(given), -1)[:, -1:]
        if self.pairs or given.shape != (len(given), many):
            return "the decision function compares pairs of classes (one-vs-one)"
        return given

    @computed_once
    def sides(self) -> "tuple[Side, ...] | str":
        """Each class that has rows against the others (of two classes: the second); or why that cannot be."""
        import numpy as np

        ranked = self.ranking()
        if self.classes is None or isinstance(ranked, str):
            return str(ranked)
        there = np.flatnonzero(np.isin(self.classes, self.y)).tolist()
        if len(there) < BINARY:
            return "there is only one class"
        columns = {place: ranked[:, place] for place in there} if ranked.shape[1] > 1 else self._column(ranked[:, 0])
        return tuple(
            Side(self.classes[place], self.y == self.classes[place], column, self.weight)
            for place, column in columns.items()
        )

    def _column(self, ranked: "np.ndarray[Any, Any]") -> "dict[int, np.ndarray[Any, Any]]":
        return {self.of_interest: ranked if self.of_interest else -ranked}


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
    """Return metrics under scikit-learn's own names, or why there is no such one.

    The numbers are scikit-learn's too, computed without the validation that takes its functions ten times as long;
    tests compare them.
    """
    values = _classification(judged) if judged.classifies else _regression(judged)
    return {name: value if isinstance(value, str) else float(value) for name, value in values.items()}


def by_output(judged: Judged) -> dict[str, list[float]]:
    """Return the metrics of a regressor with several targets as a table: a row for each target."""
    import numpy as np

    columns = _errors(judged, judged.y.astype(float))
    if judged.y.ndim == 1 or len(columns["mean_squared_error"]) > MOST_OUTPUTS:
        return {}
    return {"output": list(range(judged.y.shape[1]))} | {
        name: np.asarray(each).tolist() for name, each in columns.items() if each is not None
    }


def confusion(right: "np.ndarray[Any, Any]", said: "np.ndarray[Any, Any]", many: int, weight: Any) -> Any:
    """Return how often each class (row) was taken for each (column), from the classes' places."""
    import numpy as np

    return np.bincount(right * many + said, weights=weight, minlength=many * many).reshape(many, many)


def _regression(judged: Judged) -> dict[str, Any]:
    values = _errors(judged, judged.y.astype(float))
    return {name: "one row has no variance" if each is None else each.mean() for name, each in values.items()}


def _errors(judged: Judged, y: "np.ndarray[Any, Any]") -> "dict[str, np.ndarray[Any, Any] | None]":
    """Return each metric of a regressor, one value per target; None for what one row cannot have."""
    import numpy as np

    def mean(each: "np.ndarray[Any, Any]") -> Any:  # over rows; np.average without weights takes twice as long
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


def _classification(judged: Judged) -> dict[str, float | str]:
    import numpy as np

    right, said = judged.places(judged.y), judged.places(judged.predicted)
    if judged.classes is None or right is None or said is None:
        return _by_scikit_learn(judged)
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


def _area(judged: Judged, right_sum: "np.ndarray[Any, Any]") -> float | str:
    import numpy as np

    many = len(right_sum)
    ranked = judged.ranking()
    if isinstance(ranked, str):
        return ranked
    if many > MOST_CLASSES:
        return f"{many} classes are more than {MOST_CLASSES}"
    if not np.all(right_sum):
        return "not every class has a row"
    areas = [roc_area(side) for side in judged.sides]
    return areas[0] if many == BINARY else float(np.average(areas, weights=right_sum))


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
