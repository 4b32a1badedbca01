"""A child run on which several processes work."""

import os
import signal
import subprocess
import sys
import time
from multiprocessing import get_context

import pytest

from azml_integrations import Experiment, Run, Workspace, errors

FIVE = 5


@pytest.fixture
def parent(azml_home):
    with Experiment(Workspace.from_config(), "sweep").start_logging(outputs=None, snapshot_directory=None) as run:
        yield run


def work(parent, numbers):
    child = parent.shared_child(f"{parent.id}_0", "alpha=1", {"param.alpha": "1"})
    for number in numbers:
        child.log("score", number / 10, step=number)
        child.finish_part(number, FIVE)


def test_processes_that_work_on_one_child_meet_in_it(parent):
    """Five parts by three processes: one run, begun once, ended with the last part, all points in it."""
    spawn = get_context("spawn")
    workers = [spawn.Process(target=work, args=(parent, part)) for part in ([0, 1], [2], [3, 4])]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    (child,) = parent.get_children()
    assert (child.get_status(), child.name, child.get_properties()) == ("Completed", "alpha=1", {"param.alpha": "1"})
    assert sorted(child.get_metrics()["score"]) == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert child.parent == parent


def test_a_child_is_there_while_it_is_worked_on(parent):
    """Live: its parameters and first scores can be read before the last part is done."""
    child = parent.shared_child(f"{parent.id}_7", properties={"param.alpha": "1"})
    child.log("score", 0.5)
    assert not child.finish_part(0, 2)
    (seen,) = parent.get_children()
    assert (seen.get_status(), seen.get_metrics(), seen.number) == ("Running", {"score": 0.5}, 2)
    assert child.finish_part(1, 2)
    assert seen.get_status() == "Completed"


def test_a_part_that_is_done_twice_counts_once(parent):
    """A task that a scheduler repeats does not end the run early."""
    child = parent.shared_child(f"{parent.id}_7")
    assert [child.finish_part(number, 3) for number in (0, 0, 1, 2)] == [False, False, False, True]


def test_one_failed_part_fails_the_whole(parent):
    """Whichever part it was, and whoever did it: the reason is kept."""
    one, other = (parent.shared_child(f"{parent.id}_1") for _ in range(2))
    one.finish_part(0, 2, "ValueError: alpha is negative", "Traceback ...\nValueError: alpha is negative")
    other.finish_part(1, 2)
    (child,) = parent.get_children()
    assert child.get_status() == "Failed"
    told = child.get_details()["error"]["error"]
    assert told["message"] == "ValueError: alpha is negative"
    assert told["debugInfo"]["stackTrace"].startswith("Traceback")


def test_without_a_number_of_parts_somebody_else_ends_it(parent):
    """Where the number of splits is not known beforehand, the sweep completes its candidates."""
    child = parent.shared_child(f"{parent.id}_1")
    assert not child.finish_part(0, None)
    assert child.get_status() == "Running"
    child.complete()
    assert child.get_status() == "Completed"


def test_a_child_outlives_its_worker_but_not_its_parent(azml_home, tmp_path):
    """A worker that ends between two parts is nothing special; a sweep that is killed takes its candidates with it."""
    program = tmp_path / "sweep.py"
    program.write_text(
        "import subprocess, sys, time\n"
        "from azml_integrations import Experiment, Workspace\n"
        "from multiprocessing import get_context\n"
        "def work(parent):\n"
        "    parent.shared_child(f'{parent.id}_0').finish_part(0, 2)\n"
        "if __name__ == '__main__':\n"
        "    parent = Experiment(Workspace.from_config(), 'sweep').start_logging(outputs=None)\n"
        "    worker = get_context('spawn').Process(target=work, args=(parent,))\n"
        "    worker.start(); worker.join()\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    sweep = subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, cwd=tmp_path)
    assert sweep.stdout.readline() == b"ready\n"
    (parent,) = Experiment(Workspace.from_config(), "sweep").get_runs()
    (child,) = parent.get_children()
    assert child.get_status() == "Running"
    os.kill(sweep.pid, signal.SIGKILL)
    sweep.wait()
    sweep.stdout.close()
    assert child.get_status() == "Failed"
    assert "ended without completing" in child.get_details()["error"]["error"]["message"]


def test_a_child_is_settled_by_its_parents_last_word(parent):
    """The index then need not look at five hundred candidates again; what comes later is seen all the same."""
    child = parent.shared_child(f"{parent.id}_1")
    child.finish_part(0, 1)
    child.log("mean_score", 0.5)
    child.settle()
    index = parent.experiment.workspace.view.all()
    assert child.id not in index.unsettled()
    again = parent.shared_child(f"{parent.id}_1")
    again.log("rank", 1)
    again.settle()
    assert again.get_metrics() == {"mean_score": 0.5, "rank": 1}


def test_names_and_properties_are_checked_before_anything_is_made(parent):
    """As everywhere."""
    with pytest.raises(errors.NameRefusedError):
        parent.shared_child("../elsewhere")
    with pytest.raises(errors.OptionError, match="expected a dict of property names"):
        parent.shared_child(f"{parent.id}_1", properties=["alpha"])
    assert list(parent.get_children()) == []


def test_the_index_can_be_made_anew(parent):
    """Parts are events like others."""
    child = parent.shared_child(f"{parent.id}_1", properties={"param.alpha": "1"})
    child.log("score", 0.5)
    child.finish_part(0, 1)
    child.settle()
    before = child.get_details()
    workspace = parent.experiment.workspace
    workspace.view.forget(child.id)
    time.sleep(0.01)
    assert child.get_details() == before


def test_azml_run_ended_is_told_of_it(parent):
    """Plugins see a candidate end, in the process of its parent."""
    from azml_integrations import hookimpl
    from azml_integrations.plugins import plugins

    ended = []

    class Watcher:
        @hookimpl
        def azml_run_ended(self, record):
            ended.append((record.run_id, record.status))

    plugins().register(Watcher(), "watcher")
    child = parent.shared_child(f"{parent.id}_1")
    child.finish_part(0, 1)
    assert ended == []
    child.settle()
    assert ended == [(child.id, "Completed")]


def test_a_run_that_is_silent_has_silent_children(azml_home, monkeypatch, tmp_path):
    """Worker 1 of a group stores nothing, whatever it shares."""
    monkeypatch.setenv("RANK", "1")
    monkeypatch.chdir(tmp_path)
    parent = Run.get_context()
    child = parent.shared_child(f"{parent.id}_0", properties={"param.alpha": "1"})
    child.log("score", 0.5)
    assert not child.finish_part(0, 1, "ValueError")
    child.settle()
    child.fail("no")
    assert not list(tmp_path.rglob("*.jsonl"))
    assert not list(azml_home.rglob("*.jsonl"))


def test_a_run_that_nobody_submitted_appears_with_its_child(azml_home, monkeypatch, tmp_path):
    """The first verb may be this one."""
    monkeypatch.chdir(tmp_path)
    parent = Run.get_context()
    child = parent.shared_child(f"{parent.id}_0")
    assert (child.get_status(), child.parent.get_status()) == ("Running", "Running")
    parent.complete()
