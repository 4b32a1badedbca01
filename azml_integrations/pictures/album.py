"""How pictures get into a run, with their numbers as tables, and the word about those that are missing."""

import io
from collections.abc import Mapping
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING

from .paint import png

if TYPE_CHECKING:
    from ..core.run import Run


class NamedPicture(io.BytesIO):
    """A picture in memory that says, as an open file does, under which name it lies."""

    def __init__(self, name: str, content: bytes) -> None:
        super().__init__(content)
        self.name = name


def log_picture(
    run: "Run", kind: ModuleType, given: object, folder: str, missing: dict[str, str], *, title: str, prefix: str = ""
) -> list[str]:
    """Draw and store one kind of picture, and its numbers as the table ``<name>_table``.

    Parameters
    ----------
    run : Run
        Where to.
    kind : module
        Has a ``NAME`` and the functions ``facts(given)``, ``page(facts, title)`` and ``table(facts)``; facts are a
        string where they say why there are none, and None where there is nothing to say.
    given : object
        What facts are made of: a `Judged`, for the kinds of this package.
    folder : str
        Folder in the run, ``outputs/Net``.
    missing : dict of str to str
        Gets why the picture is not there, by its name.
    title : str
        Stands above the picture.
    prefix : str, default=""
        Begins its name: ``test_``.

    Returns
    -------
    list of str
        Names of the files: one or none.
    """
    import numpy as np

    name = f"{prefix}{kind.NAME}"
    with np.errstate(all="ignore"):
        facts = kind.facts(given)
    if facts is None:
        return []
    if isinstance(facts, str):
        missing[name] = facts
        return []
    run.log_table(f"{name}_table", kind.table(facts))
    if find_spec("matplotlib") is None:
        missing[name] = "matplotlib is not installed"
        return []
    run.log_image(name, NamedPicture(f"{folder}/{name}.png", png(kind.page(facts, title))))
    return [f"{name}.png"]


def note_missing(run: "Run", source: str, missing: Mapping[str, str], what: str = "not recorded") -> None:
    """Say in one sentence, in the notes of a run, what is not there, and why.

    Parameters
    ----------
    run : Run
        Where it is missing.
    source : str
        Who says so: the name of an adapter.
    missing : dict of str to str
        Why, by what is missing.
    what : str, default="not recorded"
        What happened to it.
    """
    if missing:
        names_of = {why: [name for name in missing if missing[name] == why] for why in missing.values()}
        told = "; ".join(f"{', '.join(names)} ({why})" for why, names in names_of.items())
        run.note(source, f"{what}: {told}")


def told_apart(values: Mapping[str, float | str], prefix: str, missing: dict[str, str]) -> dict[str, float]:
    """Return the metrics, their names with a prefix; `missing` gets those that are a reason instead."""
    named = {f"{prefix}_{name}": value for name, value in values.items()}
    missing |= {name: why for name, why in named.items() if isinstance(why, str)}
    return {name: float(value) for name, value in named.items() if not isinstance(value, str)}
