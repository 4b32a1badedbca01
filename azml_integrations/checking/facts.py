"""The nouns of a check: what is known about a name, and where it is used."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Verdict(StrEnum):
    """What becomes of a line of an old script."""

    RUNS = "runs"
    """As it is."""
    DIFFERS = "differs"
    """It runs, and does something else on purpose."""
    CLOUD = "cloud"
    """It can be imported, and raises when it is used: there is no such thing on one machine."""
    BROKEN = "broken"
    """It cannot run, with the old SDK as little as with ours."""
    UNKNOWN = "unknown"
    """Nobody here has heard of the name."""


@dataclass(frozen=True)
class Fact:
    """What is known about one name.

    Attributes
    ----------
    name : str
        The last part, as scripts write it.
    verdict : Verdict
        What becomes of it.
    why : str
        How it differs, or what to do instead; of what runs, what is better than it was.
    parameters : str or None
        Names, order and defaults as in SDK v1; None for what is not called.
    gives : str
        Class of what it returns or is: ``Run``, ``[Run]`` of several, ``{Run}`` of several by name, ``A|B`` of either;
        empty where it is not known.
    """

    name: str
    verdict: Verdict
    why: str = ""
    parameters: str | None = None
    gives: str = ""


@dataclass(frozen=True)
class Entry:
    """A class or function, in all the places from which scripts import it.

    Attributes
    ----------
    fact : Fact
        About the name itself.
    places : tuple of str
        Modules, the one that the documentation names first.
    members : tuple of Fact
        What a class has.
    like : str
        Class whose members it has too.
    """

    fact: Fact
    places: tuple[str, ...]
    members: tuple[Fact, ...] = ()
    like: str = ""


@dataclass(frozen=True)
class Room:
    """A module all of whose names need the cloud, whatever they are called.

    Attributes
    ----------
    module : str
        Its name; all modules below it belong to it.
    why : str
        What to do instead.
    """

    module: str
    why: str


@dataclass(frozen=True, order=True)
class Spot:
    """A place in a file.

    Attributes
    ----------
    path : Path
        The file.
    cell : int
        Cell of a notebook, from 1; 0 in a script.
    line : int
        Line in the cell or file, from 1.
    column : int
        Character in the line, from 1.
    """

    path: Path
    cell: int
    line: int
    column: int

    def __str__(self) -> str:
        """Return the place as editors spell it."""
        cell = f"cell {self.cell}:" if self.cell else ""
        return f"{self.path}:{cell}{self.line}:{self.column}"


@dataclass(frozen=True, order=True)
class Finding:
    """One use of a name.

    Attributes
    ----------
    spot : Spot
        Where.
    name : str
        The name in full: ``azureml.core.Run.log``.
    verdict : Verdict
        What becomes of it.
    why : str
        As `Fact.why` has it.
    """

    spot: Spot
    name: str
    verdict: Verdict
    why: str = field(default="", compare=False)
