"""How well a model does that learns without being told what is right: clusters, and outliers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azml_integrations.pictures import Judged, roc_area

from .fits import Fit
from .training import flat_if_column, thinned, undisturbed

if TYPE_CHECKING:
    import numpy as np

MOST_COMPARED = 2000
"""Rows of a silhouette score, which compares each with each."""
NOISE = -1
OUTLIER = -1


@dataclass(frozen=True)
class Clusters:
    """A fitted model's clusters of some data.

    Attributes
    ----------
    rows : int
        Rows judged.
    of : int
        Rows that the model was fitted on.
    X : array or sparse matrix
        The data as the clustering step gets them; None where they are no numbers.
    labels : array
        The cluster of each row.
    y : array or None
        What each row is, where that is known.
    why : str
        Why there is no `X`.
    """

    rows: int
    of: int
    X: Any
    labels: "np.ndarray[Any, Any]"
    y: "np.ndarray[Any, Any] | None" = None
    why: str = ""


@dataclass(frozen=True)
class Outliers:
    """A fitted model's outliers in some data.

    Attributes
    ----------
    rows : int
        Rows judged.
    of : int
        Rows that the model was fitted on.
    predicted : array
        -1 for an outlier, 1 for the others.
    scores : array or None
        How normal each row is.
    labelled : Judged or None
        The same as a classifier's answers, where it is known what each row is.
    """

    rows: int
    of: int
    predicted: "np.ndarray[Any, Any]"
    scores: "np.ndarray[Any, Any] | None"
    labelled: Judged | None = None


def clusters(fit: Fit, most_rows: int) -> Clusters | str:
    """Return the clusters that a model makes of data.

    Parameters
    ----------
    fit : Fit
        The fit, over by now; or new data for the same model, `method` being ``evaluate``.
    most_rows : int
        More rows than this are thinned evenly [rows].

    Returns
    -------
    Clusters or str
        Why there are none.
    """
    import numpy as np

    if fit.X is None:
        return "its data could not be told"
    X, y, _, of, rows = thinned(fit, most_rows)
    model, X = _last_step(undisturbed(fit.estimator), X)
    labels = getattr(model, "labels_", None)
    if labels is not None and len(labels) == of and not (fit.method == "evaluate" and hasattr(model, "predict")):
        labels = np.asarray(labels)[rows]
    elif hasattr(model, "predict"):
        labels = np.asarray(model.predict(X))
    else:
        return "the model has no cluster for each row"
    X, why = _numbers(model, X)
    return Clusters(len(labels), of, X, labels, y if _names_groups(y) else None, why)


def outliers(fit: Fit, most_rows: int) -> Outliers | str:
    """Return which rows a model takes for outliers.

    The parameters are those of `clusters`.
    """
    import numpy as np

    if fit.X is None:
        return "its data could not be told"
    X, y, weight, of, rows = thinned(fit, most_rows)
    model, X = _last_step(undisturbed(fit.estimator), X)
    scores = None
    if hasattr(model, "predict"):
        predicted = np.asarray(model.predict(X))
        if hasattr(model, "score_samples"):
            scores = np.asarray(model.score_samples(X), dtype=float)
    elif len(getattr(model, "negative_outlier_factor_", ())) == of:  # a local outlier factor knows its own rows only
        scores = np.asarray(model.negative_outlier_factor_, dtype=float)[rows]
        predicted = np.where(scores < model.offset_, OUTLIER, 1)
    else:
        return "the model cannot predict"
    labelled = None
    if y is not None and y.ndim == 1 and y.dtype.kind in "if" and bool(np.isin(y, (OUTLIER, 1)).all()):
        classes = np.array([OUTLIER, 1])
        labelled = Judged(len(y), of, y.astype(int), predicted, weight, True, classes, score=scores, of_interest=0)
    return Outliers(len(predicted), of, predicted, scores, labelled)


def compared(found: Clusters) -> "np.ndarray[Any, Any]":
    """Return the rows that a silhouette score compares with each other."""
    import numpy as np

    return np.linspace(0, found.rows - 1, min(found.rows, MOST_COMPARED)).astype(np.intp)


def metrics_of_clusters(found: Clusters) -> dict[str, float | str]:
    """Return how compact clusters are, and how far from each other; or why that is not known.

    The rows that a model puts into no cluster (-1, noise) count as one for scikit-learn's functions.
    """
    import numpy as np
    from sklearn import metrics

    there = np.unique(found.labels)
    values: dict[str, float | str] = {"n_clusters": len(there) - (NOISE in there)}
    if NOISE in there:
        values["n_noise"] = int(np.sum(found.labels == NOISE))
    values |= _shape_of(found)
    if found.y is not None:
        homogeneity, completeness, both = metrics.homogeneity_completeness_v_measure(found.y, found.labels)
        values |= {
            "adjusted_rand_score": metrics.adjusted_rand_score(found.y, found.labels),
            "homogeneity_score": homogeneity,
            "completeness_score": completeness,
            "v_measure_score": both,
        }
    return values


def metrics_of_outliers(found: Outliers) -> dict[str, float | str]:
    """Return how many outliers there are; and how right that is, where it is known: precision and recall are theirs."""
    from sklearn import metrics

    out = found.predicted == OUTLIER
    values: dict[str, float | str] = {"n_outliers": int(out.sum()), "outlier_share": float(out.mean())}
    if found.scores is not None:
        told = {"mean": found.scores.mean(), "min": found.scores.min(), "max": found.scores.max()}
        values |= {f"score_samples_{name}": float(value) for name, value in told.items()}
    if found.labelled is None:
        return values
    y, weight = found.labelled.y, found.labelled.weight
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        y, found.predicted, average="binary", pos_label=OUTLIER, sample_weight=weight, zero_division=0
    )
    values |= {"accuracy_score": metrics.accuracy_score(y, found.predicted, sample_weight=weight)}
    values |= {"precision_score": precision, "recall_score": recall, "f1_score": f1}
    sides = found.labelled.sides
    area = sides if isinstance(sides, str) else roc_area(sides[0])
    return values | {"roc_auc_score": area}


def _shape_of(found: Clusters) -> dict[str, float | str]:
    from scipy import sparse
    from sklearn import metrics

    names = ("silhouette_score", "davies_bouldin_score", "calinski_harabasz_score")
    why = found.why or _too_few_or_many(found.labels)
    if why:
        return dict.fromkeys(names, why)
    some = compared(found)
    why = _too_few_or_many(found.labels[some])
    values: dict[str, float | str] = {
        "silhouette_score": why or metrics.silhouette_score(found.X[some], found.labels[some])
    }
    if sparse.issparse(found.X):
        return values | dict.fromkeys(names[1:], "scikit-learn has it for dense data only")
    return values | {name: getattr(metrics, name)(found.X, found.labels) for name in names[1:]}


def _too_few_or_many(labels: "np.ndarray[Any, Any]") -> str:
    import numpy as np

    many = len(np.unique(labels))
    if many < 2:  # noqa: PLR2004 - distances are between two
        return "there is only one cluster"
    return "each row is a cluster of its own" if many == len(labels) else ""


def _last_step(model: Any, X: Any) -> tuple[Any, Any]:
    """Return the estimator that answers, with the data as it gets them."""
    steps, best = getattr(model, "steps", None), getattr(model, "best_estimator_", None)
    if best is not None:
        return _last_step(best, X)
    if not (isinstance(steps, list) and steps):
        return model, X
    return _last_step(steps[-1][1], model[:-1].transform(X) if len(steps) > 1 else X)


def _numbers(model: Any, X: Any) -> tuple[Any, str]:
    """Return data as numbers between which distances can be measured; or None, and why."""
    import numpy as np
    from scipy import sparse

    if "precomputed" in (getattr(model, "metric", None), getattr(model, "affinity", None)):
        return None, "the data are distances"
    if sparse.issparse(X):
        return X.tocsr(), ""
    try:
        array = np.asarray(X, dtype=float)
    except (TypeError, ValueError):
        return None, "the data are no numbers"
    if array.ndim != 2:  # noqa: PLR2004 - rows and columns
        return None, "the data are no table"
    return (array, "") if np.isfinite(array).all() else (None, "the data have gaps")


def _names_groups(y: "np.ndarray[Any, Any] | None") -> bool:
    return y is not None and flat_if_column(y).ndim == 1 and y.dtype.kind in "biuOSUT"
