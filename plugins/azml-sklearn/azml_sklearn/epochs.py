"""Epochs of an estimator while its ``fit`` runs: the attributes in which it keeps its curve are read from the side.

Nothing of the estimator is replaced. A thread looks now and then; what it has not seen when the fit is over is written
then, so that the run holds each curve once, whole and in order.
"""

import math
import os
import threading
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .session import SOURCE, Session

if TYPE_CHECKING:
    from azml_integrations import Run

FIRST = 0.2
"""A fit that is over by then is not looked at while it runs [s]."""
PAUSE = 0.4
"""Time between two looks [s]; a look that took long is followed by a longer one."""
SHARE = 0.005
"""Looking takes at most this share of a fit's time."""


@dataclass(frozen=True)
class Kind:
    """How a family of estimators keeps its epochs.

    Attributes
    ----------
    curves : callable
        Names of the attributes that grow in a fit with these parameters; none where there are no epochs.
    before : callable
        Number of epochs that an estimator has behind it.
    first : int
        Step of the first value of a fit that begins anew; 0 where it judges the model before its first epoch.
    settled : callable or None
        Given how many epochs an earlier fit has left, tells how many values of an array that is allocated in advance
        are final; None where lists grow.
    """

    curves: Callable[[Any], tuple[str, ...]]
    before: Callable[[Any], int]
    first: int = 1
    settled: Callable[[Any, int], int] | None = None


def _of_perceptron(model: Any) -> tuple[str, ...]:
    return () if model.solver == "lbfgs" else ("loss_curve_", "validation_scores_")


def _of_boosting(model: Any) -> tuple[str, ...]:
    return ("train_score_", "oob_improvement_", "oob_scores_") if model.subsample != 1 else ("train_score_",)


def _of_histograms(model: Any) -> tuple[str, ...]:
    return () if model.early_stopping is False else ("train_score_", "validation_score_")


def _settled_stages(model: Any, before: int) -> int:
    """Return how many stages of boosting are done for certain: those after which the next one has its tree.

    A warm start fills the rows to come with the trees of the rows before, so a row is done when its tree is another.
    """
    trees = model.estimators_[:, 0]
    row = before
    while row < len(trees) and trees[row] is not (trees[row % before] if before else None):
        row += 1
    return max(row - 1, before)


KINDS = {
    "BaseMultilayerPerceptron": Kind(_of_perceptron, lambda model: len(getattr(model, "loss_curve_", ()))),
    "BaseGradientBoosting": Kind(
        _of_boosting, lambda model: len(getattr(model, "train_score_", ())), settled=_settled_stages
    ),
    "BaseHistGradientBoosting": Kind(_of_histograms, lambda model: getattr(model, "n_iter_", 0), first=0),
}
"""By the name of scikit-learn's own base class."""


def epochs_of(run: "Run", estimator: Any, session: Session) -> AbstractContextManager[object]:
    """Return what to hold around a fit, so that its epochs are seen while it runs.

    Metrics are named as the attributes, without the underscore at their end: ``loss_curve``, ``train_score``. The step
    is the epoch, from 1; 0 is the model before its first one, where the estimator has judged that too. A fit that
    continues an earlier one (``warm_start=True``) continues its steps.

    Parameters
    ----------
    run : Run
        Where to write.
    estimator : object
        What is about to be fitted; of a pipeline, its last step is looked at.
    session : Session
        Bears the errors.
    """
    with session.attempt(run):
        model = _in_place(estimator)
        kind = next((KINDS[name] for name in map(_own_name, type(model).__mro__) if name in KINDS), None)
        if kind is not None and kind.curves(model):
            return Epochs(run, model, kind, session)
    return nullcontext()


