"""A workspace with runs, and a client that came in by the link."""

import os
from pathlib import Path

import portal_worlds
import pytest
from starlette.testclient import TestClient
from visits import entered

from azml_integrations.core import Workspace


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> Workspace:
    """Give all tests that only read the same workspace."""
    folder = tmp_path_factory.mktemp("world")
    here = Path.cwd()
    os.chdir(folder)
    try:
        return portal_worlds.make(folder / "workspace")
    finally:
        os.chdir(here)


@pytest.fixture(scope="session")
def pages(world) -> TestClient:
    """Give a client of the studio of that workspace."""
    return entered(world)


@pytest.fixture
def studio(workspace):
    """Give a client of the studio of a test's own workspace."""
    return entered(workspace)


@pytest.fixture
def ids(world):
    """Give the ids of the runs by what they are called."""
    return {record.display_name or record.name: record.run_id for record in world.find_runs()}
