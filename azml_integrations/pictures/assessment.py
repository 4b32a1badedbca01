"""How well a model does, out of nothing but what is right and what it says: one explicit call."""

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from ..arrays import array_of
from ..errors import NameRefusedError, UserErrorException
from . import calibration_curve, confusion_matrix, precision_recall_curve, residuals, roc_curve
from .album import log_picture, note_missing, told_apart
from .judged import BINARY, Judged
from .merits import merits_of, of_each_output

if TYPE_CHECKING:
    from ..core.run import Run
    from .page import Array

KINDS: tuple[ModuleType, ...] = (roc_curve, precision_recall_curve, confusion_matrix, calibration_curve, residuals)
"""All that are made of a `Judged`, in the order in which they are logged."""
ROUNDING = 5e-3
"""The probabilities of a row may miss one by so much: half precision has no better."""
MOST_SHOWN = 5


def log_classification(
    run: "Run",
    y_true: Any,
    y_score: Any,
    classes: Sequence[Any] | None = None,
    prefix: str = "test",
    *,
    sample_weight: Any = None,
    scores: Literal["auto", "probabilities", "logits"] = "auto",
    name: str = "model",
) -> dict[str, float]:
    """Log how well a classifier does: metrics, ROC, precision-recall and calibration curves, the confusion matrix.

    Arrays and tensors of any framework are taken, on any device. Pictures become images ``<prefix>_roc_curve`` with
    their files in ``outputs/<name>/``, their numbers tables ``<prefix>_roc_curve_table``.

    Parameters
    ----------
    run : Run
        Where to.
    y_true : array-like of shape (n,)
        The right class of each row: a value out of `classes`; where these are words, its place among them is taken too.
    y_score : array-like of shape (n, n_classes) or (n,)
        What the model says, a column for each class; probabilities or logits. One column is that of the second of two
        classes.
    classes : sequence of n_classes values, default=None
        The classes in the order of the columns; 0, 1, 2 ... by default.
    prefix : str, default="test"
        Begins the name of each metric, table and picture: ``test_accuracy_score``, ``test_roc_curve``.
    sample_weight : array-like of shape (n,), default=None
        How much each row counts.
    scores : {"auto", "probabilities", "logits"}, default="auto"
        What `y_score` is. By default rows of numbers from 0 to 1 that sum to 1 (in one column: all from 0 to 1) are
        probabilities, everything else logits, which go through a softmax (in one column: a sigmoid).
    name : str, default="model"
        What the model is called in titles, and the folder below ``outputs/``.

    Returns
    -------
    dict of str to float
        The metrics as they were logged, under scikit-learn's names and with its values: ``accuracy_score``,
        ``balanced_accuracy_score``, ``precision_score``, ``recall_score`` and ``f1_score`` (weighted by class),
        ``log_loss``, ``roc_auc_score`` (one-vs-rest, weighted). One that cannot be computed, and a picture that cannot
        be drawn, stand with their reason in the run's notes.

    Raises
    ------
    UserErrorException
        If the arguments do not fit together, a score is no finite number, or a row's class is none of `classes`.
    NameRefusedError
        If `prefix` or `name` is no word of letters, digits, ``-``, ``.`` and ``_``.

    Examples
    --------
    >>> from azml_integrations import log_classification
    >>> log_classification(run, labels, logits, classes=["cat", "dog", "owl"])  # doctest: +SKIP
    {'test_accuracy_score': 0.931, 'test_balanced_accuracy_score': 0.927, ...}
    """
    check_target(run, prefix, name, "log_classification")
    judged = judged_classes(y_true, y_score, classes, sample_weight, scores, what="log_classification")
    return log_judged(run, judged, prefix=prefix, name=name, source="log_classification")


def log_regression(
    run: "Run", y_true: Any, y_pred: Any, prefix: str = "test", *, sample_weight: Any = None, name: str = "model"
) -> dict[str, float]:
    """Log how well a regressor does: metrics, and its predictions and residuals as a picture and a table.

    Parameters
    ----------
    run : Run
        Where to.
    y_true, y_pred : array-like of shape (n,) or (n, n_outputs)
        What is right and what the model says; a single column counts as (n,).
    prefix : str, default="test"
        Begins the name of each metric, table and picture: ``test_mean_squared_error``, ``test_residuals``.
    sample_weight : array-like of shape (n,), default=None
        How much each row counts.
    name : str, default="model"
        What the model is called in titles, and the folder below ``outputs/``.

    Returns
    -------
    dict of str to float
        The metrics as they were logged, under scikit-learn's names and with its values, averaged over the outputs:
        ``mean_squared_error``, ``root_mean_squared_error``, ``mean_absolute_error``, ``r2_score``. Of several outputs,
        those of each are the table ``<prefix>_metrics_by_output``.

    Raises
    ------
    UserErrorException
        If the arguments do not fit together, or a value is no finite number.
    NameRefusedError
        If `prefix` or `name` is no word of letters, digits, ``-``, ``.`` and ``_``.

    Examples
    --------
    >>> from azml_integrations import log_regression
    >>> log_regression(run, targets, predictions)  # doctest: +SKIP
    {'test_mean_squared_error': 2821.7, 'test_root_mean_squared_error': 53.1, ...}
    """
    check_target(run, prefix, name, "log_regression")
    judged = judged_numbers(y_true, y_pred, sample_weight, what="log_regression")
    return log_judged(run, judged, prefix=prefix, name=name, source="log_regression")


