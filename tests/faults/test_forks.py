"""Forks with an open run: no deadlock, no lost point, and a child never ends its parent's run."""

import os

import pytest
from worlds import damaged_lines, differences, told, told_afresh, values

from azml_integrations.core import Run


def test_many_forks_while_threads_log(program, experiment, tmp_path):
    """Children of a busy parent log, tag and fold at once: none hangs, and every point is in the one run."""
    said = program("""
        import random
        run = begin(run_id="forked")
        stop, counts = threading.Event(), [0, 0, 0]
        def log(k):
            while not stop.is_set():
                if k == 0:
                    run.log(f"thread{k}", counts[k])
                elif k == 1:
                    run.tag("thread", str(counts[k]))
                else:
                    run.metric_points("thread0")
                counts[k] += 1
                time.sleep(0.0002)
        threads = [threading.Thread(target=log, args=(k,)) for k in range(3)]
        for thread in threads:
            thread.start()
        children = {}
        for child in range(40):
            time.sleep(0.004)
            pid = os.fork()
            if pid == 0:
                code = 1
                try:
                    run.log("child", child)
                    run.log_row("row", child=child, pid=os.getpid())
                    run.tag(f"child{child}", "was here")
                    assert child in [point.value for point in run.metric_points("child")]
                    assert not run.owned
                    if child % 2:
                        sys.exit(0)
                    code = 0
                except SystemExit:
                    raise
                except BaseException:
                    import traceback
                    traceback.print_exc()
                finally:
                    if not child % 2:
                        os._exit(code)
            children[pid] = time.monotonic() + 20
        while children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid:
                assert status == 0, status
                del children[pid]
            elif time.monotonic() > min(children.values()):
                for pid in children:
                    os.kill(pid, signal.SIGKILL)
                sys.exit(f"{len(children)} children hang")
            else:
                time.sleep(0.01)
        stop.set()
        for thread in threads:
            thread.join()
        assert run.owned and run.get_status() == "Running"
        say(counts[0])
        run.complete()
    """).ended()

    run = Run(experiment, "forked")
    assert values(run, "thread0") == list(range(int(said[0])))
    assert sorted(values(run, "child")) == list(range(40))
    assert {f"child{child}" for child in range(40)} <= run.tags.keys()
    assert run.get_status() == "Completed"
    assert damaged_lines(run) == 0
    assert differences(told(experiment.workspace), told_afresh(experiment.workspace, tmp_path / "new.db")) == []


def test_the_lock_dies_with_the_parent_not_with_the_child(program, experiment):
    """A child outlives its parent: the run is dead all the same, because its owner is."""
    parent = program("""
        run = begin(run_id="orphaned")
        if os.fork() == 0:
            run.log("child", 1)
            say(os.getpid())
            time.sleep(60)
            os._exit(0)
        time.sleep(60)
    """)
    child = int(parent.heard())
    run = Run(experiment, "orphaned")
    assert run.get_status() == "Running"
    parent.send_signal(9)
    parent.wait()

    assert run.get_status() == "Failed"
    os.kill(child, 9)
    assert values(run, "child") == [1]


def test_the_parent_lives_on_when_its_children_die(program, experiment):
    """A killed child takes no lock with it: the parent's run is Running until the parent ends it."""
    parent = program("""
        run = begin(run_id="parent")
        for _ in range(5):
            if (pid := os.fork()) == 0:
                run.log("child", 1)
                os.kill(os.getpid(), signal.SIGKILL)
            os.waitpid(pid, 0)
        say("forked")
        sys.stdin.readline() if False else time.sleep(1)
        run.complete()
    """)
    assert parent.heard() == "forked"
    run = Run(experiment, "parent")
    assert run.get_status() == "Running"
    assert values(run, "child") == [1] * 5
    parent.ended()
    assert run.get_status() == "Completed"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_children_log_into_the_run_they_are_given(tmp_path, program, experiment, method):
    """By whatever way a child begins: a handle that is handed over goes on, and a run of its own is its own."""
    script = tmp_path / "script.py"
    script.write_text(
        f"""
import multiprocessing, os
from azml_integrations.core import Experiment, Run, Workspace

def work(run, child):
    for i in range(50):
        run.log(f"child{{child}}", i)
    run.tag(f"child{{child}}", "done")
    assert not run.owned
    own = run.experiment.start_logging(run_id=f"own{{child}}", outputs=False, snapshot_directory=None)
    own.log("own", child)
    if child == 1:
        raise ValueError("on purpose")
    if child == 2:
        raise SystemExit(0)
    if child == 3:
        raise SystemExit(5)

if __name__ == "__main__":
    run = Experiment(Workspace.get("test"), "trials").start_logging("parent", "parent", False, None)
    run.log("parent", 1)
    context = multiprocessing.get_context("{method}")
    children = [context.Process(target=work, args=(run, child)) for child in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 1, 0, 5], children
    assert run.owned and run.get_status() == "Running"
    assert all(run.get_metrics()[f"child{{child}}"] == list(range(50)) for child in range(4))
    run.complete()
"""
    )
    program(f"import runpy; sys.argv = ['{script}']; os.execv(sys.executable, [sys.executable, '{script}'])").ended()

    run = Run(experiment, "parent")
    assert run.get_status() == "Completed"
    assert run.tags == {f"child{child}": "done" for child in range(4)}
    own = [Run(experiment, f"own{child}") for child in range(4)]
    assert [run.get_metrics() for run in own] == [{"own": child} for child in range(4)]
    assert [run.get_status() for run in own] == ["Completed", "Failed", "Completed", "Failed"]
    assert "ValueError: on purpose" in own[1].get_details()["error"]["error"]["debugInfo"]["stackTrace"]


