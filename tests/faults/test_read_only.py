"""A folder that may not be written: reading works and leaves no trace, writing says so once."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from worlds import NO_FAULT, PRELUDE, begin, books, differences, told, values

from azml_integrations.core import Experiment, Run, Workspace
from azml_integrations.errors import StoreError

NOBODY = 65534


def lived_in(experiment: Experiment) -> Workspace:
    """Fill a workspace with an ended run, a sealed one and a running one."""
    for number in range(2):
        run = begin(experiment)
        run.log_metrics({"a": number, "nan": float("nan")}, step=number)
        run.tag("k", "v")
        run.complete()
        if not number:
            list(experiment.workspace.view.seal_all())
    begin(experiment).log("running", 1.0)
    return experiment.workspace


def everything_below(root: Path) -> dict[str, tuple[int, int]]:
    """Return all files and folders below one, with size and time of change."""
    facts = {path: path.lstat() for path in [root, *root.rglob("*")]}
    return {str(path): (fact.st_size, fact.st_mtime_ns) for path, fact in facts.items()}


def test_a_read_only_disk_is_read_without_a_trace(disk, on_disk):
    """Reading opens no index, makes no file and seals nothing."""
    workspace = lived_in(on_disk)
    expected = told(workspace)
    reader = Workspace._at(disk.read_only() / "home" / "test")
    before = everything_below(workspace.root)

    assert differences(expected, told(reader)) == []

    assert reader.view._index is None
    assert everything_below(workspace.root) == before


def test_writing_to_a_read_only_disk_is_one_clear_error(disk, on_disk, tmp_path):
    """A new run, a point for an old one, a new experiment, a file: the same error, naming the path."""
    ended = next(record.run_id for record in lived_in(on_disk).find_runs() if record.ended)
    workspace = Workspace._at(disk.read_only() / "home" / "test")
    experiment = Experiment(workspace, "trials")

    for attempt in (
        lambda: begin(experiment),
        lambda: Run(experiment, ended).log("late", 1.0),
        lambda: Run(experiment, ended).tag("late", "1"),
        lambda: Run(experiment, ended).upload_file("late.txt", __file__),
        lambda: Experiment(workspace, "another"),
        lambda: experiment.tag("late", "1"),
    ):
        with pytest.raises(StoreError, match="Read-only file system") as caught:
            attempt()
        assert str(workspace.root) in caught.value.path


@pytest.fixture
def common_ground():
    """Give a test a folder that other users may reach."""
    ground = Path(tempfile.mkdtemp(prefix="azml-ground-", dir="/tmp"))
    ground.chmod(0o755)
    yield ground
    shutil.rmtree(ground)


WARM = """
import os, tempfile
here = os.environ["AZML_HOME"]
with tempfile.TemporaryDirectory() as elsewhere:  # all late imports, as long as the files can be reached
    os.environ["AZML_HOME"] = elsewhere
    {PRELUDE}
    begin().log("a", 1.0)
    for run in experiment.get_runs():
        run.get_metrics(), run.complete(), run.get_details()
    list(workspace.view.seal_all()), workspace.view.close()
os.environ["AZML_HOME"] = here
os.chdir("/")
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
"""


def as_nobody(code: str, home: Path) -> str:
    """Run a program as a user who owns nothing."""
    if os.getuid() != 0:
        pytest.skip(f"{NO_FAULT}only root can become somebody else")
    warm = WARM.format(PRELUDE=PRELUDE.replace("\n", "\n    "), NOBODY=NOBODY)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-B", "-c", warm + PRELUDE + code],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"AZML_HOME": str(home)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_another_users_runs_can_be_read_but_not_written(azml_home, common_ground, monkeypatch):
    """A colleague looks at my runs: they see all, change nothing, and are told when they try."""
    monkeypatch.setenv("AZML_HOME", str(common_ground))
    workspace = lived_in(Experiment(Workspace.create("test"), "trials"))
    workspace.view.close()
    before = everything_below(common_ground)

    said = as_nobody(
        """
runs = sorted(experiment.get_runs(), key=lambda run: run.number)
print([run.get_status() for run in runs], [run.get_metrics() for run in runs])
for attempt in (begin, lambda: runs[0].log("late", 1.0), lambda: runs[0].tag("late", "1")):
    try:
        attempt()
    except errors.StoreError as error:
        assert "Permission denied" in error.message and str(workspace.root) in error.path, error
    else:
        raise SystemExit("nothing was raised")
""",
        common_ground,
    )

    nan = "{'a': 0, 'nan': nan}, {'a': 1, 'nan': nan}, {'running': 1.0}"
    assert said.strip() == f"['Completed', 'Completed', 'Running'] [{nan}]"
    assert everything_below(common_ground) == before


def test_a_journal_that_may_not_be_read_hides_no_other_run(azml_home, common_ground, monkeypatch):
    """One run is private: asked for itself it says so, asked for all runs the others come, with a warning."""
    monkeypatch.setenv("AZML_HOME", str(common_ground))
    experiment = Experiment(Workspace.create("test"), "trials")
    workspace = lived_in(experiment)
    private = next(run for run in experiment.get_runs() if run.number == 2)
    for path in books(private):
        path.chmod(0o600)

    said = as_nobody(
        f"""
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(sorted(run.number for run in experiment.get_runs()))
print([warning.category.__name__ for warning in caught], "{private.id}" in str(caught[0].message))
try:
    workspace.get_run("{private.id}")
except errors.StoreError as error:
    print("Permission denied" in error.message)
""",
        common_ground,
    )

    assert said.split("\n")[:-1] == ["[1, 3]", "['IndexWarning'] True", "True"]
    assert values(private, "a") == [1]
    assert workspace.find_runs()