class Epochs(AbstractContextManager["Epochs"]):
    """The epochs of one fit.

    Parameters
    ----------
    run : Run
        Where to write.
    model : object
        What keeps the curves; it is not kept alive.
    kind : Kind
        How it keeps them.
    session : Session
        Bears the errors.
    """

    def __init__(self, run: "Run", model: Any, kind: Kind, session: Session) -> None:
        self._run, self._session, self._kind = run, session, kind
        self._model = weakref.ref(model)
        self._curves = kind.curves(model)
        self._before = kind.before(model) if model.warm_start else 0
        self._old = {name: getattr(model, name, None) for name in self._curves}  # kept: its id is not given again
        self._skipped = {name: self._left(old) for name, old in self._old.items()}
        self._sent: defaultdict[str, list[float]] = defaultdict(list)
        self._seen: dict[str, object] = {}
        self._trouble: Exception | None = None
        self._over = threading.Event()
        self._process = os.getpid()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Begin to look, a little later."""
        with self._session.attempt(self._run):
            watched = weakref.ref(self)  # whoever drops the fit ends the thread, however that came about
            thread = threading.Thread(target=_look, args=(watched, self._over), name="azml-epochs", daemon=True)
            thread.start()
            self._thread = thread
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is not written yet, also after a fit that was interrupted."""
        if os.getpid() != self._process:  # forked in the middle of the fit: the epochs are the parent's to tell
            return
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        with self._session.attempt(self._run):
            self._write_rest(failed=error is not None)
        with self._session.attempt(self._run):
            if self._trouble is not None:
                trouble = f"{type(self._trouble).__name__}: {self._trouble}"
                self._run.note(SOURCE, f"epochs were written at the end of the fit, not while it ran ({trouble})")

    def look(self) -> None:
        """Write the epochs that have come since the last look."""
        if self._trouble is None:
            try:
                self._write_news()
            except Exception as error:  # noqa: BLE001 - the fit goes on beside us; the end of it tries again
                self._trouble = error

    def _write_news(self) -> None:
        news: dict[str, list[float]] = {}
        for name in self._curves:
            grown = self._grown(name)
            if grown is not None and self._seen.setdefault(name, grown) is grown:  # another: the end will tell
                sent = len(self._sent[name])
                news[name] = _floats(grown[self._skipped[name] + sent : self._settled()])
        self._write(news)

    def _write_rest(self, *, failed: bool) -> None:
        rest: dict[str, list[float]] = {}
        for name in self._curves:
            grown = self._grown(name)
            if grown is not None:
                values = _floats(grown[self._skipped[name] : self._settled() if failed else None])
                rest[name] = values[self._agreed(name, values) :]
        self._write(rest)
        self._old = {}
        self._seen = {}

    def _grown(self, name: str) -> Any:
        """Return where a curve is kept, or None while it is still the one of an earlier fit."""
        values = getattr(self._model(), name, None)
        return None if values is self._old[name] and not self._before else values

    def _agreed(self, name: str, values: Sequence[float]) -> int:
        """Return how many values need not be written any more; none when the estimator has begun its epochs again."""
        sent = self._sent[name]
        if len(sent) <= len(values) and all(map(_same, sent, values)):
            return len(sent)
        again = f"the fit began its epochs again after {len(sent)} of them; the curve has both"
        self._run.note(SOURCE, f"{name.rstrip('_')}: {again}")
        sent.clear()
        return 0

    def _settled(self) -> int | None:
        model = self._model()
        return None if self._kind.settled is None or model is None else self._kind.settled(model, self._before)

    def _left(self, old: Any) -> int:
        """Return how many values of a curve are those of earlier fits."""
        if self._kind.settled is not None:
            return self._before
        return len(old) if self._before and old is not None else 0

    def _write(self, curves: dict[str, list[float]]) -> None:
        """Write values that follow those written; those of one epoch together."""
        epochs: defaultdict[int, dict[str, float]] = defaultdict(dict)
        begin = self._before + 1 if self._before else self._kind.first
        for name, values in curves.items():
            for step, value in enumerate(values, begin + len(self._sent[name])):
                epochs[step][name] = value
        for step in sorted(epochs):
            self._run.log_metrics({name.rstrip("_"): value for name, value in epochs[step].items()}, step)
            for name, value in epochs[step].items():
                self._sent[name].append(value)


def _look(watched: "weakref.ref[Epochs]", over: threading.Event) -> None:
    pause = FIRST
    while not over.wait(pause):
        epochs = watched()
        if epochs is None:
            return
        began = time.thread_time()  # not the time that we wait for the fit to let us
        epochs.look()
        del epochs  # not kept while we wait
        pause = max(PAUSE, (time.thread_time() - began) / SHARE)


def _in_place(estimator: Any) -> Any:
    """Return the estimator that a fit works on: the last step of a pipeline, which is fitted without a copy."""
    steps = getattr(estimator, "steps", None)
    return _in_place(steps[-1][1]) if isinstance(steps, list) and steps else estimator


def _own_name(kind: type) -> str:
    return kind.__name__ if kind.__module__.startswith("sklearn.") else ""


def _floats(values: Any) -> list[float]:
    return [float(value) for value in values]


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))
