"""The guide and the README are scripts, and they run; scikit-learn's fits land in their trials."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
GUIDE = HERE.parents[1] / "docs" / "how-to" / "optuna.md"


def test_the_guide_runs_as_written(experiment, monkeypatch):
    """Every piece of code goes on from the ones before it, and prints what the page says it prints."""
    pytest.importorskip("azml_sklearn", reason="the guide has scikit-learn's adapter beside this one")
    monkeypatch.setenv("AZML_PLUGINS", "optuna,sklearn")
    monkeypatch.delenv("AZML_EXPERIMENT")
    page = GUIDE.read_text()
    Path("guide.py").write_text("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)))
    done = subprocess.run([sys.executable, "guide.py"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("Traceback"), done.stderr.count("autolog of")) == (0, 0, 0), done.stderr
    assert done.stdout == "".join(re.findall(r"```text\n(.*?)```", page, re.DOTALL))


def test_the_readme_runs_as_written(experiment):
    """It is what somebody tries first, and it says where to look."""
    first = re.findall(r"```python\n(.*?)```", (HERE / "README.md").read_text(), re.DOTALL)[0]
    Path("first.py").write_text(first)
    done = subprocess.run([sys.executable, "first.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (run,) = experiment.get_runs()
    assert "azml: study parabola: 30 trials, best objective" in done.stderr
    assert f"azml run show {run.id}" in done.stderr
