"""Who stands around the call under way, for adapters of frameworks that other frameworks train."""

import sys
from collections.abc import Collection, Iterator
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


def calling(kind: type[T], method: str) -> T | None:
    """Return the object whose method stands nearest around the call under way, or None.

    A framework's native function does not say for which estimator it trains; the estimator that has called it does.

    Parameters
    ----------
    kind : type
        Class of the object, or one that it derives from.
    method : str
        Name of the method, ``"fit"``; its first argument is called ``self``.

    Examples
    --------
    >>> from azml_integrations.autologging import calling
    >>> class Model:
    ...     def fit(self):
    ...         return train()
    >>> def train():
    ...     return calling(Model, "fit")
    >>> model = Model()
    >>> model.fit() is model
    True
    >>> train() is None
    True
    """
    for frame in _around():
        if frame.f_code.co_name == method and isinstance(found := frame.f_locals.get("self"), kind):
            return found
    return None


def is_called_from(package: str, but: Collection[str] = ()) -> bool:
    """Tell whether code of a package stands around the call under way.

    Parameters
    ----------
    package : str
        ``"sklearn"``: its modules, however deep.
    but : collection of str, default=()
        Modules of it that do not count: those that train once, on all that there is.
    """
    names = {str(frame.f_globals.get("__name__", "")) for frame in _around()}
    return any(f"{name}.".startswith(f"{package}.") and name not in but for name in names)


def _around() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - what called us, and what called that, is the question
    while frame is not None:
        yield frame
        frame = frame.f_back
