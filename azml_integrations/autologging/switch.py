"""The switch: which adapters watch which frameworks.

`autolog` asks the plugins for adapters, which are strings only, and lets each act when its framework is imported, or
at once when it already is. It imports no framework.
"""

import functools
import threading
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, cast

from ..core.pausing import unpaused
from ..errors import AutologWarning, OptionError, warn_outside
from ..plugins import plugins
from ..records import Adapter, AutologOptions
from .adapter import stumble
from .imports import when_imported
from .patching import Patches, Target


def autolog(
    *frameworks: str | bool,
    disable: bool = False,
    silent: bool = False,
    log_models: bool = True,
    log_images: bool = True,
    on_error: str | None = None,
    **adapter_options: object,
) -> None:
    """Let frameworks record their training by themselves.

    Nothing is imported: an adapter acts when its framework is imported, or at once when it already is. Calling it
    again is harmless; other options replace the earlier ones.

    Parameters
    ----------
    *frameworks : str or bool
        Names of frameworks, ``"sklearn"``; none means all that an installed plugin knows. ``autolog(False)`` undoes
        everything.
    disable : bool, default=False
        Undo it, for the named frameworks or for all.
    silent : bool, default=False
        Print nothing at the end of a training.
    log_models : bool, default=True
        Store fitted models.
    log_images : bool, default=True
        Store pictures: ROC curves, confusion matrices.
    on_error : {"warn", "raise"}, default=None
        What becomes of errors of ours: one `AutologWarning` each, or, for whoever writes an adapter, the error
        itself. None means ``warn``.
    **adapter_options
        Options that a named adapter knows.

    Raises
    ------
    OptionError
        If a framework or an option is not known to any adapter.

    Warns
    -----
    AutologWarning
        If no adapter is installed, or one cannot act.

    Examples
    --------
    >>> import azml_integrations
    >>> azml_integrations.autolog("sklearn", log_models=False)  # doctest: +SKIP
    """
    names = [name for name in frameworks if not isinstance(name, bool)]
    if not all(isinstance(name, str) for name in names):
        raise OptionError(f"autolog takes names of frameworks, True or False; it got {frameworks!r}")
    if on_error not in {None, "warn", "raise"}:
        raise OptionError(f"on_error is 'warn' or 'raise', not {on_error!r}")
    if disable or False in frameworks:
        switch().off(names)
        return
    options = AutologOptions(
        log_models=log_models,
        log_images=log_images,
        silent=silent,
        on_error="raise" if on_error == "raise" else "warn",
    )
    switch().on(names, options, adapter_options)


@dataclass(frozen=True)
class Watch:
    """One adapter that is switched on.

    Attributes
    ----------
    adapter : Adapter
        Which.
    options : AutologOptions
        As it was asked for.
    undo : callable
        Takes the wish back if the framework has not come yet, else what the adapter has done.
    """

    adapter: Adapter
    options: AutologOptions
    undo: Callable[[], None]


class Switch:
    """Which adapters are on; see `switch` for the one of this process."""

    def __init__(self) -> None:
        self._watches: dict[str, Watch] = {}
        self._lock = threading.RLock()

    def watched(self) -> list[str]:
        """Return the frameworks whose adapters are on."""
        return list(self._watches)

    def on(self, names: list[str], options: AutologOptions, extra: Mapping[str, object]) -> None:
        """Switch on the named adapters, or all; see `autolog`."""
        known = adapters()
        _refuse_unknown(names, known)
        _refuse_options(names, known, extra)
        if not known:
            message = "no adapter is installed, so autolog() will record nothing; pip install azml-sklearn brings one"
            warn_outside(message, AutologWarning)
        with self._lock:
            for name in names or known:
                own = {key: value for key, value in extra.items() if key in known[name].options}
                self._watch(known[name], _with_extra(options, own))

    def off(self, names: list[str]) -> None:
        """Switch off the named adapters, or all, and undo what they did."""
        with self._lock:
            if names:
                _refuse_unknown(names, adapters())
            for name in reversed(names or list(self._watches)):
                watch = self._watches.pop(name, None)
                if watch is not None:
                    watch.undo()

    def _watch(self, adapter: Adapter, options: AutologOptions) -> None:
        before = self._watches.get(adapter.framework)
        if before is not None and (before.adapter, before.options) == (adapter, options):
            return
        if before is not None:
            before.undo()
        undo = Patches(adapter.framework, on_error=options.on_error)
        self._watches[adapter.framework] = Watch(adapter, options, undo.undo)

        def act(_: ModuleType) -> None:
            if undo.active:
                _activate(adapter, options, undo)

        undo.also(when_imported(adapter.import_name, act))


@functools.cache
def switch() -> Switch:
    """Return the switch of this process."""
    return Switch()


def adapters() -> dict[str, Adapter]:
    """Return what the plugins offer, by framework; of two for one framework, pluggy's order decides.

    Warns
    -----
    PluginWarning
        If a plugin answers with something else than adapters.
    """
    known: dict[str, Adapter] = {}
    for _, adapter in plugins().offered("azml_adapters", Adapter):
        known.setdefault(adapter.framework, adapter)
    return known


def _activate(adapter: Adapter, options: AutologOptions, patches: Patches) -> None:
    """Let an adapter act; whatever it has done so far is undone when it stumbles."""
    try:
        module, _, function = adapter.activate.partition(":")
        with unpaused():  # one adapter's work may be what first imports the framework of another
            begin(getattr(import_module(module), function), options, patches)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        patches.undo()
        tested = f" (tested with {adapter.distribution or adapter.import_name} {adapter.versions})"
        error.add_note("nothing of this framework is recorded")
        stumble(adapter.framework + (tested if adapter.versions else ""), error, on_error=options.on_error)


def begin(activate: Callable[[AutologOptions], object], options: AutologOptions, patches: Patches) -> None:
    """Call an adapter's function, observe what it yields, and keep what undoes it.

    Parameters
    ----------
    activate : callable
        What the adapter's ``activate`` names.
    options : AutologOptions
        What it is told.
    patches : Patches
        Undoes all of it.
    """
    answer = activate(options)
    if isinstance(answer, Generator):
        answer = _observe_all(answer, patches)
    if answer is not None:
        patches.also(cast("Callable[[], object]", answer))


def _observe_all(targets: Generator[Target, None, Any], patches: Patches) -> Any:
    """Observe what an adapter yields; return what it returns, its undo."""
    while True:
        try:
            target = next(targets)
        except StopIteration as stop:
            return stop.value
        patches.observe(target)


def _refuse_unknown(names: list[str], known: dict[str, Adapter]) -> None:
    for name in names:
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            raise OptionError(
                f"no adapter for {name!r} is installed; known frameworks: {there}; pip install azml-{name} may bring it"
            )


def _refuse_options(names: list[str], known: dict[str, Adapter], extra: Mapping[str, object]) -> None:
    understood = {option for name in names for option in known[name].options}
    for option in extra:
        if option not in understood:
            if names:
                named = ", ".join(names)
                hint = f"{named} knows {', '.join(sorted(understood)) or 'none of its own'}"
            else:
                hint = 'an adapter\'s own options need its name: autolog("sklearn", ...)'
            raise OptionError(f"autolog has no option {option!r}; {hint}")


def _with_extra(options: AutologOptions, extra: dict[str, object]) -> AutologOptions:
    return AutologOptions(
        log_models=options.log_models,
        log_images=options.log_images,
        silent=options.silent,
        on_error=options.on_error,
        extra=extra,
    )
