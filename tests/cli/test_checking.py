"""``azml check`` as it is typed."""

import csv
import io

import pytest

SCRIPT = """\
from azureml.core import Run, Workspace
run = Run.get_context()
run.log("loss", 0.5)
run.upload_file("a", "b")
"""
CLOUD = "Workspace.from_config().get_default_keyvault()\nimport numpy as np\nnp.float, Workspace.nothing\n"


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(SCRIPT)
    return path


def test_a_script_that_runs(azml, script):
    """What runs is counted, what differs is shown, and the code is 0."""
    answer = azml("check", str(script))
    assert answer.lines[-1] == "1 file: runs 4, differs 1"
    assert [line.split()[:3] for line in answer.lines[2:-2]] == [
        [f"{script}:4:5", "differs", "azureml.core.Run.upload_file"]
    ]


def test_all_shows_what_runs_too(azml, script):
    """Every call with its place."""
    assert sum("azureml.core.Run.log " in line for line in azml("check", "--all", str(script)).lines) == 1


def test_a_script_with_something_left_to_do(azml, script):
    """The code is 1, for a check in a pipeline."""
    script.write_text(SCRIPT + CLOUD)
    answer = azml("check", str(script), code=1)
    assert answer.lines[-1] == "1 file: runs 5, differs 1, cloud 1, broken 1, unknown 1"
    assert "read them from environment variables" in answer.out


def test_json_has_all(azml, script):
    """Both spellings; one object with the files, the counts and every use."""
    script.write_text(SCRIPT + CLOUD)
    document = azml("check", "--json", str(script), code=1).json
    assert document == azml("--output", "json", "check", str(script), code=1).json
    assert document["files"] == [str(script)]
    assert document["counts"] == {"runs": 5, "differs": 1, "cloud": 1, "broken": 1, "unknown": 1}
    assert document["uses"][-2] == {
        "file": str(script),
        "cell": None,
        "line": 7,
        "column": 4,
        "verdict": "broken",
        "name": "numpy.float",
        "why": "gone in NumPy 1.24: write float",
    }


def test_csv_has_all(azml, script):
    """One line for each use."""
    rows = list(csv.DictReader(io.StringIO(azml("check", "--output", "csv", str(script)).out)))
    assert [row["line"] for row in rows] == ["1", "1", "2", "3", "4"]
    assert rows[0]["name"] == "azureml.core.Run"


def test_a_folder_and_a_notebook(azml, script, tmp_path):
    """Several arguments, files of several kinds; no workspace is asked for."""
    (tmp_path / "n.ipynb").write_text('{"cells": []}')
    assert azml("check", str(tmp_path)).lines[-1].startswith("2 files: ")
    assert azml("check", str(script), str(tmp_path / "n.ipynb")).lines[-1].startswith("2 files: ")


def test_nothing_of_azureml(azml, tmp_path):
    """That is said, not left out."""
    (tmp_path / "plain.py").write_text("print(1)\n")
    assert azml("check", str(tmp_path / "plain.py")).lines == ["1 file: nothing of azureml is used"]


def test_what_is_not_there(azml, tmp_path):
    """Code 3, as for everything that is not found."""
    assert "there is no" in azml("check", str(tmp_path / "gone.py"), code=3).err
    (tmp_path / "empty").mkdir()
    assert "holds no .py and no .ipynb file" in azml("check", str(tmp_path / "empty"), code=3).err
    azml("check", code=2)


def test_no_workspace_is_made(shell, script, tmp_path):
    """Checking code is no reason to make a folder of runs."""
    import os
    import subprocess
    import sys

    home = tmp_path / "nothing"
    code = "from azml_integrations.cli import main; main()"
    surroundings = {**os.environ, "AZML_HOME": str(home)}
    subprocess.run(
        [sys.executable, "-c", code, "check", str(script)], env=surroundings, check=True, capture_output=True
    )
    assert not home.exists()
