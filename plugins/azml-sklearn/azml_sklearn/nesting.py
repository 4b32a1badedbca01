"""Whether a call is made inside another one that is observed already: also in the workers of a parallel fit."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

_INSIDE: ContextVar[bool] = ContextVar("azml_sklearn_inside", default=False)


def is_inside() -> bool:
    """Tell whether an outermost fit, or a cross-validation, is under way in this context."""
    return _INSIDE.get()


@contextlib.contextmanager
def inside() -> Iterator[None]:
    """Mark what is called here as part of something observed already."""
    token = _INSIDE.set(True)
    try:
        yield
    finally:
        _INSIDE.reset(token)


class Inside:
    """A function that runs `inside` wherever it is carried: another thread, another process.

    Parameters
    ----------
    function : callable
        What joblib was given.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        with inside():
            return self.function(*args, **kwargs)


def marking(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``Parallel.__call__`` that carries `inside` to its tasks.

    Parameters
    ----------
    call : function
        ``sklearn.utils.parallel.Parallel.__call__``.
    """

    def __call__(self: Any, iterable: Iterable[Any]) -> Any:  # noqa: N807 - it takes the place of this method
        if is_inside() and _stays_here(self):
            iterable = (_marked(task) for task in iterable)
        return call(self, iterable)

    __call__.__doc__ = call.__doc__
    __call__.__qualname__ = call.__qualname__
    __call__.__module__ = call.__module__
    return __call__


def _marked(task: tuple[Any, ...]) -> tuple[Any, ...]:
    delayed = task[0]  # one object per task, made by sklearn.utils.parallel.delayed
    if hasattr(delayed, "function"):
        delayed.function = Inside(delayed.function)
    return task


def _stays_here(parallel: Any) -> bool:
    """Tell whether workers share this environment: on a dask or ray host our marker might not be importable."""
    return type(getattr(parallel, "_backend", None)).__module__ == "joblib._parallel_backends"
