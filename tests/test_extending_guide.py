"""The guide to what plugins can add does, part by part, what it says."""

import os
import subprocess
import sys

import pytest
from guides import followed, parts
from queues import dismiss

PARTS = parts("how-to/extend-azml.md")
ELSEWHERE = {"A panel on a run's page"}
"""Parts that need more than the core: tests/portal follows them."""


@pytest.mark.parametrize("part", [name for name in PARTS if name not in ELSEWHERE])
def test_the_guide_does_what_it_says(part, workspace, tmp_path, monkeypatch):
    """A reader who types what stands there sees what stands there, and the tests of the page pass."""
    monkeypatch.setenv("AZML_WORKSPACE", str(workspace.root))
    monkeypatch.setenv("SCRATCH", str(tmp_path))
    with followed(PARTS[part], tmp_path):
        for path in tmp_path.glob("test_*.py"):
            if path.stem == "test_now":
                continue  # tests/testing/test_launchers.py has the launcher of the page keep its contract
            words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)]
            done = subprocess.run(words, capture_output=True, text=True, check=False, env=dict(os.environ))
            assert done.returncode == 0, done.stdout + done.stderr
    dismiss(workspace.queue("now"))
