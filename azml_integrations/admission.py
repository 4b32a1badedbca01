"""Which of the plugins that were found may be used: by the user's word, and by the versions that they require.

``AZML_PLUGINS``
    Names of the plugins to use, separated by commas. Unset means all, empty means none. The core's own
    plugin, ``core``, is always there.
``AZML_DISABLE_PLUGINS``
    Names of plugins to leave out, separated by commas.
"""

import ast
import contextlib
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from . import versions
from ._version import __version__
from .entries import Entry

CORE = "core"
"""Entry-point name of the core's own plugin."""


@dataclass(frozen=True)
class Admission:
    """Whom the user wants.

    Attributes
    ----------
    allowed : frozenset of str or None
        Names of the plugins to use; None for all.
    left_out : frozenset of str
        Names of those that are not used even so.
    """

    allowed: frozenset[str] | None
    left_out: frozenset[str]

    @classmethod
    def of_environment(cls) -> "Admission":
        """Return what the variables say."""
        return cls(_names("AZML_PLUGINS"), _names("AZML_DISABLE_PLUGINS") or frozenset())

    def refusal(self, name: str) -> str:
        """Return why a plugin is left out; nothing if it is not."""
        if name == CORE:
            return ""
        if name in self.left_out:
            return "named in AZML_DISABLE_PLUGINS"
        if self.allowed is not None and name not in self.allowed:
            return "not named in AZML_PLUGINS"
        return ""


def rank(entry: Entry) -> tuple[bool, bool]:
    """Return what sorts our own core first: no stranger takes its name."""
    return entry.name != CORE, entry.distribution.replace("_", "-") != "azml-integrations"


def unfit(wanted: object) -> str:
    """Return why a plugin that requires some versions of ours cannot be used with this one; nothing if it can."""
    if not wanted:
        return ""
    try:
        if not isinstance(wanted, str):
            raise ValueError(f"it is no string but {wanted!r}")  # noqa: TRY004, TRY301 - told as the other
        fits = versions.allows(wanted, __version__)
    except ValueError as error:
        return f"its requires_azml cannot be read: {error}"
    if fits:
        return ""
    return f"it requires azml_integrations {wanted}, and this is {__version__}; install versions that fit each other"


def outdated(module: str) -> str:
    """Return why a module that could not be imported is none for this version, if its text says so."""
    with contextlib.suppress(Exception, SystemExit):  # it is a second look at what was broken at the first
        spec = find_spec(module)
        text = Path(spec.origin).read_text(encoding="utf-8") if spec is not None and spec.origin else ""
        for statement in ast.parse(text).body:
            match statement:
                case ast.Assign(targets=[ast.Name(id="requires_azml")], value=ast.Constant(value=wanted)):
                    return unfit(wanted)
    return ""


def _names(variable: str) -> frozenset[str] | None:
    text = os.environ.get(variable)
    return None if text is None else frozenset(name.strip() for name in text.split(",") if name.strip())
