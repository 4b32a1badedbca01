"""A home of its own for every test, and scripts in processes of their own."""

import os
import subprocess
import sys
import textwrap

import pytest


@pytest.fixture(autouse=True)
def elsewhere(azml_home, monkeypatch, tmp_path):
    """Stand in an empty folder, with a workspace named by a config.json as in an old project."""
    monkeypatch.setenv("AZML_EXPERIMENT", "exp")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def workspace(elsewhere):
    from azureml.core import Workspace

    return Workspace.from_config()


@pytest.fixture
def python(elsewhere):
    """Run a program in a fresh process where every warning is an error; return what it prints."""

    def call(program: str, *arguments: str, code: int = 0, **surroundings: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(program), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
            env={**os.environ, **surroundings},
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return call
