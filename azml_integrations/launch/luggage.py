"""What an environment gets of ours, so that scripts in it record runs: this package, its plugins, what they need.

It is copied from where this process has it, distribution by distribution, with its metadata (by which plugins are
found): no index has to have it, no network is needed, and the environment stays whole when this one is changed.
"""

import importlib.util
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path, PurePath

from .requirements import canonical, package

PACKAGE = __name__.partition(".")[0]
OURS = canonical(PACKAGE)
_LEFT_OUT = frozenset({"direct_url.json", "RECORD", "REQUESTED"})
_NO_PACKAGES = frozenset({"tests", "test", "docs"})


@dataclass(frozen=True)
class Parcel:
    """One installed distribution.

    Attributes
    ----------
    source : Distribution
        Where it comes from.
    """

    source: Distribution

    @property
    def name(self) -> str:
        """Return its canonical name."""
        return canonical(self.source.metadata["Name"])

    @cached_property
    def files(self) -> tuple[tuple[Path, PurePath], ...]:
        """Return its files, each with its place in an environment; what lies outside, as commands, stays behind."""
        recorded = [(Path(str(self.source.locate_file(file))), PurePath(file)) for file in self.source.files or ()]
        inside = [(path, place) for path, place in recorded if _travels(place) and path.is_file()]
        links = [path for path, place in recorded if place.suffix == ".pth"]
        return (*inside, *(pair for name in self._linked(links) for pair in _package(name)))

    def _linked(self, links: list[Path]) -> list[str]:
        """Return the packages of a distribution that is installed as a link to its source folder."""
        if not links and self.name != OURS:
            return []
        folders = [Path(line) for link in links for line in link.read_text().splitlines() if Path(line).is_dir()]
        beside = {path.parent.name for folder in folders for path in folder.glob("*/__init__.py")} - _NO_PACKAGES
        own = {PACKAGE} if self.name == OURS else set()
        return sorted(beside | own | {point.module.partition(".")[0] for point in self.source.entry_points if links})

    @property
    def needs(self) -> list[str]:
        """Return what it requires, without extras, as pip writes it."""
        return [line for line in self.source.requires or () if "extra" not in line.partition(";")[2]]

    @property
    def fingerprint(self) -> str:
        """Return what tells this state of its files from another."""
        states = ((str(place), path.stat()) for path, place in self.files)
        facts = sorted((place, state.st_size, state.st_mtime_ns) for place, state in states)
        return f"{self.name} {self.source.version} {facts}"

    def copy_to(self, folder: Path) -> None:
        """Copy its files into a site-packages folder, with a record by which pip can take them away again."""
        for path, place in self.files:
            target = folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            shutil.copymode(path, target)
            target.chmod(target.stat().st_mode | stat.S_IWUSR)  # a read-only source must not keep it from being deleted
        about = next(place.parent for _, place in self.files if place.parent.suffix == ".dist-info")
        places = [place.as_posix() for _, place in self.files] + [(about / "RECORD").as_posix()]
        (folder / about / "RECORD").write_text("".join(f'"{place}",,\n' for place in places), encoding="utf-8")


def ours() -> list[Parcel]:
    """Return this package and the plugins of this process, each once.

    Raises
    ------
    PackageNotFoundError
        If this package runs without having been installed, so that its plugins cannot be found.
    """
    found = {OURS: Parcel(distribution(OURS))}
    for candidate in distributions():
        if any(point.group == PACKAGE for point in candidate.entry_points):
            parcel = Parcel(candidate)
            found.setdefault(parcel.name, parcel)
    return list(found.values())


def needed(parcel: Parcel, there: Iterable[str]) -> list[Parcel]:
    """Return what a distribution needs that an environment has not, and what that needs.

    Parameters
    ----------
    parcel : Parcel
        The one that needs.
    there : iterable of str
        Canonical names of what the environment has.
    """
    seen, found, waiting = {parcel.name, *there}, [], list(parcel.needs)
    while waiting:
        name = package(waiting.pop(0))
        if name is None or name in seen:
            continue
        seen.add(name)
        try:
            next_one = Parcel(distribution(name))
        except PackageNotFoundError:
            continue  # its marker speaks of another platform
        found.append(next_one)
        waiting += next_one.needs
    return found


def installed(folders: Iterable[Path]) -> dict[str, str]:
    """Return the distributions in site-packages folders: versions by canonical name."""
    found = distributions(path=[str(folder) for folder in folders])
    return {canonical(one.metadata["Name"]): one.version for one in found}


def _travels(place: PurePath) -> bool:
    return (
        ".." not in place.parts
        and not place.is_absolute()
        and place.suffix not in {".pyc", ".pth"}
        and place.name not in _LEFT_OUT
    )


def _package(name: str) -> Iterator[tuple[Path, PurePath]]:
    """Yield the files of a package as this process would import it."""
    spec = importlib.util.find_spec(name)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for root, folders, files in os.walk(folder):
            folders[:] = sorted(set(folders) - {"__pycache__"})
            here = PurePath(name, PurePath(root).relative_to(folder))
            yield from ((Path(root, file), here / file) for file in sorted(files) if not file.endswith(".pyc"))
