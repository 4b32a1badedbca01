"""Whether a plugin's entry module keeps the laws of `hookspecs`."""

import inspect
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from types import ModuleType


def check_plugin(module: ModuleType | str) -> None:
    """Prove that a plugin's entry module keeps the laws of `hookspecs`.

    Parameters
    ----------
    module : module or str
        The module that the entry point names.

    Raises
    ------
    AssertionError
        With one line for each fault: a hook that does not exist, an argument that it does not have, a wrapper, a
        hook without a docstring, an adapter that cannot be found, a framework that is imported at the top, a
        ``requires_azml`` that keeps this version of azml_integrations out.
    """
    from importlib import import_module

    plugin = import_module(module) if isinstance(module, str) else module
    faults = [*_hook_faults(plugin), *_adapter_faults(plugin)]
    if faults:
        raise AssertionError(f"plugin {plugin.__name__}:\n" + "\n".join(f"  {fault}" for fault in faults))


def package_of(import_name: str) -> str:
    """Return the package that a framework is: ``lightning`` of ``lightning.pytorch``, but of our toy the toy alone."""
    return import_name if import_name.startswith("azml_integrations.") else import_name.partition(".")[0]


def _hook_faults(plugin: ModuleType) -> Iterator[str]:
    import pluggy

    from .. import hookspecs

    marked = {name: value for name, value in vars(plugin).items() if hasattr(value, f"{hookspecs.PROJECT}_impl")}
    if not marked:
        yield "no hook: mark functions with hookspecs.hookimpl"
    for name, function in marked.items():
        wanted = getattr(hookspecs, name, None)
        if wanted is None:
            there = ", ".join(hook for hook in vars(hookspecs) if hook.startswith("azml_"))
            yield f"{name} is no hook; there are {there}"
        elif not inspect.getdoc(function):
            yield f"{name} has no docstring; it tells users what the plugin does there"
    yield from _version_faults(getattr(plugin, "requires_azml", ""))
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(plugin)
    except pluggy.PluginValidationError as error:
        yield str(error).strip().replace("\n", "; ")
        return
    for caller in manager.get_hookcallers(plugin) or []:
        for impl in caller.get_hookimpls():
            if impl.wrapper or impl.hookwrapper:
                yield f"{caller.name} is a wrapper, which cannot be isolated; use a plain hookimpl"


def _version_faults(wanted: object) -> Iterator[str]:
    from .. import __version__, versions

    try:
        if wanted and not versions.allows(str(wanted), __version__):
            yield f"requires_azml is {wanted!r}, and this is azml_integrations {__version__}"
    except ValueError as error:
        yield f"requires_azml: {error}"


def _adapter_faults(plugin: ModuleType) -> Iterator[str]:
    from ..records import Adapter

    adapters = plugin.azml_adapters() if hasattr(plugin, "azml_adapters") else []
    for adapter in adapters:
        if not isinstance(adapter, Adapter):
            yield f"azml_adapters returns {adapter!r}, not an Adapter"
            continue
        place, _, function = adapter.activate.partition(":")
        if not function or find_spec(place) is None:
            yield f"{adapter.framework}: activate={adapter.activate!r} is not 'package.module:function'"
        framework = package_of(adapter.import_name)
        if framework in _imported_by(plugin.__name__):
            yield f"{adapter.framework}: importing {plugin.__name__} imports {framework}; import it inside {function}"


def _imported_by(name: str) -> set[str]:
    """Return the modules that a fresh process has after importing one."""
    program = f"import sys; sys.path[:] = {sys.path!r}; import {name}; print('\\n'.join(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603 - ourselves
    return set(answer.stdout.split())
