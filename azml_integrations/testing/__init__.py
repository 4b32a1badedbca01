"""What plugin authors test with: fixtures, contracts to inherit, a toy framework, and the proof of unchanged training.

The fixtures are a pytest plugin: whoever has azml_integrations installed has them. They give a test a home of its
own, and leave nothing behind. All else is imported where it is used, since everybody's pytest loads this package.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from .fixtures import azml_home, workspace

if TYPE_CHECKING:
    from .adapters import AdapterContract
    from .entry_modules import check_plugin
    from .launchers import LauncherContract
    from .recording import RecordingRun
    from .stores import RunStoreContract, batch
    from .training import assert_training_unchanged

__all__ = [
    "AdapterContract",
    "LauncherContract",
    "RecordingRun",
    "RunStoreContract",
    "assert_training_unchanged",
    "azml_home",
    "batch",
    "check_plugin",
    "workspace",
]

_LATE = {
    "AdapterContract": "adapters",
    "LauncherContract": "launchers",
    "RecordingRun": "recording",
    "RunStoreContract": "stores",
    "assert_training_unchanged": "training",
    "batch": "stores",
    "check_plugin": "entry_modules",
}

pytest.register_assert_rewrite(
    *(f"{__name__}.{room}" for room in ("adapters", "launchers", "stores"))
)  # their failures show values


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LATE[name]}", __name__), name)
