"""The one plugin manager: who is there, and how they are asked.

Plugins are found by the entry points of the group ``azml_integrations``, at the first question and not at
import. Each is loaded and called on its own: one that stumbles becomes one `PluginWarning` with its name, and
all others, and training, go on.

``AZML_PLUGINS``
    Names of the plugins to use, separated by commas. Unset means all, empty means none. The core's own
    plugin, ``core``, is always there.
``AZML_DISABLE_PLUGINS``
    Names of plugins to leave out, separated by commas.
"""

import functools
import os
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, TypeVar

import pluggy

from . import hookspecs
from .errors import PluginWarning

T = TypeVar("T")

CORE = "core"
"""Entry-point name of the core's own plugin."""


@dataclass(frozen=True)
class PluginFact:
    """What became of one plugin.

    Attributes
    ----------
    name : str
        Name of its entry point, or the one it was registered under.
    origin : str
        The module it comes from.
    distribution : str
        Distribution and version that brought it; empty when it was registered by hand.
    state : {"loaded", "left out", "failed"}
        Whether it is in use.
    reason : str
        Why it is not in use, or what it stumbled over.
    """

    name: str
    origin: str
    distribution: str = ""
    state: Literal["loaded", "left out", "failed"] = "loaded"
    reason: str = ""


class Plugins:
    """Find plugins, keep them, ask them one by one.

    See Also
    --------
    plugins : The one of this process.
    """

    def __init__(self) -> None:
        self._pluggy = pluggy.PluginManager(hookspecs.PROJECT)
        self._pluggy.add_hookspecs(hookspecs)
        self._lock = threading.RLock()
        self._facts: dict[str, PluginFact] = {}
        self._stumbled: set[tuple[str, str]] = set()
        self._begun = self._complete = False

    def call(self, hook: str, /, **arguments: object) -> Any:
        """Ask every plugin; the order is pluggy's, an implementation gets the arguments it names.

        Parameters
        ----------
        hook : str
            Name of a hook of `hookspecs`.
        **arguments
            What the hook documents.

        Returns
        -------
        list or object
            All answers that are not None; of a hook that is ``firstresult``, the first of them, or None.

        Warns
        -----
        PluginWarning
            Once for each plugin and hook, when an implementation raises.
        """
        self._discover()
        caller = getattr(self._pluggy.hook, hook)
        answers = (answer for _, answer in self._answers(caller, arguments))
        if caller.spec is not None and caller.spec.opts["firstresult"]:
            return next(answers, None)
        return list(answers)

    def offers(self, hook: str, /, **arguments: object) -> list[tuple[str, Any]]:
        """Ask every plugin, and tell whose answer each is.

        Parameters
        ----------
        hook : str
            Name of a hook of `hookspecs`.
        **arguments
            What the hook documents.

        Returns
        -------
        list of (str, object)
            Name of the plugin, and its answer; where it is None, nothing.

        Warns
        -----
        PluginWarning
            As `call` does.
        """
        self._discover()
        return list(self._answers(getattr(self._pluggy.hook, hook), arguments))

    def offered(self, hook: str, kind: type[T]) -> list[tuple[str, T]]:
        """Ask every plugin for nouns of ours, and leave out what is none.

        Parameters
        ----------
        hook : str
            Name of a hook that returns a list of them.
        kind : type
            Of `azml_integrations.offers`.

        Returns
        -------
        list of (str, kind)
            Name of the plugin, and what it offers.

        Warns
        -----
        PluginWarning
            As `call` does, and once for a plugin that offers something else.
        """
        found: list[tuple[str, T]] = []
        for who, answer in self.offers(hook):
            several = answer if isinstance(answer, (list, tuple)) else [answer]
            found += [(who, one) for one in several if isinstance(one, kind)]
            if odd := [one for one in several if not isinstance(one, kind)]:
                self.blame(who, hook, f"{odd[0]!r} is no {kind.__module__}.{kind.__qualname__}")
        return found

    def blame(self, name: str, what: str, error: object, *, warn: bool = True) -> None:
        """Keep, and say once, that something which a plugin has offered is broken.

        Parameters
        ----------
        name : str
            Name of the plugin.
        what : str
            Which of its things: ``command 'upload'``.
        error : object
            What came of it: an exception, or a sentence.
        warn : bool, default=True
            Whether to say so; an error that the user sees has said it.

        Warns
        -----
        PluginWarning
            Once for each plugin and thing.
        """
        self._discover()
        said = f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else str(error)
        self._told(name, what, f"{what}: {said}", depth=4 if warn else None)

    def listen(self, hook: str) -> bool:
        """Tell whether any plugin implements a hook."""
        self._discover()
        return bool(getattr(self._pluggy.hook, hook).get_hookimpls())

    def facts(self) -> list[PluginFact]:
        """Return what became of every plugin, by name."""
        self._discover()
        return sorted(self._facts.values(), key=lambda fact: (fact.name != CORE, fact.name))

    def register(self, plugin: object, name: str | None = None) -> None:
        """Use an object or module as a plugin, without an entry point: for tests and notebooks.

        Parameters
        ----------
        plugin : object
            Its functions marked with `hookspecs.hookimpl` are used.
        name : str, default=None
            None takes the object's own name.

        Raises
        ------
        pluggy.PluginValidationError
            If a hook takes an argument that the specification does not have, or is a wrapper.
        ValueError
            If the name or the object is registered already.
        """
        self._discover()
        self._add(plugin, name or str(getattr(plugin, "__name__", type(plugin).__name__)))

    def unregister(self, plugin: object) -> None:
        """Stop using a plugin.

        Parameters
        ----------
        plugin : object
            The object itself, or its name.

        Raises
        ------
        ValueError
            If it is not there.
        """
        known = plugin if isinstance(plugin, str) else self._pluggy.get_name(plugin)
        if known is None or not self._pluggy.has_plugin(known):
            raise ValueError(f"no plugin {plugin!r} is registered; there are: {', '.join(self._facts) or 'none'}")
        self._pluggy.unregister(name=known)
        del self._facts[known]

    def _discover(self) -> None:
        """Load the entry points, once; a plugin that asks while it is loaded sees those before it."""
        if self._complete:
            return
        with self._lock:
            if self._begun:
                return
            self._begun = True
            allowed, left_out = _names("AZML_PLUGINS"), _names("AZML_DISABLE_PLUGINS") or frozenset()
            for entry in sorted(_entries(), key=_rank):
                self._load(entry, _why_not(entry.name, allowed, left_out))
            self._complete = True

    def _load(self, entry: EntryPoint, why_not: str) -> None:
        came_from = f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else ""
        if why_not:
            self._facts.setdefault(entry.name, PluginFact(entry.name, entry.value, came_from, "left out", why_not))
            return
        try:
            self._add(entry.load(), entry.name, entry.value, came_from)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's module may raise anything
            reason = f"{type(error).__name__}: {error}"
            self._facts.setdefault(entry.name, PluginFact(entry.name, entry.value, came_from, "failed", reason))
            warnings.warn(
                f"plugin {entry.name!r} ({came_from or entry.value}) cannot be used: {reason}; "
                f"AZML_DISABLE_PLUGINS={entry.name} leaves it out",
                PluginWarning,
                stacklevel=2,
            )

    def _add(self, plugin: object, name: str, origin: str = "", came_from: str = "") -> None:
        self._pluggy.register(plugin, name)
        wrappers = [impl for impl in self._implementations(plugin) if impl.wrapper or impl.hookwrapper]
        if wrappers:
            self._pluggy.unregister(plugin)
            names = ", ".join(impl.function.__name__ for impl in wrappers)
            raise pluggy.PluginValidationError(plugin, f"{names}: wrappers cannot be isolated; use a plain hookimpl")
        self._facts[name] = PluginFact(name, origin or type(plugin).__name__, came_from)

    def _implementations(self, plugin: object) -> Iterator[pluggy.HookImpl]:
        for caller in self._pluggy.get_hookcallers(plugin) or []:
            yield from (impl for impl in caller.get_hookimpls() if impl.plugin is plugin)

    def _answers(self, caller: pluggy.HookCaller, arguments: dict[str, object]) -> Iterator[tuple[str, Any]]:
        for impl in reversed(caller.get_hookimpls()):
            try:
                answer = impl.function(*(arguments[name] for name in impl.argnames))
            except (Exception, SystemExit) as error:  # noqa: BLE001 - isolation is what this loop is for
                self._stumble(impl.plugin_name, caller.name, error)
                continue
            if answer is not None:
                yield impl.plugin_name, answer

    def _stumble(self, name: str, hook: str, error: BaseException) -> None:
        self._told(name, hook, f"{hook} raised {type(error).__name__}: {error}", depth=5)

    def _told(self, name: str, what: str, reason: str, depth: int | None) -> None:
        if (name, what) in self._stumbled:
            return
        self._stumbled.add((name, what))
        if (fact := self._facts.get(name)) is not None:
            known = f"{fact.reason}; {reason}" if fact.reason else reason
            self._facts[name] = PluginFact(fact.name, fact.origin, fact.distribution, fact.state, known)
        if depth is not None:
            warnings.warn(f"plugin {name!r}: {reason}; all else goes on", PluginWarning, stacklevel=depth)


