"""A callback of scikit-learn's own protocol: what happens inside a fit, told while it happens."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import is_paused, paused
from azml_integrations.errors import OptionError

from .fits import unmoved_randomness
from .nesting import in_a_worker, inside, is_part_of_another
from .parameters import describe
from .report import announce
from .session import SOURCE, Session, recorded, recording

if TYPE_CHECKING:
    from uuid import UUID

    import numpy as np

    from azml_integrations import Run

SPLIT = "candidate-split-evaluation"
"""scikit-learn's name for one candidate of a search on one split."""
SEARCHES = ("search", "halving-iteration")
"""Its names for what consists of those: a search, or one round of a halving search."""
STEP = "fit-"
"""How its names for the steps of a pipeline begin."""
SHARE = 0.25
"""Scores of an unknown estimator's iterations are computed as long as they cost less than this share of the time."""


@dataclass
class Followed:
    """One fit that is under way.

    Attributes
    ----------
    run : Run
        Where it is told; in a worker process, as its guest.
    owned : bool
        Whether the callback has begun the run, and ends it.
    entered : set of int
        Identities of the root contexts, of this process, that are under way.
    began : dict of int to float
        When each task began, by the identity of its context.
    losses : dict of int to Losses
        By the identity of the estimator.
    before : BaseException or None
        What was handled already when the fit began.
    since, spent : float
        When the fit began; what scores have cost so far [s].
    failed : set of str
        Names of tasks that could not be told.
    marks : ExitStack
        What ends with the fit.
    """

    run: "Run"
    owned: bool = False
    entered: set[int] = field(default_factory=set)
    began: dict[int, float] = field(default_factory=dict)
    losses: "dict[int, Losses]" = field(default_factory=dict)
    before: BaseException | None = None
    since: float = field(default_factory=time.perf_counter)
    spent: float = 0.0
    failed: set[str] = field(default_factory=set)
    marks: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @contextlib.contextmanager
    def once(self, task: str) -> Iterator[None]:
        """Let a kind of task fail once: what fails at one iteration fails at each."""
        try:
            yield
        except Exception:
            self.failed.add(task)
            raise


