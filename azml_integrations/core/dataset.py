"""Datasets of a workspace: made, registered and found again."""

from typing import Any, overload

from .abstract_dataset import AbstractDataset
from .dataset_definition import Definition, FileDefinition, TabularDefinition, identity
from .dataset_factory import FileDatasetFactory, TabularDatasetFactory
from .dataset_registry import Registry, Version
from .file_dataset import FileDataset
from .tabular_dataset import TabularDataset
from .workspace import Workspace


class Dataset:
    """The door to datasets: `Dataset.Tabular` and `Dataset.File` make them, `get_by_name` finds them again."""

    Tabular = TabularDatasetFactory
    File = FileDatasetFactory

    @staticmethod
    def get_by_name(workspace: Workspace, name: str, version: int | str = "latest") -> Any:
        """Return a registered dataset.

        Parameters
        ----------
        workspace : Workspace
            Where it is registered.
        name : str
            Its name.
        version : int or "latest", default="latest"
            Which version.

        Returns
        -------
        dataset : TabularDataset or FileDataset
            With its name and version.

        Raises
        ------
        DatasetNotFoundError
            If there is none of that name or version.
        """
        registry = Registry(workspace)
        registry.settle()
        return _registered(workspace, registry.get(name, version))

    @staticmethod
    def get_by_id(workspace: Workspace, id: str, **kwargs: object) -> Any:  # noqa: ARG004 - SDK v1's signature
        """Return a dataset that was registered, or that a run has used, by its id.

        Several names and versions may have one definition, and so one id; the one that was registered last is returned.

        Raises
        ------
        DatasetNotFoundError
            If there is none.
        """
        registry = Registry(workspace)
        definition = registry.saved(id)
        registry.settle()
        return dataset_of(definition, workspace, registry.registered(identity(definition)))

    @staticmethod
    def get_all(workspace: Workspace) -> dict[str, AbstractDataset]:
        """Return the latest version of each registered dataset, by name."""
        registry = Registry(workspace)
        registry.settle()
        return {version.name: _registered(workspace, version) for version in registry.latest()}


def _registered(workspace: Workspace, version: Version) -> AbstractDataset:
    return dataset_of(version.definition, workspace, version)


@overload
def dataset_of(
    definition: FileDefinition, workspace: Workspace | None, registered: Version | None = None
) -> FileDataset: ...
@overload
def dataset_of(
    definition: TabularDefinition, workspace: Workspace | None, registered: Version | None = None
) -> TabularDataset: ...
def dataset_of(
    definition: Definition, workspace: Workspace | None, registered: Version | None = None
) -> FileDataset | TabularDataset:
    """Return the dataset that a definition makes."""
    if isinstance(definition, FileDefinition):
        return FileDataset(definition, workspace, registered)
    return TabularDataset(definition, workspace, registered)
