"""What every dataset has: an id, a place among the registered ones, and a name in the scripts that use it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Any, Self

from msgspec.structs import replace

from .. import errors
from .dataset_definition import (
    DatastorePath,
    Definition,
    LocalPath,
    Part,
    Skip,
    Source,
    TabularDefinition,
    Take,
    Written,
    identity,
)
from .dataset_files import DataFile, PartitionFormat, files_of, located
from .dataset_registry import Registry, Version
from .workspace import Workspace

if TYPE_CHECKING:
    from .dataset_consumption_config import DatasetConsumptionConfig


class AbstractDataset:
    """A dataset: a definition that never changes. What is derived from it is another dataset.

    Parameters
    ----------
    definition : FileDefinition or TabularDefinition
        What it is.
    workspace : Workspace, default=None
        Whose datastores are meant.
    registered : Version, default=None
        Under which name and version it was registered.
    """

    def __init__(
        self, definition: Definition, workspace: Workspace | None = None, registered: Version | None = None
    ) -> None:
        self._definition = definition
        self._workspace = workspace
        self._registered = registered

    # -- what it is called ---------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """Return the id, which is made of the definition: the same definition has the same id."""
        return identity(self._definition)

    @property
    def name(self) -> str | None:
        """Return the name under which it is registered, or None."""
        return self._registered.name if self._registered else None

    @property
    def version(self) -> int | None:
        """Return the version that is registered, or None."""
        return self._registered.version if self._registered else None

    @property
    def description(self) -> str | None:
        """Return the description, or None where it is not registered."""
        return self._registry().description(self._registered) if self._registered else None

    @property
    def tags(self) -> dict[str, str]:
        """Return the tags; none where it is not registered."""
        return self._registry().tags(self._registered) if self._registered else {}

    @property
    def data_changed_time(self) -> datetime | None:
        """Return when one of its files on this machine changed last; None where it has none."""
        moments = [file.origin.stat().st_mtime for file in self._all_files() if isinstance(file.origin, Path)]
        return datetime.fromtimestamp(max(moments), UTC) if moments else None

    @property
    def partition_keys(self) -> list[str]:
        """Return the names of the keys in the paths of its files."""
        text = self._partition_format()
        return list(PartitionFormat(text).keys) if text else []

    def get_partition_key_values(self, partition_keys: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Return the values of the keys in the paths of its files, each combination once.

        Parameters
        ----------
        partition_keys : list of str, default=None
            Only these keys; all by default.
        """
        from .dataset_rows import key_values

        wanted = self.partition_keys if partition_keys is None else list(partition_keys)
        found: list[dict[str, Any]] = []
        for values in key_values(self._partition_format(), self._all_files()):
            if (kept := {key: values[key] for key in wanted if key in values}) not in found:
                found.append(kept)
        return found

    def _partition_format(self) -> str | None:
        if isinstance(self._definition, TabularDefinition):
            return self._definition.reading.partition_format
        return self._definition.partition_format

    def _all_files(self) -> list[DataFile]:
        from .dataset_rows import table_files

        if isinstance(self._definition, TabularDefinition):
            return table_files(self._definition, self._workspace)
        return files_of(self._definition, self._workspace)

    # -- among the registered ones -------------------------------------------------------------------

    def register(
        self,
        workspace: Workspace,
        name: str,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        create_new_version: bool = False,
    ) -> Self:
        """Register the dataset under a name: its definition is kept, its data stay where they are.

        Parameters
        ----------
        workspace : Workspace
            Where to.
        name : str
            Its name.
        description : str, default=None
            What it is.
        tags : dict of str to str, default=None
            Labels of this version; values of other types are kept as their strings.
        create_new_version : bool, default=False
            Whether a new version begins where the name is there. Else the latest version must have the same
            definition, and is returned as it is.

        Returns
        -------
        dataset : TabularDataset or FileDataset
            The same one, with name and version.

        Raises
        ------
        DatasetExistsError
            If the name is there with another definition and not `create_new_version`.
        NameRefusedError
            If it cannot be a name.
        StoreError
            If the disk refuses.
        """
        _check_workspace(workspace)
        version = Registry(workspace).register(
            name, self.within(workspace), description or "", tags, create_new_version=create_new_version
        )
        return type(self)(version.definition, workspace, version)

    def add_tags(self, tags: Mapping[str, str] | None = None) -> Self:
        """Add tags to this registered version, or overwrite them; return the dataset."""
        self._registry().change(self._known(), tags=tags)
        return self

    def remove_tags(self, tags: Sequence[str] | None = None) -> Self:
        """Take tags away from this registered version; unknown ones are no error. Return the dataset."""
        self._registry().change(self._known(), removed=[tags] if isinstance(tags, str) else list(tags or []))
        return self

    def update(self, description: str | None = None, tags: Mapping[str, str] | None = None) -> Self:
        """Describe this registered version anew, and replace its tags.

        Parameters
        ----------
        description : str, default=None
            None leaves it.
        tags : dict of str to str, default=None
            The tags from now on; None leaves them.

        Raises
        ------
        UserErrorException
            If the dataset is not registered.
        """
        known = self._known()
        gone = [] if tags is None else [key for key in self.tags if key not in tags]
        self._registry().change(known, tags=tags, removed=gone, description=description)
        return self

    def unregister_all_versions(self) -> None:
        """Forget all versions of this dataset; the data stay, and runs that used it still find it by its id.

        Raises
        ------
        UserErrorException
            If the dataset is not registered.
        """
        self._registry().unregister(self._known().name)
        self._registered = None

    def _known(self) -> Version:
        if self._registered is None:
            raise errors.UserErrorException(
                "this dataset is not registered, so it has no tags and no description; register(workspace, name) first"
            )
        return self._registered

    def _registry(self) -> Registry:
        self._known()
        return Registry(_check_workspace(self._workspace))

    def keep_in(self, workspace: Workspace) -> str:
        """Keep the definition in a workspace, so that the id alone leads to it; return that id.

        Raises
        ------
        StoreError
            If the disk refuses.
        """
        return Registry(_check_workspace(workspace)).save(self.within(workspace))

    def within(self, workspace: Workspace) -> Definition:
        """Return the definition as another workspace understands it: paths in our datastores become absolute."""
        if self._workspace is None or self._workspace == workspace:
            return self._definition
        return _absolute(self._definition, self._workspace)

    # -- in a script ---------------------------------------------------------------------------------

    def as_named_input(self, name: str) -> "DatasetConsumptionConfig":
        """Return the dataset as an input of a script that is submitted.

        Parameters
        ----------
        name : str
            Letters, digits and ``_``, the first no digit: it is a key of `run.input_datasets` and an environment
            variable of the script.

        Raises
        ------
        NameRefusedError
            If it cannot be one.
        """
        from .dataset_consumption_config import DatasetConsumptionConfig

        return DatasetConsumptionConfig(name, self)

    # -- deriving ------------------------------------------------------------------------------------

    def _then(self, step: Any) -> Self:
        """Return the dataset that one more step makes of this one."""
        return type(self)(replace(self._definition, steps=(*self._definition.steps, step)), self._workspace)

    def take(self, count: int) -> Self:
        """Return the first `count` rows or files as a dataset."""
        return self._then(Take(_count(count)))

    def skip(self, count: int) -> Self:
        """Return all but the first `count` rows or files as a dataset."""
        return self._then(Skip(_count(count)))

    def take_sample(self, probability: float, seed: int | None = None) -> Self:
        """Return a random sample as a dataset.

        Parameters
        ----------
        probability : float
            With which each row or file is in it [0 to 1].
        seed : int, default=None
            The same one draws the same sample; drawn by default, and kept: the dataset never changes.
        """
        return self._then(Part(_share("probability", probability), _seed(seed), first=True))

    def random_split(self, percentage: float, seed: int | None = None) -> tuple[Self, Self]:
        """Split the dataset at random into two.

        Parameters
        ----------
        percentage : float
            Probability with which a row or file is in the first part [0 to 1].
        seed : int, default=None
            The same one splits in the same way; drawn by default, and kept.

        Returns
        -------
        first, second : datasets
            Together they hold everything once.
        """
        share, drawn = _share("percentage", percentage), _seed(seed)
        return self._then(Part(share, drawn, first=True)), self._then(Part(share, drawn, first=False))

    # -- as a value ----------------------------------------------------------------------------------

    def __repr__(self) -> str:
        """Return the dataset in one line."""
        called = f"name={self.name!r}, version={self.version}, " if self._registered else ""
        return f"{type(self).__name__}({called}id={self.id!r})"

    def __eq__(self, other: object) -> bool:
        """Datasets with one definition are equal."""
        return isinstance(other, AbstractDataset) and self.id == other.id and self._workspace == other._workspace

    def __hash__(self) -> int:
        """Hash by id."""
        return hash(self.id)