def test_a_child_that_is_terminated_is_canceled(tmp_path, program, experiment):
    """Process.terminate() on a child with a run of its own: Canceled; the parent's run does not notice."""
    script = tmp_path / "script.py"
    script.write_text(
        """
import multiprocessing, time
from azml_integrations.core import Experiment, Run, Workspace

def work(run, ready):
    own = run.experiment.start_logging(run_id="own", outputs=False, snapshot_directory=None)
    own.log("own", 1)
    ready.set()
    time.sleep(60)

if __name__ == "__main__":
    run = Experiment(Workspace.get("test"), "trials").start_logging("parent", "parent", False, None)
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    child = context.Process(target=work, args=(run, ready))
    child.start()
    assert ready.wait(60)
    child.terminate()
    child.join(60)
    assert child.exitcode == -15, child.exitcode
    assert run.get_status() == "Running"
"""
    )
    program(f"os.execv(sys.executable, [sys.executable, '{script}'])").ended()

    assert Run(experiment, "own").get_status() == "Canceled"
    assert Run(experiment, "parent").get_status() == "Completed"


def test_joblib_workers_log_into_a_pickled_run(tmp_path, program, experiment):
    """loky starts clean processes; the run travels to them as its address."""
    pytest.importorskip("joblib", reason="joblib is not installed")
    script = tmp_path / "script.py"
    script.write_text(
        """
import os
from joblib import Parallel, delayed
from azml_integrations.core import Experiment, Workspace

def work(run, task):
    run.log("task", task)
    run.log_metrics({"a": task, "b": -task})
    return os.getpid()

if __name__ == "__main__":
    run = Experiment(Workspace.get("test"), "trials").start_logging("parent", "joblib", False, None)
    pids = Parallel(n_jobs=2)(delayed(work)(run, task) for task in range(60))
    assert os.getpid() not in pids
    assert sorted(run.get_metrics()["task"]) == list(range(60))
    run.complete()
"""
    )
    program(f"os.execv(sys.executable, [sys.executable, '{script}'])").ended()

    run = Run(experiment, "joblib")
    assert sorted(values(run, "task")) == list(range(60))
    assert values(run, "a") == [-value for value in values(run, "b")]
    assert run.get_status() == "Completed"


def test_a_fork_in_the_moment_a_journal_is_made_inherits_no_lock(program, experiment):
    """A thread opens journals while the main thread forks: no child holds a lock that it does not know of."""
    program("""
        stop = threading.Event()
        made = []
        def make():
            while not stop.is_set():
                run = begin()
                made.append(run.id)
                run.complete()
        thread = threading.Thread(target=make)
        thread.start()
        children = []
        for _ in range(150):
            time.sleep(0.003)
            if (pid := os.fork()) == 0:
                time.sleep(60)
                os._exit(0)
            children.append(pid)
        stop.set()
        thread.join()
        def held(pid):
            for fd in os.listdir(f"/proc/{pid}/fd"):
                with open(f"/proc/{pid}/fdinfo/{fd}") as info:
                    writable = int(info.read().split()[3], 8) & os.O_WRONLY
                if writable and (path := os.readlink(f"/proc/{pid}/fd/{fd}")).endswith(".jsonl"):
                    yield path
        journals = [path for pid in children for path in held(pid)]
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        assert not journals, journals
        assert len(made) > 10, made
    """).ended()
