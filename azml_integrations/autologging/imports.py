"""Act when a module has been imported, or at once when it already is; import nothing.

A finder stands first on ``sys.meta_path`` while something waits. It finds nothing itself: it lets the others find,
and gives the loader they answer with a second ``exec_module`` that puts everything back before it runs the first,
so that ``__spec__`` and ``__loader__`` are what they would have been.
"""

import sys
import threading
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TypeAlias

from ..errors import AutologWarning, warn_outside

Act: TypeAlias = Callable[[ModuleType], object]


def when_imported(name: str, act: Act) -> Callable[[], None]:
    """Call ``act(module)`` once the module is there.

    Parameters
    ----------
    name : str
        Full name of a module; it is not imported.
    act : callable
        Takes the module. Its error becomes an `AutologWarning`, never an import error.

    Returns
    -------
    callable
        Takes the wish back, if the module has not come yet.
    """
    module = _ready(name)
    if module is not None:
        _fire(act, module)
        return lambda: None
    finder = next((finder for finder in sys.meta_path if isinstance(finder, _Waiting)), None) or _Waiting()
    return finder.wait(name, act)


class _Waiting(MetaPathFinder):
    """What waits for which import; on ``sys.meta_path`` only while something does."""

    def __init__(self) -> None:
        self._wishes: list[tuple[str, Act]] = []
        self._lock = threading.RLock()
        self._searching = threading.local()

    def wait(self, name: str, act: Act) -> Callable[[], None]:
        with self._lock:
            self._wishes.append((name, act))
            if self not in sys.meta_path:
                sys.meta_path.insert(0, self)
        return lambda: self._forget(name, act)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        self._sweep()
        names: set[str] = self._searching.__dict__.setdefault("names", set())  # a thread's own
        if fullname in names or not any(fullname == name for name, _ in self._wishes):
            return None
        names.add(fullname)
        try:
            spec = self._ask_others(fullname, path, target)
        finally:
            names.discard(fullname)
        if spec is not None and spec.loader is not None:
            self._listen(spec)
        return spec

    def _ask_others(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        for finder in list(sys.meta_path):
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(fullname, path, target) if find is not None else None
            if spec is not None:
                return spec
        return None

    def _listen(self, spec: ModuleSpec) -> None:
        loader = spec.loader
        try:
            own = vars(loader)
        except TypeError:  # a loader that can hold nothing: _sweep finds its module at the next import
            return

        def exec_module(module: ModuleType) -> None:
            if module.__name__ != spec.name:  # a loader that serves several modules, as zipimport's
                type(loader).exec_module(loader, module)  # type: ignore[union-attr, arg-type]
                return
            own.pop("exec_module", None)
            loader.exec_module(module)  # type: ignore[union-attr]
            self._came(module)

        if "exec_module" not in own:
            own["exec_module"] = exec_module

    def _came(self, module: ModuleType) -> None:
        with self._lock:
            acts = [act for name, act in self._wishes if name == module.__name__]
            self._wishes = [wish for wish in self._wishes if wish[0] != module.__name__]
            self._leave_if_idle()
        for act in acts:
            _fire(act, module)

    def _sweep(self) -> None:
        """See to modules that were half imported when the wish was made."""
        for name in {name for name, _ in self._wishes}:
            module = _ready(name)
            if module is not None:
                self._came(module)

    def _forget(self, name: str, act: Act) -> None:
        with self._lock:
            self._wishes = [wish for wish in self._wishes if wish != (name, act)]
            self._leave_if_idle()

    def _leave_if_idle(self) -> None:
        if not self._wishes and self in sys.meta_path:
            sys.meta_path.remove(self)


def _ready(name: str) -> ModuleType | None:
    """Return a module that is imported to its end."""
    module = sys.modules.get(name)
    initializing = getattr(getattr(module, "__spec__", None), "_initializing", False)
    return None if module is None or initializing else module


def _fire(act: Act, module: ModuleType) -> None:
    try:
        act(module)
    except Exception as error:  # noqa: BLE001 - an adapter's trouble is no import error
        message = f"autolog cannot act on {module.__name__}: {type(error).__name__}: {error}; it works without"
        warn_outside(message, AutologWarning, module.__name__.partition(".")[0])
