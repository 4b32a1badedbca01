"""Many processes at once, on a path that does not exist yet: all survive, and nothing is lost or doubled."""

import subprocess
import sys
import time

import pytest
from worlds import differences, told, told_afresh, values

from azml_integrations.core import Experiment, Workspace

MEMBER = """
import os, sys, time
begin_at = float(sys.argv[1])
from azml_integrations.core import Experiment, Workspace
while time.time() < begin_at:
    pass
workspace = Workspace.create("crowd", exist_ok=True)
run = Experiment(workspace, "together").start_logging(outputs=False, snapshot_directory=None)
for i in range(100):
    run.log("i", i)
run.tag("done", "yes")
run.complete()
assert run.get_metrics() == {"i": list(range(100))}
print(run.number)
"""


def crowd(size: int) -> list[int]:
    """Start so many processes at one moment; return the numbers that their runs were given."""
    moment = time.time() + 0.3 + size * 0.06
    command = [sys.executable, "-W", "error", "-c", MEMBER, str(moment)]
    members = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(size)
    ]
    numbers = []
    for member in members:
        out, err = member.communicate(timeout=300)
        assert member.returncode == 0, err
        numbers.append(int(out))
    return numbers


@pytest.mark.parametrize("size", [16, pytest.param(64, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_a_crowd_on_a_path_that_does_not_exist(azml_home, tmp_path, size):
    """The first thing that a sweep does: every process makes the same workspace and experiment, and logs."""
    assert not azml_home.exists()

    assert sorted(crowd(size)) == list(range(1, size + 1))

    workspace = Workspace.get("crowd")
    runs = list(Experiment(workspace, "together").get_runs())
    assert sorted(run.number for run in runs) == list(range(1, size + 1))
    assert {run.get_status() for run in runs} == {"Completed"}
    assert all(values(run, "i") == list(range(100)) for run in runs)
    assert differences(told(workspace), told_afresh(workspace, tmp_path / "new.db")) == []
    assert sorted(path.name for path in azml_home.iterdir()) == ["crowd"]
    scraps = [path.name for path in (azml_home / "crowd").rglob("*") if path.name.startswith(".")]
    assert scraps == []


def test_a_crowd_that_upgrades_one_index(azml_home, tmp_path):
    """Sixteen processes of a new version meet the index of an old one: one brings it up, none fails."""
    import sqlite3

    from azml_integrations.store import schema

    crowd(2)
    workspace = Workspace.get("crowd")
    for path in workspace.root.glob("index.db*"):
        path.unlink()
    with sqlite3.connect(workspace.root / "index.db") as db:
        db.executescript(schema.migrations()[0])
        db.execute("PRAGMA user_version = 1")
    db.close()

    assert sorted(crowd(16)) == list(range(3, 19))
    assert differences(told(workspace), told_afresh(workspace, tmp_path / "new.db")) == []
