"""What a fit is: which estimator, on which data, and whether it counts."""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any


@dataclass(frozen=True)
class Fit:
    """One call of a ``fit*`` method, as the user made it.

    Attributes
    ----------
    estimator : object
        What is fitted.
    method : str
        ``fit``, ``partial_fit``, ``fit_transform``, ``fit_predict``.
    X, y, sample_weight : object
        Its data; None where there is none, or where it could not be told.
    """

    estimator: Any
    method: str = "fit"
    X: Any = None
    y: Any = None
    sample_weight: Any = None

    @property
    def name(self) -> str:
        """The estimator's class name."""
        return type(self.estimator).__name__


def choke_point() -> CodeType:
    """Return the code of the wrapper through which scikit-learn makes every decorated fit.

    Raises
    ------
    LookupError
        If this scikit-learn has none of the shape that is known.
    """
    from sklearn import base

    decorator = _inner_code(base._fit_context.__code__, "decorator")  # noqa: SLF001 - no public way to see fits
    wrapper = _inner_code(decorator, "wrapper")
    if "config_context" not in wrapper.co_names or wrapper.co_varnames[:3] != ("estimator", "args", "kwargs"):
        raise LookupError("sklearn.base._fit_context does not enter config_context as it used to")
    return wrapper


def seen_from(frame: FrameType) -> Fit:
    """Read a fit from the frame of the `choke_point`.

    A ``fit`` that re-encodes y and calls ``super().fit`` shows the encoded y here, so what the user gave is read
    from the outermost ``fit*`` frame of the same estimator.
    """
    seen = frame.f_locals
    estimator = seen["estimator"]
    given = _signature(seen["fit_method"]).bind_partial(estimator, *seen["args"], **seen["kwargs"])
    arguments = _flat(given.arguments, given.signature)
    method = seen["fit_method"].__name__
    for caller in _own_callers(frame, estimator):
        code = caller.f_code
        method = code.co_name
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & inspect.CO_VARARGS)]
        local = caller.f_locals
        arguments = {name: local[name] for name in names if name in local}
        if code.co_flags & inspect.CO_VARKEYWORDS:
            arguments |= local.get(code.co_varnames[len(names)], {})
    return as_called(estimator, method, arguments)


def called(method: Callable[..., Any], estimator: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Fit:
    """Return the fit that a call of an undecorated method is."""
    given = _signature(method).bind_partial(estimator, *args, **kwargs)
    return as_called(estimator, method.__name__, _flat(given.arguments, given.signature))


def counts(estimator: Any) -> bool:
    """Tell whether a fit of it is a training: it can predict, cluster or score outliers."""
    from sklearn.base import is_classifier, is_clusterer, is_outlier_detector, is_regressor

    kinds = (is_classifier, is_regressor, is_clusterer, is_outlier_detector)
    if any(is_kind(estimator) for is_kind in kinds):  # before its fit, a stack of models has no predict yet
        return True
    if hasattr(estimator, "predict") or hasattr(estimator, "fit_predict"):
        return True
    return hasattr(estimator, "score_samples") and not hasattr(estimator, "transform")


@functools.lru_cache(maxsize=64)
def _signature(function: Any) -> inspect.Signature:
    return inspect.signature(function)


def as_called(estimator: Any, method: str, arguments: dict[str, Any]) -> Fit:
    """Return the fit that a call is, from its arguments by name, the estimator itself first."""
    _, *rest = arguments.items()
    X = rest[0][1] if rest else None
    y = next((arguments[name] for name in ("y", "Y") if name in arguments), None)
    return Fit(estimator, method, X, y, _sample_weight(estimator, arguments))


def _sample_weight(estimator: Any, arguments: dict[str, Any]) -> Any:
    steps = getattr(estimator, "steps", None)  # a pipeline takes the weights under its last step's name
    last = f"{steps[-1][0]}__sample_weight" if steps else "sample_weight"
    return arguments.get("sample_weight", arguments.get(last))


def _flat(arguments: dict[str, Any], signature: inspect.Signature) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in arguments.items():
        if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            flat |= value
        else:
            flat[name] = value
    return flat


def _own_callers(frame: FrameType, estimator: Any) -> Iterator[FrameType]:
    """Walk up the ``fit*`` frames that belong to the same estimator."""
    caller = frame.f_back
    while caller is not None:
        code = caller.f_code
        if not code.co_name.startswith(("fit", "partial_fit")) or not code.co_argcount:
            return
        if caller.f_locals.get(code.co_varnames[0]) is not estimator:
            return
        yield caller
        caller = caller.f_back


def _inner_code(code: CodeType, name: str) -> CodeType:
    for constant in code.co_consts:
        if isinstance(constant, CodeType) and constant.co_name == name:
            return constant
    raise LookupError(f"sklearn.base._fit_context has no inner function {name}")


@contextmanager
def unmoved_randomness(parameters: Mapping[str, Any]) -> Iterator[None]:
    """Put numpy's global random state back, and that of the generators among an estimator's parameters."""
    import numpy as np

    before = np.random.get_state()  # noqa: NPY002 - this is the state that the user's estimators draw from
    own = [value for value in parameters.values() if isinstance(value, np.random.RandomState | np.random.Generator)]
    states = [_state(generator) for generator in own]
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002 - as above
        for generator, state in zip(own, states, strict=True):
            if isinstance(generator, np.random.Generator):
                generator.bit_generator.state = state
            else:
                generator.set_state(state)


def _state(generator: Any) -> Any:
    return generator.bit_generator.state if hasattr(generator, "bit_generator") else generator.get_state()
