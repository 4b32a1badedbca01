"""What a fitted model of any kind says about data, and the metrics of that."""

from typing import TypeAlias, assert_never

from azml_integrations.pictures import Judged

from .fits import Fit
from .training import judge, metrics_of
from .unlabelled import (
    Clusters,
    Outliers,
    clusters,
    compared,
    metrics_of_clusters,
    metrics_of_outliers,
    outliers,
)

Answers: TypeAlias = Judged | Clusters | Outliers


def ask(fit: Fit, most_rows: int) -> Answers | str | None:
    """Let a fitted model answer for its data.

    Parameters
    ----------
    fit : Fit
        The fit, over by now; or other data.
    most_rows : int
        More rows than this are thinned evenly [rows].

    Returns
    -------
    Judged, Clusters, Outliers, str or None
        None for a model of none of these kinds; a sentence where it cannot answer.
    """
    from sklearn.base import is_classifier, is_clusterer, is_outlier_detector, is_regressor

    model = fit.estimator
    if fit.X is not None and not hasattr(fit.X, "shape") and not hasattr(fit.X, "__len__"):
        return f"a {type(fit.X).__name__} can be read only once"
    if is_classifier(model) or is_regressor(model):
        return judge(fit, most_rows)
    if is_outlier_detector(model):
        return outliers(fit, most_rows)
    if is_clusterer(model) or hasattr(model, "fit_predict"):  # a mixture of distributions is no clusterer by name
        return clusters(fit, most_rows)
    return None


def metrics_from(answers: Answers) -> dict[str, float | str]:
    """Return metrics under scikit-learn's own names, or why there is no such one."""
    match answers:
        case Judged():
            return metrics_of(answers)
        case Clusters():
            return metrics_of_clusters(answers)
        case Outliers():
            return metrics_of_outliers(answers)
        case _:
            assert_never(answers)


def remark(answers: Answers, prefix: str) -> str:
    """Return what must be known about the metrics, or nothing."""
    if isinstance(answers, Clusters) and len(compared(answers)) < answers.rows:
        some = len(compared(answers))
        return f"{prefix}_silhouette_score is that of {some:,} of {answers.of:,} rows, evenly chosen"
    return ""