def _absolute(definition: Definition, workspace: Workspace) -> Definition:
    return replace(definition, sources=tuple(_absolute_source(source, workspace) for source in definition.sources))


def _absolute_source(source: Source, workspace: Workspace) -> Source:
    match source:
        case DatastorePath():
            return LocalPath(str(located(source, workspace)))
        case Written(rows=rows):
            return replace(source, rows=_absolute(rows, workspace))
        case _:
            return source


def _check_workspace(workspace: object) -> Workspace:
    if not isinstance(workspace, Workspace):
        raise errors.OptionError(f"expected a Workspace, got {errors.a(workspace)}")
    return workspace


def _count(count: object) -> int:
    if isinstance(count, bool) or not hasattr(count, "__index__") or (number := count.__index__()) < 0:
        raise errors.OptionError(f"count is {count!r}; expected a whole number from 0 on")
    return int(number)


def _share(what: str, value: object) -> float:
    try:
        share = float(value)  # type: ignore[arg-type]  # that is what is asked
    except (TypeError, ValueError):
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise errors.OptionError(f"{what} is {value!r}; expected a number from 0 to 1")
    return share


def _seed(seed: int | None) -> int:
    """Return a seed; a fresh one does not touch the generators of the user's training."""
    return SystemRandom().randrange(1 << 31) if seed is None else int(seed)
