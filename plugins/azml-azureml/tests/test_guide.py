"""The guide says what the table says, and what `azml check` prints."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "how-to" / "coming-from-azureml.md"


def test_the_tables_of_the_guide_are_up_to_date():
    """They are made by docs/tables.py out of the table that `azml check` reads."""
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "tables.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_guide_has_every_table():
    """What is better, what differs, what needs the cloud, and what others took away: none was lost on the way."""
    text = PAGE.read_text()
    assert re.findall(r"made by docs/tables\.py: (\w+)", text) == ["runs", "better", "differs", "cloud", "others"]
    assert "| `numpy.float` | gone in NumPy 1.24: write float |" in text
    assert "`Model.deploy`" in text


def test_an_empty_table_is_filled_and_its_neighbours_stay(tmp_path):
    """A place that is new has no line between its two marks."""
    for part in ("docs/tables.py", "docs/how-to/coming-from-azureml.md", "docs/reference/hooks.md"):
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / part).write_text((ROOT / part).read_text())
    page = tmp_path / "docs/how-to/coming-from-azureml.md"
    page.write_text(re.sub(r"(tables\.py: better -->\n).*?(<!-- end)", r"\1\2", PAGE.read_text(), flags=re.DOTALL))
    assert page.read_text() != PAGE.read_text()
    subprocess.run([sys.executable, tmp_path / "docs/tables.py"], check=True)
    assert page.read_text() == PAGE.read_text()


def test_the_code_of_the_guide_runs(elsewhere, python):
    """As it stands there."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    python(code, PYTHONWARNINGS="")
    from azureml.core import Workspace

    (run,) = Workspace.from_config().experiments["ridge"].get_runs()
    assert (run.get_status(), run.get_metrics()) == ("Completed", {"mse": 3424.3})


def test_the_readme_runs(elsewhere):
    """The script that it submits is one that logs."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "plugins/azml-azureml/README.md").read_text(), re.DOTALL)
    (elsewhere / "train.py").write_text("from azureml.core import Run\nRun.get_context().log('mse', 3424.3)\n")
    (elsewhere / "submit.py").write_text(code)
    done = subprocess.run([sys.executable, "submit.py"], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("{'mse': 3424.3}\n")
    assert ": Completed\n" in done.stdout


def test_the_sample_of_azml_check_is_real(elsewhere):
    """The two findings that the guide shows, at the places that it shows."""
    (elsewhere / "notebooks").mkdir()
    cells = ["import os", "x = 1", "a = 1\nb = 2\nc = 3\nfrom azureml.train.estimator import Estimator"]
    document = {"cells": [{"cell_type": "code", "source": cell} for cell in cells]}
    (elsewhere / "notebooks" / "a.ipynb").write_text(json.dumps(document))
    (elsewhere / "train.py").write_text("\n" * 6 + "from sklearn.externals import joblib\n")
    done = subprocess.run(
        [sys.executable, "-m", "azml_integrations.cli", "check", "train.py", "notebooks/"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (shown,) = re.findall(r"\$ azml check train\.py notebooks/\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert normal(done.stdout) == normal(shown)


def normal(printed: str) -> list[str]:
    """Return the lines of a table without its drawing."""
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    return [line for line in lines if line and not set(line) <= {"─"}]
