"""The full account of a fitted model on data of the user's choice: one explicit call."""

import contextlib
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import paused
from azml_integrations.errors import NameRefusedError, UserErrorException
from azml_integrations.pictures import told_apart

from .answers import Answers, ask, metrics_from, remark
from .fits import Fit, unmoved_randomness
from .pictures.album import log_pictures
from .pictures.evidence import Evidence
from .report import labelled, log_by_output, note_missing
from .session import SOURCE

if TYPE_CHECKING:
    from azml_integrations import Run


def evaluate(
    run: "Run", estimator: Any, X: Any, y: Any = None, prefix: str = "test", sample_weight: Any = None
) -> dict[str, float]:
    """Log how well a fitted model does on data: all metrics, pictures, and the numbers of the pictures as tables.

    It needs no ``autolog()``; where that is on, nothing of this is recorded a second time.

    Parameters
    ----------
    run : Run
        Where to.
    estimator : object
        A fitted classifier, regressor, clusterer or outlier detector; a pipeline or a search of one.
    X : array-like of shape (n_samples, n_features)
        The data; sparse ones stay sparse.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        What is right. A clusterer needs none, and is compared with it if given; an outlier detector takes -1 for an
        outlier and 1 for the others.
    prefix : str, default="test"
        Begins the name of each metric, table and picture: ``test_accuracy_score``, ``test_roc_curve``.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each row counts.

    Returns
    -------
    dict of str to float
        The metrics as they were logged. What could not be computed stands with its reason in the run's notes.

    Raises
    ------
    UserErrorException
        If the estimator is not fitted or can say nothing about data, or the arguments do not fit together.
    NameRefusedError
        If `prefix` is no word of letters, digits, ``-``, ``.`` and ``_``.

    Examples
    --------
    >>> from azml_sklearn import evaluate
    >>> evaluate(run, model, X_test, y_test)  # doctest: +SKIP
    {'test_accuracy_score': 0.958, 'test_balanced_accuracy_score': 0.951, ...}
    """
    _check(run, estimator, X, y, prefix, sample_weight)
    missing: dict[str, str] = {}
    with paused(), unmoved_randomness(_parameters(estimator)):
        answers = _answers(estimator, X, y, sample_weight)
        values = _metrics(answers, prefix, missing)
        run.log_metrics(values)
        log_by_output(run, answers, prefix)
        evidence = Evidence(estimator, labelled(answers), fitted=False)
        folder = f"outputs/{type(estimator).__name__}"  # the image of a user's there is never replaced
        log_pictures(run, evidence, folder, missing, lambda _: contextlib.nullcontext(), f"{prefix}_")
    note_missing(run, missing)
    if told := remark(answers, prefix):
        run.note(SOURCE, told)
    return values


def _answers(estimator: Any, X: Any, y: Any, sample_weight: Any) -> Answers:
    import numpy as np

    with np.errstate(all="ignore"):
        answers = ask(Fit(estimator, "evaluate", X, y, sample_weight), _rows(X))
    if answers is None or isinstance(answers, str):
        why = answers or "it is no classifier, regressor, clusterer or outlier detector"
        raise UserErrorException(
            f"evaluate got {type(estimator).__name__}, which cannot be evaluated: {why}; "
            f"expected a fitted estimator that can predict"
        )
    return answers


def _metrics(answers: Answers, prefix: str, missing: dict[str, str]) -> dict[str, float]:
    import numpy as np

    with np.errstate(all="ignore"):
        return told_apart(metrics_from(answers), prefix, missing)


def _check(run: Any, estimator: Any, X: Any, y: Any, prefix: str, sample_weight: Any) -> None:
    from sklearn.base import is_classifier, is_regressor
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    if not hasattr(run, "log_metrics"):
        raise UserErrorException(f"evaluate got {run!r} as run; expected a Run, then the estimator, then X and y")
    if not isinstance(prefix, str) or not prefix or not all(letter.isalnum() or letter in "-._" for letter in prefix):
        raise NameRefusedError("prefix", prefix, "a word of letters, digits, -, . and _, such as test")
    if not hasattr(estimator, "get_params"):
        raise UserErrorException(f"evaluate got {estimator!r} as estimator; expected a fitted one of scikit-learn")
    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        raise UserErrorException(
            f"evaluate got a {type(estimator).__name__} that is not fitted; fit it first"
        ) from error
    if y is None and (is_classifier(estimator) or is_regressor(estimator)):
        raise UserErrorException(
            f"evaluate got no y for a {type(estimator).__name__}; expected what is right for each row of X"
        )
    for name, values in (("y", y), ("sample_weight", sample_weight)):
        if values is not None and _rows(values) != _rows(X):
            raise UserErrorException(
                f"evaluate got X of {_rows(X):,} rows and {name} of {_rows(values):,}; expected as many of both"
            )


def _parameters(estimator: Any) -> dict[str, Any]:
    given: dict[str, Any] = estimator.get_params(deep=True)
    return given


def _rows(values: Any) -> int:
    rows: int = values.shape[0] if getattr(values, "shape", ()) else len(values)
    return rows
