"""Which class stands for a run of which type: `Run`, unless somebody offers another."""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from .. import errors
from ..records import RunRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from .experiment import Experiment
    from .run import Run

Factory: TypeAlias = "Callable[[Experiment, RunRecord], Run]"

_factories: dict[str, Factory] = {}


def add(run_type: str, factory: Factory) -> None:
    """Let a function make the handles on runs of a type; the last one added wins."""
    _factories[run_type] = factory


def handle(experiment: "Experiment", record: RunRecord) -> "Run":
    """Return a handle on a run, of the class that stands for its type; nothing is imported for a run without one."""
    from .run import Run

    if record.type is None:
        return Run._handle(experiment, record.run_id)  # noqa: SLF001 - a constructor
    if (factory := _factories.get(record.type)) is not None:
        return factory(experiment, record)
    return _class_of(record.type)._handle(experiment, record.run_id)  # noqa: SLF001 - a constructor


def _class_of(run_type: str) -> "type[Run]":
    """Return the class that a plugin names for a type; `Run` where there is none, or where it cannot be had."""
    from ..plugins import plugins

    for offered in plugins().call("azml_run_types"):
        address = offered.get(run_type) if isinstance(offered, dict) else None
        if address is not None and (found := _loaded(run_type, str(address))) is not None:
            return found
    return _loaded_run()


def _loaded_run() -> "type[Run]":
    from .run import Run

    return Run


@cache
def _loaded(run_type: str, address: str) -> "type[Run] | None":
    """Return the class at ``package.module:Class``; None, with a warning the first time, if there is none."""
    from .run import Run

    try:
        module, _, name = address.partition(":")
        found = getattr(import_module(module), name)
        if not issubclass(found, Run):
            raise TypeError(f"it is no subclass of {Run.__module__}.Run")  # noqa: TRY301 - told as the others
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's module may raise anything
        errors.warn_outside(
            f"runs of type {run_type!r} are shown as plain runs: a plugin names {address!r}, and "
            f"{type(error).__name__}: {error}",
            errors.PluginWarning,
        )
        return None
    return found  # type: ignore[no-any-return]  # just asked