class AzmlCallback:
    """Tell a run what happens inside a fit, while it happens: ``estimator.set_callbacks(AzmlCallback())``.

    Of a `LogisticRegression` with the solver lbfgs, the log loss after each iteration; of a `Pipeline`, how long each
    step took; of a search, each split of each candidate as it is done, also in worker processes.

    Parameters
    ----------
    run : Run, default=None
        Where to. None, or a run that is over, takes the run in which the fit is recorded: by `autolog`, by a
        `LoggedEstimator`; where nobody records it, the current run, a child of it, or a run of its own, by the rules of
        `autolog`. A pickle leaves it out.
    max_metric_rows : int, default=10_000
        The loss of an iteration comes from at most so many training rows, evenly chosen [rows]; 0 switches it off.
    silent : bool, default=False
        Print nothing at the end of a fit that nobody else records.

    Raises
    ------
    OptionError
        If an argument is not what it has to be.
    ImportError
        If scikit-learn is older than 1.9, which has no callbacks.

    Notes
    -----
    The metrics are ``iteration_log_loss`` at step = iteration (of the rows' probabilities, with their sample weights,
    without the penalty and without class weights), ``fit_time.<step of the pipeline>`` [s], and ``split_time`` [s] at
    step = candidate × splits + split, of ``search_splits`` (one number per round of a halving search). An iteration of
    another estimator that offers its state is told as ``iteration_score``, as long as that costs less than a quarter
    of the time.

    The loss costs one product of the rows with the coefficients per iteration, 0.1 ms at least: on small data half to
    four fifths of what the iteration itself costs.

    A fit that is a part of another one (a fold, a candidate, a member of an ensemble) tells nothing of its own: set
    the callback on the search. No error in here reaches a fit; it becomes an `AutologWarning` and a note in the run.

    Examples
    --------
    >>> from azml_sklearn import AzmlCallback
    >>> from sklearn.linear_model import LogisticRegression
    >>> LogisticRegression().set_callbacks(AzmlCallback()).fit(X, y)  # doctest: +SKIP
    """

    def __init__(self, run: "Run | None" = None, *, max_metric_rows: int = 10_000, silent: bool = False) -> None:
        _refuse_old()
        _refuse_other("run", run, _is_run(run), "a Run or None")
        is_count = isinstance(max_metric_rows, int) and not isinstance(max_metric_rows, bool) and max_metric_rows >= 0
        _refuse_other("max_metric_rows", max_metric_rows, is_count, "a number of at least 0")
        _refuse_other("silent", silent, isinstance(silent, bool), "True or False")
        self.run = run
        self.max_metric_rows = max_metric_rows
        self.silent = silent
        self._open()

    def _open(self) -> None:
        from azml_integrations import AutologOptions

        self._session = Session(AutologOptions(silent=self.silent))
        self._fits: dict[UUID, Followed] = {}
        self._lock = threading.Lock()

    # -- what scikit-learn calls -----------------------------------------------------------------------

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin to follow a fit.

        Parameters
        ----------
        estimator : estimator
            Whose.
        context : CallbackContext
            Its root task.
        """
        if is_paused("sklearn"):
            return
        with self._session.attempt(None), paused():
            if is_part_of_another(estimator):
                return
            followed = self._fits.get(context.root_uuid) or self._follow(estimator)
            if followed is not None:
                with self._lock:
                    self._fits[context.root_uuid] = followed
                if not followed.entered:
                    followed.marks.enter_context(recording(followed.run))  # callbacks further in join this run
                followed.entered.add(id(context))

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Note when a task begins; of a search, how many splits there will be."""
        followed = self._fits.get(context.root_uuid)
        if followed is None:
            return
        with self._session.attempt(followed.run), paused():
            followed.began[id(context)] = time.perf_counter()
            if context.task_name in SEARCHES and not context.sequential_subtasks and not _in_split(context):
                followed.run.log("search_splits", context.max_subtasks)

    def on_fit_task_end(
        self,
        estimator: Any,
        context: Any,
        *,
        X: Any = None,
        y: Any = None,
        metadata: Any = None,
        fitted_estimator: Any = None,
    ) -> None:
        """Tell what a task has brought: a duration, a loss.

        Parameters
        ----------
        estimator : estimator
            Whose task.
        context : CallbackContext
            Which one.
        X, y : array-like
            The training data, as the estimator has validated them.
        metadata : dict
            ``sample_weight``.
        fitted_estimator : estimator
            A copy of the estimator as if the fit had ended here; of an iteration only.
        """
        followed = self._fits.get(context.root_uuid)
        if followed is None or context.task_name in followed.failed:
            return
        with self._session.attempt(followed.run), paused(), followed.once(context.task_name):
            began = followed.began.pop(id(context), None)
            if context.task_name == SPLIT:
                _tell_split(followed.run, context, began)
            elif _in_split(context):
                return
            elif context.task_name.startswith(STEP):
                _tell_step(followed.run, estimator, context, began)
            elif fitted_estimator is not None and context.max_subtasks == 0 and id(context) not in followed.entered:
                weight = (metadata or {}).get("sample_weight")
                self._tell_iteration(followed, estimator, context.task_id + 1, fitted_estimator, (X, y, weight))

    def teardown(self, estimator: Any, context: Any) -> None:
        """Stop following a fit; end the run, if it was begun here.

        Parameters
        ----------
        estimator : estimator
            Whose.
        context : CallbackContext
            Its root task.
        """
        followed = self._fits.get(context.root_uuid)
        if followed is None or id(context) not in followed.entered:
            return
        followed.losses.pop(id(estimator), None)
        followed.entered.discard(id(context))
        if followed.entered:
            return
        with self._lock:
            self._fits.pop(context.root_uuid, None)
        error = sys.exception()
        with self._session.attempt(followed.run), paused():
            followed.marks.close()
            if followed.owned:
                self._end(followed, estimator, error if error is not followed.before else None)

    # -- the run ---------------------------------------------------------------------------------------

    def _follow(self, estimator: Any) -> Followed | None:
        from azml_integrations import current_run

        if self.run is not None and not _is_over(self.run):
            return Followed(self.run)
        run = recorded()
        if run is not None:
            return Followed(run)
        if in_a_worker() and current_run() is None:
            return None
        run, owned = self._session.open_run(type(estimator).__name__)
        if self.run is not None:
            run.note(SOURCE, f"told here, because the run that was given, {self.run.id}, was over")
        with self._session.attempt(run):
            describe(run, estimator, estimator.get_params(deep=True))
        return Followed(run, owned, before=sys.exception())

    def _end(self, followed: Followed, estimator: Any, error: BaseException | None) -> None:
        if error is not None:
            followed.run.fail(error)
            return
        followed.run.log("fit_time", time.perf_counter() - followed.since)
        followed.run.complete()
        announce(self._session, followed.run, type(estimator).__name__, "what its callback was told")

    # -- what is told ----------------------------------------------------------------------------------

    def _tell_iteration(
        self, followed: Followed, estimator: Any, step: int, fitted: Any, data: tuple[Any, Any, Any]
    ) -> None:
        if self.max_metric_rows == 0 or data[1] is None:
            return
        if Losses.can_judge(estimator, data[0]):
            losses = followed.losses.get(id(estimator))
            if losses is None:
                losses = followed.losses[id(estimator)] = Losses(
                    estimator.classes_, *_thinned(*data, self.max_metric_rows)
                )
            followed.run.log("iteration_log_loss", losses.of(fitted.coef_, fitted.intercept_), step=step)
            return
        began = time.perf_counter()
        if step > 1 and followed.spent >= SHARE * (began - followed.since):
            return
        X, y, weight = _thinned(*data, self.max_metric_rows)
        weights = {} if weight is None else {"sample_weight": weight}
        with inside(), unmoved_randomness(estimator.get_params(deep=True)):
            score = float(fitted.score(X, y, **weights))
        followed.run.log("iteration_score", score, step=step)
        followed.spent += time.perf_counter() - began

    # -- travel ----------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """Travel without the run that was given; fits that are under way take theirs along, as an address."""
        with self._lock:  # a thread of loky's pickles while another one trains
            runs = {root: followed.run for root, followed in self._fits.items()}
        return {"max_metric_rows": self.max_metric_rows, "silent": self.silent, "runs": runs}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.run = None
        self.max_metric_rows, self.silent = state["max_metric_rows"], state["silent"]
        self._open()
        self._fits = {root: Followed(run) for root, run in state["runs"].items()}


