"""Where Optuna is listened to, and how it is given back as it was.

Only public methods are replaced: `Study.optimize`, `ask` and `tell`, and `Trial.suggest_*`, `report` and
`set_user_attr`. Each does first what it did, and is looked at afterwards. Sampler, pruner and storage are only read.
"""

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import Patches, as_current, is_paused

from .callback import AzmlCallback
from .session import Optimization, Session
from .wording import SOURCE

if TYPE_CHECKING:
    from azml_integrations import AutologOptions

    from .recorded_trial import RecordedTrial

SUGGESTIONS = ("suggest_float", "suggest_int", "suggest_categorical")


def activate(options: "AutologOptions") -> Callable[[], None]:
    """Begin to listen to Optuna, which is imported by now.

    Parameters
    ----------
    options : AutologOptions
        What the user asked for.

    Returns
    -------
    callable
        Puts Optuna back as it was.
    """
    from optuna import Study, Trial

    session = Session(options)
    patches = Patches(SOURCE, on_error=options.on_error)
    patches.also(session.end)
    _replace(patches, Study, "optimize", functools.partial(_optimize, session))
    _replace(patches, Study, "ask", functools.partial(_ask, session))
    _replace(patches, Study, "tell", functools.partial(_tell, session))
    for name in SUGGESTIONS:
        _replace(patches, Trial, name, functools.partial(_suggest, session))
    _replace(patches, Trial, "report", functools.partial(_report, session))
    _replace(patches, Trial, "set_user_attr", functools.partial(_set_user_attr, session))
    return patches.undo


def _replace(patches: Patches, owner: type, name: str, observe: Callable[..., Any]) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    def observed(*args: Any, **kwargs: Any) -> Any:
        if not patches.active:
            return original(*args, **kwargs)
        return observe(original, *args, **kwargs)

    patches.replace(owner, name, observed)


def _optimize(session: Session, original: Any, study: Any, /, *args: Any, **kwargs: Any) -> Any:
    with session.optimizing(study, silent=is_paused(SOURCE)) as optimization:
        if not optimization.silent:
            args, kwargs = _watched(session, optimization, original, (study, *args), kwargs)
        return original(study, *args, **kwargs)


def _watched(
    session: Session, optimization: Optimization, original: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of ``optimize`` with an objective and callbacks that are seen; wrong ones as they are."""
    try:
        given = inspect.signature(original).bind(*args, **kwargs)
    except TypeError:
        return args[1:], kwargs
    callbacks = given.arguments.get("callbacks")
    for callback in callbacks if isinstance(callbacks, list | tuple) else ():
        if isinstance(callback, AzmlCallback) and callback.run is not None:
            optimization.within = callback.run
    given.arguments["func"] = _objective(session, given.arguments["func"])
    given.arguments["callbacks"] = _Callbacks(session, callbacks)
    return given.args[1:], given.kwargs


def _objective(session: Session, func: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the user's objective, called with the trial's run as the current one."""

    @functools.wraps(func, updated=())
    def objective(trial: Any) -> Any:
        recorded = session.trials.get(trial)
        if recorded is None:
            return func(trial)
        try:
            with as_current(recorded.where):
                recorded.returned = returned = func(trial)
        except BaseException as error:
            recorded.error = error
            _hide_our_frame(error)
            raise
        return returned

    return objective


def _hide_our_frame(error: BaseException) -> None:
    """Take the frame that caught an error out of its traceback, before a bare ``raise``: it tells the user nothing."""
    trace = error.__traceback__
    error.__traceback__ = None if trace is None else trace.tb_next


class _Callbacks:
    """The user's callbacks, asked for again after each trial as Optuna does, with ours before them."""

    def __init__(self, session: Session, callbacks: Any) -> None:
        self._session, self._callbacks = session, callbacks

    def __iter__(self) -> Iterator[Callable[[Any, Any], object]]:
        yield self._session.hear_end_of_trial
        if self._callbacks is not None:
            yield from self._callbacks


def _ask(session: Session, original: Any, study: Any, /, *args: Any, **kwargs: Any) -> Any:
    trial = original(study, *args, **kwargs)
    if not is_paused(SOURCE):
        session.hear_ask(study, trial)
    return trial


def _tell(session: Session, original: Any, study: Any, /, *args: Any, **kwargs: Any) -> Any:
    frozen = original(study, *args, **kwargs)
    if not is_paused(SOURCE):
        session.hear_end_of_trial(study, frozen)
    return frozen


def _suggest(session: Session, original: Any, trial: Any, /, *args: Any, **kwargs: Any) -> Any:
    value = original(trial, *args, **kwargs)
    _about(session, trial, lambda recorded: recorded.tell_parameter(args[0] if args else kwargs["name"], value))
    return value


def _report(session: Session, original: Any, trial: Any, /, *args: Any, **kwargs: Any) -> None:
    original(trial, *args, **kwargs)
    _about(session, trial, lambda recorded: recorded.tell_intermediate(*args, **kwargs))


def _set_user_attr(session: Session, original: Any, trial: Any, /, *args: Any, **kwargs: Any) -> None:
    original(trial, *args, **kwargs)
    _about(session, trial, lambda recorded: recorded.tell_attribute(*args, **kwargs))


def _about(session: Session, trial: Any, tell: "Callable[[RecordedTrial], object]") -> None:
    """Tell something about a trial that is recorded."""
    recorded = session.trials.get(trial)
    if recorded is not None:
        with session.attempt(recorded.run):
            tell(recorded)
