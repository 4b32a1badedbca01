"""SDK v1's ``azureml.data``; each name is loaded when it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from azml_azureml import neighbours

neighbours.refuse()

if TYPE_CHECKING:
    from .dataset_consumption_config import DatasetConsumptionConfig
    from .dataset_factory import DataType
    from .file_dataset import FileDataset
    from .output_dataset_config import OutputFileDatasetConfig
    from .tabular_dataset import TabularDataset

__all__ = ["DataType", "DatasetConsumptionConfig", "FileDataset", "OutputFileDatasetConfig", "TabularDataset"]

_LATE = {
    "DataType": "dataset_factory",
    "DatasetConsumptionConfig": "dataset_consumption_config",
    "FileDataset": "file_dataset",
    "OutputFileDatasetConfig": "output_dataset_config",
    "TabularDataset": "tabular_dataset",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LATE[name]}", __name__), name)
