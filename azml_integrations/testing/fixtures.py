"""What a test stands on: a home of its own, with nobody's runs and nobody's plugins."""

import os
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..core import Workspace


@pytest.fixture
def azml_home(tmp_path: "Path", monkeypatch: pytest.MonkeyPatch) -> "Iterator[Path]":
    """Give a test a home of its own: no variables of ours, no strangers' plugins, no autolog.

    ``monkeypatch.setenv("AZML_PLUGINS", "sklearn")`` lets a plugin in, for the same test.
    """
    from ..autologging import autolog
    from ..plugins import plugins

    for name in [name for name in os.environ if name.startswith(("AZML_", "AZUREML_"))]:
        monkeypatch.delenv(name)
    home = tmp_path / "azml-home"
    monkeypatch.setenv("AZML_HOME", str(home))
    monkeypatch.setenv("AZML_PLUGINS", "")
    plugins.cache_clear()
    yield home
    if mirroring := sys.modules.get("azml_integrations.mirroring"):
        mirroring.followers().end()  # their threads look at this home
    autolog(False)
    plugins.cache_clear()
    if process := sys.modules.get("azml_integrations.core.process"):
        process.forget()  # the run that a test's process was part of


@pytest.fixture
def workspace(azml_home: "Path") -> "Workspace":  # noqa: ARG001 - its home
    """Give a test a fresh local workspace named ``test``."""
    from ..core import Workspace

    return Workspace.create("test")