def log_judged(run: "Run", judged: Judged, *, prefix: str, name: str, source: str) -> dict[str, float]:
    """Log metrics, pictures and tables of a model's answers.

    Parameters
    ----------
    run : Run
        Where to.
    judged : Judged
        The answers.
    prefix : str
        Begins each name.
    name : str
        What the model is called, and the folder below ``outputs/``.
    source : str
        Who says what is missing: the name of an adapter.

    Returns
    -------
    dict of str to float
        The metrics as they were logged.
    """
    import numpy as np

    missing: dict[str, str] = {}
    with np.errstate(all="ignore"):
        values = told_apart(merits_of(judged) or {}, prefix, missing)
        outputs = of_each_output(judged) if not judged.classifies and judged.y.ndim > 1 else {}
    run.log_metrics(values)
    if outputs:
        run.log_table(f"{prefix}_metrics_by_output", outputs)
    for kind in KINDS:
        title = f"{kind.TITLE} of {name}, {judged.rows:,} {prefix} rows"
        log_picture(run, kind, judged, f"outputs/{name}", missing, title=title, prefix=f"{prefix}_")
    note_missing(run, source, missing)
    return values


def check_target(run: Any, prefix: object, name: object, what: str) -> None:
    """Refuse what is no run, or no name."""
    if not hasattr(run, "log_metrics"):
        raise UserErrorException(f"{what} got {run!r} as run; expected a Run first")
    for which, given in (("prefix", prefix), ("model name", name)):
        if not isinstance(given, str) or not given.strip(". ") or not all(c.isalnum() or c in "-._" for c in given):
            raise NameRefusedError(which, given, "expected a word of letters, digits, -, . and _, such as test")


# -- what came, as a noun ----------------------------------------------------------------------------


def judged_classes(
    y_true: Any, y_score: Any, classes: Sequence[Any] | None, sample_weight: Any, scores: str, *, what: str
) -> Judged:
    """Return a classifier's answers, checked; the arguments are those of `log_classification`.

    Raises
    ------
    UserErrorException
        If they do not fit together; `what` names the call.
    """
    import numpy as np

    ranked = _flat_if_column(_numbers(y_score, "y_score", what))
    truth = _flat_if_column(array_of(y_true))
    _check_rows(what, truth, y_score=ranked)
    if ranked.ndim > BINARY or truth.ndim != 1:
        raise UserErrorException(
            f"{what} got y_true of shape {truth.shape} and y_score of shape {ranked.shape}; expected (n,) and "
            f"(n, n_classes), or (n,) twice for two classes{_way_out(truth, ranked)}"
        )
    probability = _probabilities(ranked, scores, what)
    labels = _labels(classes, probability.shape[1], truth, what)
    places = _places(truth, labels, what)
    return Judged(
        rows=len(truth),
        of=len(truth),
        y=places,
        predicted=probability.argmax(axis=1),
        weight=_weights(sample_weight, truth, what),
        classifies=True,
        classes=np.arange(len(labels)),
        probability=probability,
        names=[str(label) for label in labels],
    )


def judged_numbers(y_true: Any, y_pred: Any, sample_weight: Any, *, what: str) -> Judged:
    """Return a regressor's answers, checked; the arguments are those of `log_regression`.

    Raises
    ------
    UserErrorException
        If they do not fit together; `what` names the call.
    """
    truth, said = (_flat_if_column(_numbers(y, of, what)) for y, of in ((y_true, "y_true"), (y_pred, "y_pred")))
    _check_rows(what, truth, y_pred=said)
    if truth.shape != said.shape or truth.ndim not in (1, 2):
        raise UserErrorException(
            f"{what} got y_true of shape {truth.shape} and y_pred of shape {said.shape}; expected (n,) or "
            f"(n, n_outputs) for both"
        )
    return Judged(len(truth), len(truth), truth, said, _weights(sample_weight, truth, what))


