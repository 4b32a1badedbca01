"""A loop over ``partial_fit`` is one training, although nobody says where it ends."""

import atexit
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import Observation

from .diagram import store_diagram
from .fits import Fit, unmoved_randomness
from .models import store_model
from .parameters import describe
from .report import announce, judged_quietly, note_missing, note_rows
from .session import SOURCE, Remembered, Session
from .signature import Signature, signature_of, store_example, store_signature

if TYPE_CHECKING:
    from azml_integrations import Run

SHARE = 0.25
"""Training metrics of a batch are computed as long as they cost less than this share of the loop's time."""


@dataclass
class Loop:
    """One loop.

    Attributes
    ----------
    run : Run
        Where it is recorded.
    estimator : object
        Kept until the model is stored: when the loop pauses, or the program ends.
    steps : int
        Calls so far.
    began, spent, fitting : float
        When the loop began, what metrics have cost so far, and how long its calls took [s].
    unjudged : int
        Calls without training metrics, because they would have cost too much.
    given : dict of str to object
        The estimator's parameters.
    signature : Signature or None
        That of the first call.
    missing : dict of str to str
        Why a training metric is not there, by its name.
    """

    run: "Run"
    estimator: Any
    steps: int = 0
    began: float = field(default_factory=time.perf_counter)
    spent: float = 0.0
    fitting: float = 0.0
    unjudged: int = 0
    given: dict[str, Any] = field(default_factory=dict)
    signature: Signature | None = None
    missing: dict[str, str] = field(default_factory=dict)


class Loops:
    """The loops of a session. A model is stored when its loop pauses: another fit begins, or the program ends."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known = Remembered()
        self._unstored: dict[tuple[int, str], Loop] = {}
        self._of_run: dict[str, Loop] = {}
        self._lock = threading.Lock()

    def step(self, fit: Fit) -> Observation:
        """Return the observation of one ``partial_fit``."""
        if self._known.get(fit.estimator) is None:
            self.pause()  # not for each turn of two loops that take turns
        return Observation(
            SOURCE,
            self._observe,
            fit,
            open_run=lambda: self._open_run(fit),
            on_error=self._session.options.on_error,
        )

    def pause(self) -> None:
        """Store the models of this thread's loops, because another training begins."""
        me = threading.get_ident()
        for key in [key for key in self._unstored if key[0] == me]:
            self._store(key)
        with self._lock:
            if not self._unstored:
                atexit.unregister(self.finish)  # else it would keep the loops of the past

    @property
    def busy(self) -> bool:
        """Whether a model waits to be stored."""
        return bool(self._unstored)

    def end(self, run: "Run") -> None:
        """Store the models of a run's loops, because it ends."""
        for key in [key for key in self._unstored if key[1] == run.id]:
            self._store(key)

    def finish(self) -> None:
        """Store the models of all loops."""
        atexit.unregister(self.finish)
        for key in list(self._unstored):
            self._store(key)

    def _open_run(self, fit: Fit) -> "tuple[Run, bool]":
        run = self._known.get(fit.estimator)
        return (run, False) if run is not None else self._session.open_run(fit.name)

    def _observe(self, run: "Run", fit: Fit) -> Generator[None, Any, None]:
        loop = self._of_run.get(run.id)
        if loop is None or self._known.get(fit.estimator) is None:
            loop = self._of_run[run.id] = Loop(run, None)
            self._known[fit.estimator] = run
            with self._session.attempt(run):
                loop.given = fit.estimator.get_params(deep=True)
                describe(run, fit.estimator, loop.given)
            with self._session.attempt(run):
                if self._session.log_input_examples:
                    store_example(run, fit.X, f"outputs/{fit.name}", loop.missing)
        began = time.perf_counter()
        yield
        now = time.perf_counter()
        self._keep(loop, fit.estimator)
        loop.steps += 1
        loop.fitting += now - began
        if loop.steps > 1 and loop.spent >= SHARE * (now - loop.began):
            loop.unjudged += 1
            return
        with self._session.attempt(run), unmoved_randomness(loop.given):
            judged, metrics = judged_quietly(fit, self._session, loop.missing)
            if metrics:
                run.log_metrics(metrics, loop.steps)
            if loop.steps == 1:
                note_rows(run, judged)
                loop.signature = signature_of(fit, None if judged is None else judged.predicted)
        if loop.steps > 1:  # the first one loads scikit-learn's metrics
            loop.spent += time.perf_counter() - now

    def _keep(self, loop: Loop, estimator: Any) -> None:
        loop.estimator = estimator
        with self._lock:
            if not self._unstored:
                atexit.register(self.finish)
            self._unstored[threading.get_ident(), loop.run.id] = loop

    def _store(self, key: tuple[int, str]) -> None:
        with self._lock:
            loop = self._unstored.pop(key, None)
        if loop is None:
            return
        estimator, loop.estimator = loop.estimator, None
        name, told = type(estimator).__name__, f"{loop.steps} calls of partial_fit"
        with self._session.attempt(loop.run):
            told += self._store_files(loop, estimator)
        with self._session.attempt(loop.run):
            loop.run.log("fit_time", loop.fitting)
            if loop.unjudged:
                cost = f"they would have cost more than {SHARE:.0%} of the loop's time"
                loop.missing[f"training metrics of {loop.unjudged} of {loop.steps} calls"] = cost
        with self._session.attempt(loop.run):
            note_missing(loop.run, loop.missing, "not recorded, or not in each step")
            loop.missing = {}
        announce(self._session, loop.run, name, told)

    def _store_files(self, loop: Loop, estimator: Any) -> str:
        folder, files, options = f"outputs/{type(estimator).__name__}", [], self._session.options
        if options.log_models:
            how = self._session.model_format, self._session.max_model_bytes, loop.missing
            files.append(store_model(loop.run, estimator, folder, *how))
            if loop.signature is not None:
                store_signature(loop.run, loop.signature, folder)
        if options.log_images:
            files += store_diagram(loop.run, estimator, folder, loop.missing)
        return f", {', '.join(files)} in {folder}" if files else ""
