"""The examples of boosted trees run as a user runs them, and leave behind what they say."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from azml_integrations.core import Workspace

ROOT = Path(__file__).parent.parent


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A user's empty folder, and an empty home for runs."""
    for name in [name for name in os.environ if name.startswith(("AZML_", "AZUREML_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AZML_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir((tmp_path / "work").mkdir() or tmp_path / "work")
    return tmp_path


def python(*words):
    """Run a program as a user does and return what it printed, and what it told on the side."""
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return done.stdout, done.stderr


def test_xgboost_on_breast_cancer(world):
    """Two trainings of one run, compared; the model comes back without a pickle."""
    pytest.importorskip("xgboost", reason="without XGBoost; the environment `more` of tox has it")
    printed, _ = python(str(ROOT / "examples" / "xgboost_breast_cancer.py"))

    assert re.findall(r"depth (\d): best round (\d+) of (\d+), log loss 0\.0\d\d", printed)[0][0] == "2"
    assert "most gain: " in printed
    assert re.search(r"loaded: \d+ rounds, 30 features", printed)
    child, run = Workspace.from_config().experiments["xgboost_breast_cancer"].get_runs(include_children=True)
    for one in (run, child):
        assert {"train-auc", "test-logloss", "best_iteration", "importance_table"} <= set(one.get_metrics())
        assert {"outputs/Booster/model.ubj", "outputs/Booster/importance.png"} <= set(one.get_file_names())


def test_lightgbm_on_diabetes(world):
    """Both adapters write one run; the model comes back without a pickle, and answers as the estimator does."""
    pytest.importorskip("lightgbm", reason="without LightGBM; the environment `more` of tox has it")
    printed, _ = python(str(ROOT / "examples" / "lightgbm_diabetes.py"))

    (run,) = Workspace.from_config().experiments["lightgbm_diabetes"].get_runs(include_children=True)
    metrics = run.get_metrics()
    rounds = re.match(r"best round (\d+) of (\d+), mse (\d+)", printed)
    assert rounds[1] == str(metrics["best_iteration"]) < rounds[2] == str(metrics["stopped_iteration"])
    assert printed.endswith(f"loaded: {rounds[1]} trees, the same predictions\n")
    assert len(run.metric_points("valid_0 l2")) == metrics["stopped_iteration"]
    assert {"outputs/Booster/model.txt", "outputs/LGBMRegressor/model.pkl"} <= set(run.get_file_names())


def test_the_guide_runs_as_written(world):
    """Every piece of code goes on from the ones before it, and prints what the page says it prints."""
    pytest.importorskip("lightgbm", reason="without LightGBM; the environment `more` of tox has it")
    page = (ROOT / "docs" / "how-to" / "boosting.md").read_text()
    Path("guide.py").write_text("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)))
    printed, _ = python("guide.py")

    assert printed == "".join(re.findall(r"```text\n(.*?)```", page, re.DOTALL))


@pytest.mark.parametrize("plugin", ["lightgbm", "xgboost"])
def test_the_readme_of_a_plugin_says_what_happens(world, plugin):
    """Its first example ends with the very line that stands below it."""
    pytest.importorskip(plugin, reason=f"without {plugin}; the environment `more` of tox has it")
    readme = (ROOT / "plugins" / f"azml-{plugin}" / "README.md").read_text()
    (code,) = re.findall(r"```python\n(import azml_integrations\n.*?)```", readme, re.DOTALL)
    (line,) = re.findall(r"```text\n(azml: .*?)<id>\n```", readme, re.DOTALL)
    Path("script.py").write_text(code)
    _, told = python("script.py")

    assert line in told