def _numbers(values: Any, of: str, what: str) -> "Array":
    """Return finite numbers of single precision or better."""
    import numpy as np

    array = array_of(values)
    if array.dtype.kind not in "biuf":
        raise UserErrorException(f"{what} got {of} of {array.dtype}; expected numbers")
    array = array if array.dtype.kind == "f" and array.itemsize >= np.dtype("f").itemsize else array.astype(float)
    if not np.isfinite(array).all():
        bad = ~np.isfinite(array.reshape(len(array), -1)).all(axis=1) if array.ndim else np.array([True])
        raise UserErrorException(
            f"{what} got {of} with NaN or an infinity in {bad.sum():,} of {len(bad):,} rows, the first in row "
            f"{bad.argmax()}; expected finite numbers"
        )
    return array


def _flat_if_column(array: "Array") -> "Array":
    return array.reshape(-1) if array.ndim == 2 and array.shape[1] == 1 else array  # noqa: PLR2004 - a column


def _check_rows(what: str, truth: "Array", **others: "Array") -> None:
    for name, values in others.items():
        if truth.ndim == 0 or values.ndim == 0 or len(truth) != len(values):
            raise UserErrorException(
                f"{what} got y_true of shape {truth.shape} and {name} of shape {values.shape}; expected as many rows"
            )
    if len(truth) == 0:
        raise UserErrorException(f"{what} got no rows; expected one at least")


def _way_out(truth: "Array", ranked: "Array") -> str:
    if truth.shape == ranked.shape:
        return "; y_true.argmax(1) makes classes of one-hot rows"
    if ranked.ndim > BINARY:
        return "; of what stands for each pixel or token, make rows: y_score.movedim(1, -1).flatten(0, -2)"
    return ""


def _probabilities(ranked: "Array", scores: str, what: str) -> "Array":
    """Return probabilities of shape (n, n_classes), at least two of them."""
    import numpy as np

    if scores not in {"auto", "probabilities", "logits"}:
        raise UserErrorException(f"{what} got scores={scores!r}; expected 'auto', 'probabilities' or 'logits'")
    single = ranked.ndim == 1
    between = bool(np.all((ranked >= -ROUNDING) & (ranked <= 1 + ROUNDING)))
    likely = between and (single or bool(np.all(np.abs(ranked.sum(axis=1) - 1) <= ROUNDING)))
    if scores == "probabilities" and not likely:
        raise UserErrorException(
            f"{what} got scores='probabilities' and y_score from {ranked.min():g} to {ranked.max():g}; expected rows "
            f"of numbers from 0 to 1 that sum to 1; scores='logits' takes what comes before the softmax"
        )
    if likely and scores != "logits":
        kept = ranked.clip(0, 1)
        return np.column_stack([1 - kept, kept]) if single else kept
    logits = np.column_stack([np.zeros(len(ranked)), ranked]) if single else ranked.astype(float)
    grown: Array = np.exp(logits - logits.max(axis=1, keepdims=True))
    grown /= grown.sum(axis=1, keepdims=True)
    return grown


def _labels(classes: Sequence[Any] | None, many: int, truth: "Array", what: str) -> list[Any]:
    if classes is None:
        return [False, True] if truth.dtype.kind == "b" and many == BINARY else list(range(many))
    labels = array_of(classes).tolist() if hasattr(classes, "tolist") else list(classes)
    if len(labels) != many or len(set(map(str, labels))) != many:
        raise UserErrorException(
            f"{what} got {len(labels)} classes, {len(set(map(str, labels)))} of them different, and y_score of {many} "
            f"columns; expected one class for each column"
        )
    return labels


def _places(truth: "Array", labels: list[Any], what: str) -> "Array":
    """Return the place of each row's class."""
    import numpy as np

    place_of = {label: place for place, label in enumerate(labels)}
    if truth.dtype.kind in "iufb" and all(isinstance(label, str) for label in labels):
        place_of = {place: place for place in range(len(labels))}
    there, inverse = np.unique(truth, return_inverse=True)
    found = [place_of.get(value) for value in there.tolist()]
    if strangers := [value for value, place in zip(there.tolist(), found, strict=True) if place is None]:
        shown = ", ".join(map(repr, strangers[:MOST_SHOWN])) + (", ..." if len(strangers) > MOST_SHOWN else "")
        among = ", ".join(map(repr, labels[:MOST_SHOWN])) + (", ..." if len(labels) > MOST_SHOWN else "")
        raise UserErrorException(
            f"{what} got {shown} in y_true, which is none of the {len(labels)} classes {among}; "
            f"classes=[...] names them in the order of the columns of y_score"
        )
    return np.array(found, dtype=np.intp)[inverse.reshape(-1)]


def _weights(sample_weight: Any, truth: "Array", what: str) -> "Array | None":
    if sample_weight is None:
        return None
    weights = _flat_if_column(_numbers(sample_weight, "sample_weight", what)).astype(float)
    if weights.shape != (len(truth),) or (weights < 0).any() or not weights.any():
        raise UserErrorException(
            f"{what} got sample_weight of shape {weights.shape} for {len(truth):,} rows; expected one number >= 0 for "
            f"each, not all of them 0"
        )
    return weights
