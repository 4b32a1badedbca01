"""Hyperparameters as properties, readable and the same in the next process."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..errors import AzmlError

if TYPE_CHECKING:
    from ..core.run import Run

MOST = 4096
"""A longer value is cut [letters]."""

_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")


def log_parameters(run: "Run", source: str, given: Mapping[str, object], prefix: str = "param.") -> int:
    """Write parameters into a run as properties; one that cannot be written costs only itself, and a note says so.

    Parameters
    ----------
    run : Run
        Where to.
    source : str
        Name of the adapter, for the note.
    given : mapping of str to object
        Values by name. A number of NumPy is that number; a function or class is its full name; of anything else its
        ``repr``, without addresses in memory.
    prefix : str, default="param."
        Before each name.

    Returns
    -------
    int
        Number of parameters that are in the run.
    """
    told: dict[str, str] = {}
    refused: list[str] = []
    for name, value in given.items():
        try:
            told[f"{prefix}{name}"] = as_text(value)
        except Exception as error:  # noqa: BLE001 - a user's repr may raise anything
            refused.append(f"{name} (its repr raised {type(error).__name__}: {error})")
    try:
        run.add_properties(told)
    except Exception:  # noqa: BLE001 - one of them is refused: find out which, and keep the others
        for name, text in list(told.items()):
            try:
                run.add_properties({name: text})
            except Exception as error:  # noqa: BLE001 - as above
                told.pop(name)
                refused.append(f"{name} ({error.message if isinstance(error, AzmlError) else error!r})")
    if refused:
        run.note(source, f"parameters not recorded: {'; '.join(refused)}")
    return len(told)


def as_text(value: object) -> str:
    """Return a parameter's value as a person would write it."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):  # numpy's 0.1, out of a logspace, is 0.1
        value = value.item()
    if isinstance(value, str):
        text = value
    elif callable(value) and hasattr(value, "__qualname__"):
        text = f"{value.__module__}.{value.__qualname__}"
    else:
        text = _ADDRESS.sub("", repr(value))
    return text if len(text) <= MOST else f"{text[: MOST - 3]}..."
