"""The example of Optuna runs as a user runs it, and leaves behind what it says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from azml_integrations.core import Experiment, Workspace

pytest.importorskip("azml_optuna", reason="without azml-optuna; the environment `more` of tox has it")

HERE = Path(__file__).parent


def test_a_study_of_digits_is_pruned(tmp_path, monkeypatch):
    """Each trial is a run, most of them stopped early, and the study's run says which one was best."""
    for name in [name for name in os.environ if name.startswith(("AZML_", "AZUREML_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AZML_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(
        [sys.executable, str(HERE / "optuna_digits.py")], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    counted, best, *importances = done.stdout.splitlines()

    (run,) = Experiment(Workspace.from_config(), "optuna_digits").get_runs()
    statuses = [child.status for child in run.get_children()]
    assert len(statuses) == 40
    assert counted == f"{statuses.count('Completed')} trials completed, {statuses.count('Canceled')} pruned"
    assert 5 <= statuses.count("Canceled") <= 35
    assert float(best.split()[2]) > 0.93
    assert sorted(line.split()[0] for line in importances) == ["alpha", "eta0", "loss"]
    pictures = [name for name in run.get_file_names() if name.endswith(".png")]
    assert len(pictures) == 5
