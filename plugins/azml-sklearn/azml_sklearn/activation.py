"""Where scikit-learn is listened to, and how it is given back as it was.

Every decorated ``fit`` of scikit-learn enters ``sklearn.base.config_context``, a global looked up at each call. That
one name is replaced; no class, no signature and no pickle changes. It is no documented contract, so it is tried
on a tiny estimator first, and where it does not hold nothing is replaced and the user is told. Fits that are not
decorated, those of other packages and of the user's own classes, are covered one by one.
"""

import functools
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import CodeType, FrameType, ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import Observation, Patches, is_paused, when_imported

from .evaluation import listen_to_metrics
from .fits import Fit, choke_point, counts, seen_from
from .loops import Loops
from .nesting import Both, carry_nesting, inside, is_inside
from .parameters import in_one_line
from .predictions import remember
from .report import observe_fit
from .session import LISTENING, SOURCE, Session
from .sweeps import listen_to_sweeps
from .undecorated import listen_to_undecorated
from .validation import listen_to_validation

if TYPE_CHECKING:
    from azml_integrations import AutologOptions, Run


def activate(options: "AutologOptions") -> Callable[[], None]:
    """Begin to listen to scikit-learn, which is imported by now.

    Parameters
    ----------
    options : AutologOptions
        What the user asked for.

    Returns
    -------
    callable
        Puts scikit-learn back as it was.

    Raises
    ------
    RuntimeError
        If this scikit-learn does not let its fits be seen.
    """
    session = Session(options)
    patches = Patches(SOURCE, on_error=options.on_error)
    patches.also(session.end)
    try:
        _listen_to_fits(session, patches)
    except Exception:
        patches.undo()
        raise
    LISTENING[session] = patches
    patches.also(lambda: LISTENING.pop(session, None))
    for module, listen in (
        ("sklearn.metrics", listen_to_metrics),
        ("sklearn.model_selection", listen_to_validation),
        ("sklearn.model_selection", listen_to_sweeps),
        ("sklearn.utils.parallel", lambda _, patches: carry_nesting(patches)),
    ):
        patches.also(when_imported(module, functools.partial(_when_there, listen, session, patches)))
    return patches.undo


def _when_there(listen: Callable[[Session, Patches], None], session: Session, patches: Patches, _: ModuleType) -> None:
    if patches.active:
        listen(session, patches)


def _listen_to_fits(session: Session, patches: Patches) -> None:
    from sklearn import base

    try:
        wrapper = choke_point()
    except (AttributeError, LookupError) as error:
        raise RuntimeError(_unknown(error)) from error
    loops = Loops(session)
    patches.also(loops.finish)
    session.at_end.append(loops.end)
    seen: list[Any] = []

    def on_probe(frame: FrameType) -> AbstractContextManager[object] | None:
        seen.append(seen_from(frame).estimator)
        return None

    trial = Patches(SOURCE)
    trial.replace(base, "config_context", _listening(base.config_context, wrapper, trial, on_probe))
    try:
        probe = _probe()
    finally:
        trial.undo()
    if seen != [probe]:
        raise RuntimeError(_unknown("the fit of a tiny estimator was not seen"))

    def on_fit(frame: FrameType) -> AbstractContextManager[object] | None:
        fit = Fit(frame.f_locals["estimator"])
        with session.attempt(None):
            fit = seen_from(frame)
        return _FitObserved(fit, session, patches, loops)

    patches.replace(base, "config_context", _listening(base.config_context, wrapper, patches, on_fit))
    listen_to_undecorated(session, patches, wrapper, lambda fit: _FitObserved(fit, session, patches, loops))


def _listening(
    original: Callable[..., AbstractContextManager[object]],
    wrapper: CodeType,
    patches: Patches,
    on_fit: Callable[[FrameType], AbstractContextManager[object] | None],
) -> Callable[..., AbstractContextManager[object]]:
    """Return a ``config_context`` that knows an outermost fit when it is entered by one."""

    @functools.wraps(original)
    def config_context(*args: Any, **settings: Any) -> AbstractContextManager[object]:
        context = original(*args, **settings)
        caller = sys._getframe(1)  # noqa: SLF001 - the caller is what we want to know
        if caller.f_code is not wrapper or not patches.active or is_inside() or is_paused("sklearn"):
            return context
        observed = on_fit(caller)
        return context if observed is None else Both(context, observed)

    config_context.__module__ = "sklearn.base"  # a class pickled by value finds the plain one there, in a worker
    return config_context


class _FitObserved(AbstractContextManager[object]):
    """An outermost call of a decorated method: a training, a step of one, or preprocessing."""

    def __init__(self, fit: Fit, session: Session, patches: Patches, loops: Loops) -> None:
        self._fit, self._session, self._patches, self._loops = fit, session, patches, loops
        self._observation: Observation | None = None
        self._trains = False

    def __enter__(self) -> object:
        with self._session.attempt(None):
            self._observation = self._choose()
        if self._observation is not None:
            self._observation.result = self._fit.estimator
            self._observation.__enter__()
        self._inside = inside()
        self._inside.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inside.__exit__(None, None, None)
        if self._observation is None:
            return
        self._observation.__exit__(kind, error, trace)
        run = self._observation.run
        if error is None and run is not None and self._trains:
            remember(run, self._fit.estimator, self._session, self._patches)

    def _choose(self) -> Observation | None:
        fit, session = self._fit, self._session
        self._trains = counts(fit.estimator)
        if not self._trains:
            from azml_integrations import current_run

            run = current_run()
            if run is None:
                return None
            return Observation(SOURCE, self._prepare, open_run=lambda: (run, False), on_error=session.options.on_error)
        if fit.method == "partial_fit":
            return self._loops.step(fit)
        self._loops.pause()
        return Observation(
            SOURCE,
            observe_fit,
            fit,
            session,
            open_run=lambda: session.open_run(fit.name),
            on_error=session.options.on_error,
        )

    def _prepare(self, run: "Run") -> Any:
        """Note a transformer that is fitted inside a run."""
        yield
        number = self._session.next_preparation(run)
        run.add_properties({f"preprocessing.{number}": in_one_line(self._fit.estimator)})


def _probe() -> Any:
    """Fit a tiny estimator."""
    from sklearn.base import BaseEstimator, _fit_context

    class Probe(BaseEstimator):  # type: ignore[misc]
        @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
        def fit(self, X: object) -> "Probe":
            return self

    Probe._parameter_constraints = {}  # noqa: SLF001 - scikit-learn wants it
    return Probe().fit([[0.0]])


def _unknown(why: object) -> str:
    import sklearn

    return (
        f"scikit-learn {sklearn.__version__} does not let its fits be seen the way azml-sklearn knows ({why}); "
        f"a newer azml-sklearn may"
    )
