"""A plugin without a distribution: the file ``azml_plugins.py`` beside the script that runs.

It is looked for where Python looks for the script's own modules, and nowhere else: beside the main script, never in
the working directory, which may be anybody's. ``python -P`` and ``PYTHONSAFEPATH``, which forbid the one, forbid the
other. A notebook or a prompt has no script.

``AZML_LOCAL_PLUGINS``
    The file, or the folder that it lies in, instead: for notebooks, for the command line, for a file that several
    scripts share. Empty means none.
"""

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from .entries import Entry

NAME = "local"
"""What ``AZML_PLUGINS`` and ``azml plugin list`` call it."""

MODULE = "azml_plugins"
"""What it is imported as: an adapter's ``activate`` is ``"azml_plugins:activate"``."""


class LocalEntry(Entry):
    """A file that is a plugin; its value is the path."""

    @property
    def module(self) -> str:
        """Return the module that it becomes."""
        return MODULE

    def load(self) -> object:
        """Import the file.

        Raises
        ------
        ImportError
            If it is no Python file, or another module of the name is there; what the file raises goes through.
        """
        there = sys.modules.get(MODULE)
        if there is not None:
            if Path(getattr(there, "__file__", None) or "").resolve() == Path(self.value):
                return there
            raise ImportError(f"{there!r} has its name already")
        spec = spec_from_file_location(MODULE, self.value)
        if spec is None or spec.loader is None:
            raise ImportError(f"{self.value} is no Python file")
        module = module_from_spec(spec)
        sys.modules[MODULE] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            sys.modules.pop(MODULE, None)
            raise
        return module


def local_entry() -> LocalEntry | None:
    """Return the local plugin of this process, or None where there is none."""
    told = os.environ.get("AZML_LOCAL_PLUGINS")
    if told is None:
        path = _beside_the_script()
        return LocalEntry(NAME, str(path)) if path is not None and path.is_file() else None
    if not told:
        return None
    path = Path(told).expanduser().resolve()
    return LocalEntry(NAME, str(path / f"{MODULE}.py" if path.is_dir() else path))


def _beside_the_script() -> Path | None:
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    if not script or getattr(sys.flags, "safe_path", False):
        return None
    return Path(script).resolve().with_name(f"{MODULE}.py")
