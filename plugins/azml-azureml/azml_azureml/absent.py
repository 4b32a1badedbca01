"""Names that need the cloud: they can be imported, and raise one clear error when they are used.

Modules of which nothing works here have no files; they are made when somebody imports them, out of the table in
``azml_integrations.checking``.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NoReturn

from . import neighbours


class Absent(type):
    """The class of stand-ins: whatever is called or made of them raises.

    A stand-in is a class, so that ``isinstance``, annotations and base classes go on; its attributes are stand-ins too.
    """

    _full: str
    _why: str

    def __call__(cls, *args: object, **kwargs: object) -> NoReturn:
        """Refuse.

        Raises
        ------
        NeedsCloudError
            Always.
        """
        from azml_integrations.errors import NeedsCloudError

        raise NeedsCloudError(cls._full, cls._why)

    def __getattr__(cls, name: str) -> "Absent":
        """Return a stand-in for an attribute."""
        if name.startswith("_"):
            raise AttributeError(f"{cls._full} has no attribute {name!r}")
        return stand_in(f"{cls._full}.{name}", cls._why)

    def __repr__(cls) -> str:
        """Return the name, and why it is none."""
        return f"<{cls._full}, which needs the cloud>"


def stand_in(full_name: str, why: str) -> Absent:
    """Return a stand-in for a class or function.

    Parameters
    ----------
    full_name : str
        Its name in the SDK.
    why : str
        What to do instead.
    """
    module, _, name = full_name.rpartition(".")
    return Absent(
        name, (), {"_full": full_name, "_why": why, "__module__": module, "__doc__": f"Needs the cloud; {why}."}
    )


def of_module(module: str, name: str) -> Absent:
    """Return the stand-in for a name of a module that works here but for such names.

    Raises
    ------
    AttributeError
        If the name is none of the cloud.
    """
    from azml_integrations import checking

    fact = checking.fact(f"{module}.{name}")
    if fact is None or fact.verdict is not checking.Verdict.CLOUD:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    return stand_in(f"{module}.{name}", fact.why)


class Finder:
    """Finds the modules that need the cloud; asked when no file has been found."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to make a module, if it is one of the cloud."""
        if not fullname.startswith("azureml.") or _why(fullname) is None:
            return None
        neighbours.refuse()
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Fill a module: its names are stand-ins."""
        why = _why(module.__name__) or ""
        module.__doc__ = f"Needs the cloud; {why}."

        def __getattr__(name: str) -> Any:  # noqa: N807 - PEP 562
            if name.startswith("_"):
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            return stand_in(f"{module.__name__}.{name}", why)

        module.__dict__["__getattr__"] = __getattr__


def _why(module: str) -> str | None:
    """Return what to do instead of a module, or None if it is none of the cloud."""
    from azml_integrations import checking  # here: nine scripts of ten never ask

    room = checking.room_of(module)
    return None if room is None else room.why


def install() -> None:
    """Let Python ask the finder, last of all."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.append(Finder())  # type: ignore[arg-type]  # mypy wants importlib's base class
