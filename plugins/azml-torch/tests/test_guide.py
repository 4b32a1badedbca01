"""The guide is one script, and it runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "pytorch.md"


def test_the_guide_runs_as_written(experiment):
    """Every piece of code goes on from the ones before it, and prints what the page says it prints."""
    pytest.importorskip("sklearn", reason="the data of the guide")
    pytest.importorskip("pandas", reason="a table of the guide")
    page = PAGE.read_text()
    Path("guide.py").write_text("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)))
    done = subprocess.run([sys.executable, "guide.py"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    assert done.stdout == "".join(re.findall(r"```text\n(.*?)```", page, re.DOTALL))
    (run,) = type(experiment)(experiment.workspace, "digits").get_runs()
    assert {"parameters/3.bias", "epoch_1_accuracy_score", "batch_roc_curve_table"} <= set(run.get_metrics())
    assert {
        "outputs/Net/test_roc_curve.png",
        "outputs/Net/model.safetensors",
        "outputs/best/model.json",
        "outputs/checkpoint/checkpoint.pt",
        "outputs/profile/trace.json.gz",
        "outputs/whole/model.pt",
    } <= set(run.get_file_names())