class Losses:
    """The log loss of a logistic regression that is being fitted, as quickly as it can be had.

    Parameters
    ----------
    classes : array
        Sorted.
    X : array or sparse matrix
        Rows.
    y, weight : array
        Their classes, and how much each row counts (or None).
    """

    def __init__(self, classes: "np.ndarray[Any, Any]", X: Any, y: Any, weight: Any) -> None:
        import numpy as np

        self._X = X
        self._places = np.searchsorted(classes, y)
        self._signs = 2.0 * self._places - 1.0
        self._rows = np.arange(len(self._places))
        self._weight = weight

    @staticmethod
    def can_judge(estimator: Any, X: Any) -> bool:
        """Tell whether it is a logistic regression on what numpy can multiply."""
        import numpy as np
        from scipy.sparse import issparse
        from sklearn.linear_model import LogisticRegression

        return isinstance(estimator, LogisticRegression) and (isinstance(X, np.ndarray) or issparse(X))

    def of(self, coef: "np.ndarray[Any, Any]", intercept: "np.ndarray[Any, Any]") -> float:
        """Return the mean log loss of coefficients.

        Parameters
        ----------
        coef : array of shape (n_classes, n_features), or (1, n_features) for two classes
        intercept : array of shape (n_classes,) or (1,)
        """
        import numpy as np

        raw = self._X @ coef.T + intercept
        if raw.shape[1] == 1:
            loss = np.logaddexp(0.0, -self._signs * raw[:, 0])
        else:
            raw = raw - raw.max(axis=1, keepdims=True)
            loss = np.log(np.exp(raw).sum(axis=1)) - raw[self._rows, self._places]
        return float(loss.mean() if self._weight is None else np.average(loss, weights=self._weight))


def _tell_split(run: "Run", context: Any, began: float | None) -> None:
    if began is not None:
        of = context.parent.max_subtasks
        told = f"split {context.task_id + 1} of {of}"
        run.log("split_time", time.perf_counter() - began, told, step=_splits_before(context.parent) + context.task_id)


def _splits_before(task: Any) -> int:
    """Return how many splits the earlier rounds of a halving search had."""
    rounds = (other for other in task.parent or () if other.task_name == task.task_name == "halving-iteration")
    return sum(other.max_subtasks for other in rounds if other.task_id < task.task_id)


def _tell_step(run: "Run", pipeline: Any, context: Any, began: float | None) -> None:
    name, step = pipeline.steps[context.task_id]
    if began is not None and step is not None and not isinstance(step, str):  # passthrough
        run.log(f"fit_time.{name}", time.perf_counter() - began)


def _in_split(context: Any) -> bool:
    """Tell whether a task is inside a split of a search; the split's own task is not."""
    while context is not None:
        if context.source_task_name == SPLIT:
            return True
        context = context.parent
    return False


def _thinned(X: Any, y: Any, weight: Any, most_rows: int) -> tuple[Any, Any, Any]:
    import numpy as np
    from sklearn.utils import _safe_indexing

    of = len(y)
    if of <= most_rows:
        return X, y, weight
    rows = np.linspace(0, of - 1, most_rows).astype(np.intp)  # evenly, as the training metrics are
    return tuple(None if each is None else _safe_indexing(each, rows) for each in (X, y, weight))  # type: ignore[return-value]


def _is_run(run: object) -> bool:
    from azml_integrations import Run

    return run is None or isinstance(run, Run)


def _is_over(run: "Run") -> bool:
    from azml_integrations import RunStatus

    return run.over or run.get_status() in {RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELED}


def _refuse_other(name: str, value: object, fits: bool, wanted: str) -> None:
    if not fits:
        raise OptionError(f"AzmlCallback got {name}={value!r}; expected {wanted}")


def _refuse_old() -> None:
    import sklearn

    try:
        import sklearn.callback
    except ImportError as error:
        raise ImportError(
            f"AzmlCallback wants scikit-learn >= 1.9, whose estimators take callbacks; this is {sklearn.__version__}; "
            f"autolog() and LoggedEstimator work with both"
        ) from error
