"""Other distributions that bring names of ``azureml``: beside one of them, ours would only half work."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

OURS = "azml-azureml"


class NeighbourError(ImportError):
    """Another distribution brings the same modules.

    Attributes
    ----------
    distributions : list of str
        Their names.
    """

    def __init__(self, distributions: list[str]) -> None:
        self.distributions = distributions
        named, removed = ", ".join(distributions), " ".join(distributions)
        super().__init__(
            f"{OURS} stands in for the Azure ML SDK v1, and packages of the SDK itself are installed beside it: "
            f"{named}. Both write into one folder named azureml, so neither would work as a whole. To keep runs here: "
            f"`pip uninstall --yes {removed}`, then install {OURS} again with --force-reinstall --no-deps. "
            f"To use the cloud: `pip uninstall {OURS}`, then install the SDK again",
            name="azureml",
        )


def refuse() -> None:
    """Make sure that nobody else brings the modules of this distribution.

    Raises
    ------
    NeighbourError
        If somebody does.
    """
    if others := sorted(set(rivals())):
        raise NeighbourError(others)


def rivals() -> Iterator[str]:
    """Yield the names of distributions that bring a module of ours, or may do so.

    One that only brings packages of its own below ``azureml`` is none. Only folders that look like one are opened: a
    list of all distributions would take longer than all else in this import.
    """
    for folder in dict.fromkeys(sys.path):
        try:
            found = [entry.name for entry in os.scandir(folder or ".") if _looks_like_one(entry.name)]
        except OSError:
            continue
        for name in found:
            yield from _rival(Path(folder or ".", name))


def _looks_like_one(name: str) -> bool:
    return name.lower().startswith("azureml") and name.endswith((".dist-info", ".egg-info"))


def _rival(folder: Path) -> Iterator[str]:
    from importlib.metadata import Distribution

    distribution = Distribution.at(folder)
    brought = distribution.files  # None where nobody wrote them down
    if brought is None or any(_is_ours(file.parts) for file in brought):
        yield folder.name.partition("-")[0].partition(".")[0].replace("_", "-")


def _is_ours(parts: tuple[str, ...]) -> bool:
    """Tell whether a file lies in a package that we bring too."""
    match parts:
        case ("azureml", package, _, *_):
            return (Path(__file__).parent.parent / "azureml" / package).is_dir()
        case _:
            return False
