"""What a type checker sees of an old script."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy", reason="mypy is not installed")

SCRIPT = """\
from typing import assert_type

import azureml.core
from azureml.core import Experiment, Run, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.run import Run as AlsoRun
from azureml.exceptions import UserErrorException
from azureml.widgets import RunDetails

import azml_integrations.core

ws = Workspace.from_config()
assert_type(ws, azml_integrations.core.Workspace)
run = Experiment(ws, "e").start_logging(snapshot_directory=None)
assert_type(run, azml_integrations.core.Run)
assert_type(AlsoRun.get_context(), Run)
assert_type(azureml.core.VERSION, str)
target: ComputeTarget = AmlCompute(ws, "cpu-cluster")
RunDetails(run).show()
run.logg("a", 1)
"""


def test_the_checker_sees_our_classes(elsewhere):
    """Names resolve to ours, and a misspelt verb is found."""
    (elsewhere / "script.py").write_text(SCRIPT)
    root = Path(__file__).parents[3]
    options = ["--strict", "--follow-imports=silent", "--cache-dir", str(elsewhere / "cache")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "script.py"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MYPYPATH": f"{root}{os.pathsep}{root / 'plugins' / 'azml-azureml'}"},
    )
    (line,) = done.stdout.splitlines()[:-1]
    assert line.startswith('script.py:20: error: "Run" has no attribute "logg"'), done.stdout
