"""What stands beside a stored file: the class of the model and its tensors."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from azml_integrations.core import stored_model

if TYPE_CHECKING:
    from azml_integrations import Run


class Facts(stored_model.ModelFacts, frozen=True, kw_only=True):
    """What stands beside a stored file, beside what stands there of every model.

    Attributes
    ----------
    parameters : int
        Numbers that the model learns.
    tensors : dict of str to list
        Type and shape of each tensor of the state, by name.
    shared : dict of str to str
        Names of tensors that are stored under another name, with it.
    epoch : int or None
        Of a checkpoint.
    """

    parameters: int = 0
    tensors: dict[str, tuple[str, list[int]]] = msgspec.field(default_factory=dict)
    shared: dict[str, str] = msgspec.field(default_factory=dict)
    epoch: int | None = None

    @property
    def path(self) -> str:
        """Where the class is to be found."""
        return f"{self.module}.{self.class_}"


def store(run: "Run", folder: str, path: Path, name: str, facts: dict[str, Any], packages: tuple[str, ...]) -> None:
    """Copy a file into a run, and after it what is to be known of it.

    Parameters
    ----------
    run : Run
        Where to.
    folder : str
        Folder in the run, ``outputs/Net``.
    path : Path
        The file.
    name : str
        Of the .json.
    facts : dict of str to object
        What `Facts` has beside size, digest and versions.
    packages : tuple of str
        Whose versions matter.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    versions = stored_model.versions(packages)
    told = Facts(file=path.name, size=path.stat().st_size, sha256=digest, versions=versions, **facts)
    stored_model.write(run, folder, told, path, name)
