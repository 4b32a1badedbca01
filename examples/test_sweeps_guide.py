"""The guide to sweeps runs as written."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from azml_integrations.core import Workspace
from azml_integrations.launch import channel

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "sweeps.md"


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A user's empty folder, and an empty home for runs; whatever still runs there afterwards is ended."""
    for name in [name for name in os.environ if name.startswith(("AZML_", "AZUREML_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AZML_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AZML_SLOTS", "4")
    monkeypatch.chdir((tmp_path / "work").mkdir() or tmp_path / "work")
    yield
    queue = Workspace().queue("local")
    until = time.monotonic() + 10
    while (pid := channel.launcher(queue)) and time.monotonic() < until:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGTERM)
        time.sleep(0.02)


def test_the_guide_runs_as_written(world):
    """A grid, its best, a policy that stops two of four: as the page says. Then the file, without a fault."""
    page = PAGE.read_text()
    train, *guide = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    Path("source").mkdir()
    Path("source", "train.py").write_text(train)
    Path("guide.py").write_text("".join(guide))
    done = subprocess.run([sys.executable, "guide.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "".join(re.findall(r"```text\n(.*?)```", page, re.DOTALL))

    (spec,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    Path("alphas.yaml").write_text(spec)
    words = [sys.executable, "-m", "azml_integrations.cli", "sweep", "alphas.yaml", "--dry-run"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert shown.startswith("experiment diabetes: 6 children at most, 2 at one time; minimize mse")
    assert shown.count("--eta0") == 6
