"""The one plugin manager: who is there, and how they are asked.

Plugins are found by the entry points of the group ``azml_integrations``, and beside the script (`local_plugins`), at
the first question and not at import; which of them are used, `admission` says. Each is loaded and called on its own:
one that stumbles becomes one `PluginWarning` with its name, and all others, and training, go on. What each of them was
seen doing is kept: `Plugins.facts`.
"""

import copy
import functools
import inspect
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from math import inf
from types import ModuleType
from typing import Any, Literal, TypeVar

import msgspec
import pluggy

from . import hookspecs
from ._version import __version__
from .admission import CORE, Admission, outdated, rank, unfit
from .conduct import PATIENCE, SOURCE, Life, Register
from .entries import Entry, entries
from .errors import PluginWarning, warn_outside
from .local_plugins import local_entry

T = TypeVar("T")

__all__ = ["CORE", "PATIENCE", "SOURCE", "Life", "PluginFact", "Plugins", "plugins", "reach"]

_INSIDE: ContextVar[frozenset[tuple[str, str]]] = ContextVar("azml_inside_hooks", default=frozenset())
"""Which hooks of which plugins run in this context: what they do is not told to themselves again."""

_ELSEWHERE: ContextVar[list[float] | None] = ContextVar("azml_elsewhere_in_hook", default=None)
"""How long the hooks took that were asked from inside the hook of this context [s]; None outside of hooks."""


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
    hooks : tuple of str
        Names of the hooks that it implements.
    """

    name: str
    origin: str
    distribution: str = ""
    state: Literal["loaded", "left out", "failed"] = "loaded"
    reason: str = ""
    hooks: tuple[str, ...] = ()


class Plugins:
    """Find plugins, keep them, ask them one by one.

    Parameters
    ----------
    specs : module
        The specifications of the hooks.

    See Also
    --------
    plugins : The one of this process.
    """

    def __init__(self, specs: ModuleType = hookspecs) -> None:
        self._pluggy = pluggy.PluginManager(hookspecs.PROJECT)
        self._pluggy.add_hookspecs(specs)
        self._specs = specs
        self._lock = threading.RLock()
        self._facts: dict[str, PluginFact] = {}
        self._conduct = Register()
        self._unsaid: list[Callable[[], None]] = []
        self._old_names = self._renamed()
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
        answers = (answer for _, answer in self._answers(hook, arguments, None))
        if self._caller(hook).spec.opts["firstresult"]:  # type: ignore[union-attr]  # every hook of ours has one
            return next(answers, None)
        return list(answers)

    def tell(self, hook: str, life: Life, /, **arguments: object) -> None:
        """Let every plugin see something in the life of a run; what goes wrong is noted in the run.

        Who fails or dawdles `PATIENCE` times in one run is not asked again in it.

        Parameters
        ----------
        hook : str
            Name of a hook of `hookspecs`.
        life : Life
            The run.
        **arguments
            What the hook documents.

        Warns
        -----
        PluginWarning
            As `call` does, and when a plugin is left out for the rest of a run.
        """
        for _ in self._answers(hook, arguments, life):
            pass

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
        return list(self._answers(hook, arguments, None))

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
        reason = f"{what}: {_spelled(error) if isinstance(error, BaseException) else error}"
        unsaid = self._conduct.judge(name, what, reason)
        if warn:
            self._warn(unsaid)

    def end(self, family: str) -> None:
        """Forget how plugins behaved in a run, with which they were left out."""
        self._conduct.end(family)

    def listen(self, hook: str) -> bool:
        """Tell whether any plugin implements a hook."""
        return bool(self._implementing(hook))

    def facts(self) -> list[PluginFact]:
        """Return what became of every plugin, by name."""
        self._discover()
        return sorted(map(self._as_seen, self._facts.values()), key=lambda fact: (fact.name != CORE, fact.name))

    def _as_seen(self, fact: PluginFact) -> PluginFact:
        return replace(fact, reason="; ".join(filter(None, [fact.reason, *self._conduct.told(fact.name)])))

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
            If a hook takes an argument that the specification does not have, or is a wrapper; or if the plugin
            requires another version of azml_integrations.
        ValueError
            If the name or the object is registered already.

        Warns
        -----
        DeprecationWarning
            If it uses something that is on its way out of the contract.
        """
        self._discover()
        self._add(plugin, name or str(getattr(plugin, "__name__", type(plugin).__name__)))
        self._say()

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
        self._conduct.forget(known)

    # -- finding and loading -------------------------------------------------------------------------

    def _discover(self) -> None:
        """Load the entry points, once; a plugin that asks while it is loaded sees those before it."""
        if self._complete:
            return
        with self._lock:
            if self._begun:
                return
            self._begun = True
            admission = Admission.of_environment()
            for entry in sorted(entries(hookspecs.PROJECT), key=rank):
                self._load(entry, admission.refusal(entry.name))
            if (local := local_entry()) is not None:  # the last: an installed plugin of its name stays
                self._load(local, admission.refusal(local.name))
            self._complete = True
        self._say()  # the last, since a filter may make an error of a warning

    def _load(self, entry: Entry, why_not: str) -> None:
        if why_not:
            self._facts.setdefault(entry.name, PluginFact(entry.name, entry.value, entry.origin, "left out", why_not))
            return
        if self._pluggy.has_plugin(entry.name):
            self._pass_over(entry)
            return
        try:
            self._add(entry.load(), entry.name, entry.value, entry.origin)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a stranger's module may raise anything, also a panic of Rust's
            reason = outdated(entry.module) or _spelled(error)
            self._facts.setdefault(entry.name, PluginFact(entry.name, entry.value, entry.origin, "failed", reason))
            advice = f"AZML_DISABLE_PLUGINS={entry.name} leaves it out"
            who = f"plugin {entry.name!r} ({entry.origin or entry.value})"
            self._unsaid.append(partial(warn_outside, f"{who} cannot be used: {reason}; {advice}", PluginWarning))

    def _pass_over(self, entry: Entry) -> None:
        """Say of a plugin whose name is taken that it is not used; the one that is there keeps its place."""
        first, second = self._facts[entry.name], entry.origin or entry.value
        reason = f"the name is taken: {second} offers a plugin {entry.name!r}, too, and is not used"
        self._facts[entry.name] = replace(first, reason="; ".join(filter(None, [first.reason, reason])))
        message = (
            f"plugin {entry.name!r} ({second}) cannot be used: "
            f"{first.distribution or first.origin} has that name; uninstall one of them"
        )
        self._unsaid.append(partial(warn_outside, message, PluginWarning))

    def _add(self, plugin: object, name: str, origin: str = "", came_from: str = "") -> None:
        if why := unfit(getattr(plugin, "requires_azml", "")):
            raise pluggy.PluginValidationError(plugin, why)
        if self._pluggy.has_plugin(name):
            raise ValueError(f"a plugin of the name {name!r} is there already")
        try:
            self._pluggy.register(plugin, name)
            self._refuse_wrappers(plugin)
        except BaseException:
            if self._pluggy.get_plugin(name) is plugin:  # as far as it got, it would still be asked
                self._pluggy.unregister(plugin)
            raise
        strange = [hook for hook in self._hooks(plugin) if not hasattr(self._specs, hook)]
        reason = f"{', '.join(strange)}: no hook of azml_integrations {__version__}" if strange else ""
        hooks = tuple(sorted(self._hooks(plugin)))
        self._facts[name] = PluginFact(name, origin or type(plugin).__name__, came_from, reason=reason, hooks=hooks)
        self._warn_of_deprecated(plugin, name)

    def _refuse_wrappers(self, plugin: object) -> None:
        wrappers = [hook for hook, impl in self._implementations(plugin) if impl.wrapper or impl.hookwrapper]
        if wrappers:
            raise pluggy.PluginValidationError(
                plugin, f"{', '.join(wrappers)}: wrappers cannot be isolated; use a plain hookimpl"
            )

    def _hooks(self, plugin: object) -> list[str]:
        return [caller.name for caller in self._pluggy.get_hookcallers(plugin) or []]

    def _implementations(self, plugin: object) -> Iterator[tuple[str, pluggy.HookImpl]]:
        """Yield what a plugin implements, each with the name of its hook."""
        for caller in self._pluggy.get_hookcallers(plugin) or []:
            yield from ((caller.name, impl) for impl in caller.get_hookimpls() if impl.plugin is plugin)

    def _warn_of_deprecated(self, plugin: object, name: str) -> None:
        """Tell a plugin's author, at the function, what it uses that is on its way out."""
        for hook, impl in self._implementations(plugin):
            found = self._deprecation(hook)
            if found is None:
                continue
            uses = [f"{hook}, now {found.hook}"] if found.hook else []
            uses += [f"{hook}({old}), now {new}" for old, new in found.arguments.items() if old in impl.argnames]
            if uses:
                when = f"deprecated since azml_integrations {found.since}, gone in {found.gone}"
                code = inspect.unwrap(impl.function).__code__
                place = (code.co_filename, code.co_firstlineno)
                message = f"plugin {name!r} uses {'; '.join(uses)}: {when}"
                self._unsaid.append(partial(warnings.warn_explicit, message, DeprecationWarning, *place))

    def _renamed(self) -> Mapping[str, list[str]]:
        """Return the names that hooks had before, by the names they have."""
        found: dict[str, list[str]] = {}
        for name in vars(self._specs):
            deprecation = self._deprecation(name)
            if deprecation is not None and deprecation.hook:
                found.setdefault(deprecation.hook, []).append(name)
        return found

    def _deprecation(self, hook: str) -> hookspecs.Deprecation | None:
        found = getattr(getattr(self._specs, hook, None), "azml_deprecation", None)
        return found if isinstance(found, hookspecs.Deprecation) else None

    def _warn(self, messages: list[str]) -> None:
        self._unsaid += [partial(warn_outside, message, PluginWarning) for message in messages]
        self._say()

    def _say(self) -> None:
        """Warn of what was found, once everything is in place."""
        unsaid, self._unsaid = self._unsaid, []
        for warn in unsaid:
            warn()

    # -- asking --------------------------------------------------------------------------------------

    def _caller(self, hook: str) -> pluggy.HookCaller:
        caller: pluggy.HookCaller = getattr(self._pluggy.hook, hook)
        return caller

    def _implementing(self, hook: str) -> list[tuple[str, pluggy.HookImpl]]:
        """Return who implements a hook, under its name or an old one, in the order in which they are asked."""
        self._discover()
        found = [(hook, impl) for impl in reversed(self._caller(hook).get_hookimpls())]
        for old in self._old_names.get(hook, ()):
            found += [(old, impl) for impl in reversed(self._caller(old).get_hookimpls())]
        return found

    def _answers(self, hook: str, arguments: dict[str, object], life: Life | None) -> Iterator[tuple[str, Any]]:
        """Ask one after another, and yield each answer with whose it is."""
        for name, impl in self._implementing(hook):
            off = impl.plugin_name != CORE and self._conduct.is_off(impl.plugin_name, life)
            if off or (impl.plugin_name, hook) in _INSIDE.get():
                continue
            answer = self._ask(hook, name, impl, self._given(name, arguments), life)
            if answer is not None:
                yield impl.plugin_name, answer

    def _ask(self, hook: str, name: str, impl: pluggy.HookImpl, given: dict[str, object], life: Life | None) -> object:
        """Ask one plugin, on a leash: whatever it raises stays here, and the time it takes is known."""
        token = _INSIDE.set(_INSIDE.get() | {(impl.plugin_name, hook)})
        outer = _ELSEWHERE.get()
        elsewhere = [0.0]
        token_of_time = _ELSEWHERE.set(elsewhere)
        fault: BaseException | None = None
        answer = None
        began = time.perf_counter()
        try:
            answer = impl.function(*(_own(given[wanted]) for wanted in impl.argnames))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - isolation is what this is for
            fault = error
        finally:
            took = time.perf_counter() - began
            _INSIDE.reset(token)
            _ELSEWHERE.reset(token_of_time)
            if outer is not None:
                outer[0] += took
        took -= elsewhere[0]  # whoever was slow in there has been named
        slow = took if took > self._budget(impl.plugin_name, hook) else 0.0
        if fault is not None or slow:
            reason = f"{name} raised {_spelled(fault)}" if fault is not None else ""
            self._warn(self._conduct.judge(impl.plugin_name, name, reason, slow, life))
        return answer

    def _budget(self, plugin: str, hook: str) -> float:
        own = getattr(getattr(self._specs, hook, None), "azml_budget", hookspecs.BUDGET)
        return inf if plugin == CORE else float(own)

    def _given(self, hook: str, arguments: dict[str, object]) -> dict[str, object]:
        """Return the arguments under their old names too, where the hook had others."""
        found = self._deprecation(hook)
        if found is None or not found.arguments:
            return arguments
        return arguments | {old: arguments[new] for old, new in found.arguments.items() if new in arguments}


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


def _own(argument: object) -> object:
    """Return what one plugin may change without the next one seeing it; a live handle stays what it is."""
    return copy.deepcopy(argument) if isinstance(argument, msgspec.Struct | dict | list | set) else argument


def _spelled(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
