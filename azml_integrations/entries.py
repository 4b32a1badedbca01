"""Which distributions name an entry point of ours, looked up without reading what they say of themselves.

`importlib.metadata` takes 33 ms to import and reads the whole METADATA file of whoever is asked for its version. Here
the folders of the path are listed and one small file is read in each distribution that has it. What does not lie in
a folder (a zip file on the path, a finder of somebody's own) is left to `importlib.metadata`.
"""

import contextlib
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from importlib.machinery import PathFinder
from typing import NamedTuple

_FILE = "entry_points.txt"
_INFO = re.compile(r"(?P<name>.+?)(?:-(?P<version>[^-]+))?(?:-py\d.*)?\.(?:dist-info|egg-info)", re.IGNORECASE)
_VALUE = re.compile(r"(?P<module>[\w.]+)\s*(?::\s*(?P<attribute>[\w.]+)\s*)?(?:\[.*\])?\s*")
_NAME = re.compile(rb"^Name:[ \t]*(\S+)", re.MULTILINE).search
_VERSION = re.compile(rb"^Version:[ \t]*(\S+)", re.MULTILINE).search
_HEAD = 4096
"""So much is read of a distribution's own description [bytes]; name and version stand in its first lines."""


@dataclass(frozen=True)
class Entry:
    """An entry point.

    Attributes
    ----------
    name : str
        What its distribution calls it.
    value : str
        ``package.module`` or ``package.module:object``.
    distribution, version : str
        Who brought it; the version may be empty.
    """

    name: str
    value: str
    distribution: str = ""
    version: str = ""

    @property
    def origin(self) -> str:
        """Return the distribution and its version, as far as they are known."""
        return f"{self.distribution} {self.version}".strip()

    @property
    def module(self) -> str:
        """Return the module that is imported."""
        return self.value.partition(":")[0].partition("[")[0].strip()

    def load(self) -> object:
        """Import what it names.

        Raises
        ------
        ImportError
            If `value` names no module; what the module raises goes through.
        AttributeError
            If the module has no such object.
        """
        read = _VALUE.fullmatch(self.value.strip())
        if read is None:
            raise ImportError(f"{self.value!r} is not 'package.module' or 'package.module:object'")
        path = filter(None, (read["attribute"] or "").split("."))
        return reduce(getattr, path, import_module(read["module"]))


def entries(group: str) -> list[Entry]:
    """Return the entry points of a group, of every distribution on the path once: the first of a name wins."""
    found: dict[str, list[Entry]] = {}
    for one in _distributions():
        key = re.sub(r"[-_.]+", "-", one.name).lower()
        if key not in found:
            there = list(parsed(one.entries, group))
            name, version = one.spelled() if there else ("", "")
            found[key] = [Entry(entry, value, name, version) for entry, value in there]
    return list({(entry.name, entry.value): entry for several in found.values() for entry in several}.values())


def parsed(text: str, group: str) -> Iterator[tuple[str, str]]:
    """Yield name and value of each line of one section of an ``entry_points.txt``."""
    inside = False
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            inside = line == f"[{group}]"
        elif inside and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield name.strip(), value.strip()


class _Distribution(NamedTuple):
    """What is known of a distribution from its folder's name and the list of its entry points."""

    name: str
    version: str
    entries: str
    folder: str = ""

    def spelled(self) -> tuple[str, str]:
        """Return name and version as the head of its own description spells them, as far as it has them."""
        head = b""
        for name in ("METADATA", "PKG-INFO") if self.folder else ():
            with contextlib.suppress(OSError), open(os.path.join(self.folder, name), "rb") as file:  # noqa: PTH118, PTH123
                head = file.read(_HEAD)
                break
        named, versioned = _NAME(head), _VERSION(head)
        return (
            named[1].decode(errors="replace") if named else self.name,
            versioned[1].decode(errors="replace") if versioned else self.version,
        )


def _distributions() -> Iterator[_Distribution]:
    """Yield what is on the path, in its order."""
    for place in dict.fromkeys(sys.path):
        folder = place or "."
        if os.path.isdir(folder):  # noqa: PTH112 - Path costs more than the question
            yield from _in_folder(folder)
        elif os.path.isfile(folder):  # noqa: PTH113 - likewise
            yield from _asked([place])
    for finder in sys.meta_path:
        theirs = getattr(finder, "find_distributions", None)
        if theirs is not None and finder is not PathFinder and "metadata" not in str(getattr(finder, "__module__", "")):
            yield from _asked(finder=finder)


def _in_folder(folder: str) -> Iterator[_Distribution]:
    if folder.rstrip("/\\").lower().endswith(".egg"):
        yield from _told(folder, "EGG-INFO", os.path.basename(folder)[:-4] + ".egg-info")  # noqa: PTH119 - as above
        return
    with contextlib.suppress(OSError):  # a folder that may not be read has nothing to import either
        for name in sorted(os.listdir(folder)):  # noqa: PTH208 - names are all that is wanted
            if name.lower().endswith((".dist-info", ".egg-info")):
                yield from _told(folder, name, name)


def _told(folder: str, info: str, called: str) -> Iterator[_Distribution]:
    place = os.path.join(folder, info)  # noqa: PTH118 - as above
    try:
        with open(os.path.join(place, _FILE), encoding="utf-8", errors="replace") as file:  # noqa: PTH118, PTH123
            text = file.read()
    except OSError:  # most distributions have none; an egg-info may be a file
        text = ""
    read = _INFO.fullmatch(called)
    if read is not None:  # also one without entry points: it hides those of its name further down the path
        yield _Distribution(read["name"], read["version"] or "", text, place)


def _asked(path: Iterable[str] | None = None, finder: object = None) -> Iterator[_Distribution]:
    """Ask `importlib.metadata`, and stay silent where a stranger's finder raises."""
    from importlib.metadata import DistributionFinder, distributions

    with contextlib.suppress(Exception):
        several = (
            distributions(path=list(path))
            if path is not None
            else finder.find_distributions(DistributionFinder.Context())  # type: ignore[attr-defined]  # just asked
        )
        for one in several:
            yield _Distribution(one.metadata["Name"], one.version, one.read_text(_FILE) or "")
