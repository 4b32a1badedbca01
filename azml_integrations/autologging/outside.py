"""A warning that points to the user's line, not to ours."""

import sys
import warnings
from types import FrameType


def warn_outside(message: str, kind: type[Warning], framework: str = "") -> None:
    """Warn at the innermost line that is neither ours, nor an adapter's, nor the framework's.

    Parameters
    ----------
    message : str
        What to say.
    kind : type of Warning
        Its category.
    framework : str, default=""
        Package whose lines are passed too: the user called it, and it called us.
    """
    passed = {"contextlib", "importlib", framework} - {""}
    frame = sys._getframe(1)  # noqa: SLF001 - a stack level does not count the frames of an import
    while frame.f_back is not None and _is_passed(frame, passed):
        frame = frame.f_back
    where = frame.f_globals
    warnings.warn_explicit(
        message,
        kind,
        frame.f_code.co_filename,
        frame.f_lineno,
        where.get("__name__"),
        where.setdefault("__warningregistry__", {}),
    )


def _is_passed(frame: FrameType, passed: set[str]) -> bool:
    package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return package in passed or package.startswith("azml_")  # azml_integrations, and adapters as azml_sklearn
