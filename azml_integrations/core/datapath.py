"""A path in a datastore, as a noun of its own."""

import os
from dataclasses import dataclass, field

from .. import errors
from .datastore import Datastore, relative_path


@dataclass(frozen=True)
class DataPath:
    """A file or folder in a datastore.

    Parameters
    ----------
    datastore : Datastore
        Where it lies.
    path_on_datastore : str, default=None
        Relative path; all of the datastore by default.
    name : str, default=None
        A name beside it.

    Raises
    ------
    OptionError
        If `datastore` is none.
    NameRefusedError
        If the path leads out of the datastore.
    """

    datastore: Datastore
    path_on_datastore: str | os.PathLike[str] | None = field(default=None)
    name: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.datastore, Datastore):
            raise errors.OptionError(f"DataPath expects a Datastore first, got {errors.a(self.datastore)}")
        object.__setattr__(self, "path_on_datastore", relative_path(self.path_on_datastore))