def reach(address: object) -> Any:
    """Import what an address of a plugin names.

    Parameters
    ----------
    address : str
        ``package.module:name``; the name may have dots.

    Returns
    -------
    object
        What stands there.

    Raises
    ------
    Exception
        Whatever importing a stranger's module raises; `ValueError` if it is no such address.
    """
    if not isinstance(address, str) or not all(parts := address.partition(":")):
        raise ValueError(f"{address!r} is no address; expected 'package.module:name'")
    found: Any = import_module(parts[0])
    for part in parts[2].split("."):
        found = getattr(found, part)
    return found


@functools.cache
def plugins() -> Plugins:
    """Return the plugins of this process; ``plugins.cache_clear()`` begins anew, as a test wants it."""
    return Plugins()


def _entries() -> list[EntryPoint]:
    """Return each entry point once: an editable install may stand twice on the path."""
    return list({(entry.name, entry.value): entry for entry in entry_points(group=hookspecs.PROJECT)}.values())


def _rank(entry: EntryPoint) -> tuple[bool, bool]:
    """Return what sorts our own core first: no stranger takes its name."""
    return entry.name != CORE, entry.dist is None or entry.dist.name != "azml-integrations"


def _names(variable: str) -> frozenset[str] | None:
    text = os.environ.get(variable)
    return None if text is None else frozenset(name.strip() for name in text.split(",") if name.strip())


def _why_not(name: str, allowed: frozenset[str] | None, left_out: frozenset[str]) -> str:
    if name == CORE:
        return ""
    if name in left_out:
        return "named in AZML_DISABLE_PLUGINS"
    if allowed is not None and name not in allowed:
        return "not named in AZML_PLUGINS"
    return ""
