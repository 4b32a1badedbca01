"""Worlds in which things go wrong, as fixtures; `worlds` has the rest."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from worlds import NO_FAULT, Disk, Program

from azml_integrations.core import Experiment, Workspace


@pytest.fixture
def program(azml_home: Path) -> Iterator[Callable[..., Program]]:
    """Start programs that share this test's home; none outlives the test."""
    started: list[Program] = []

    def start(code: str, *arguments: object, **options: str) -> Program:
        started.append(Program(code, *arguments, **options))
        return started[-1]

    yield start
    for child in started:
        child.swept()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Give a test a small disk of its own."""
    root = tmp_path / "disk"
    root.mkdir()
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=2m,mode=755", "tmpfs", root], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"{NO_FAULT}no tmpfs can be mounted ({error})")
    disk = Disk(root)
    yield disk
    disk.unmount()


@pytest.fixture
def on_disk(disk: Disk, azml_home: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """Give a test an experiment that lies on its small disk."""
    monkeypatch.setenv("AZML_HOME", str(disk.root / "home"))
    return Experiment(Workspace.create("test"), "trials")
