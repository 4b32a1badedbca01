"""How runs end when nobody ends them: with the program, as the program did. Each story is a real process."""

import os
import signal
import subprocess
import sys

import pytest

from azml_integrations.core import Experiment, Workspace

HEAD = """
import atexit, os, signal, sys, threading, time
from azml_integrations.core import Experiment, Run, Workspace
run = Experiment(Workspace.create("abc", exist_ok=True), "e").start_logging(outputs=False)
run.log("a", 1)
"""


@pytest.fixture
def ended(azml_home, tmp_path):
    """Run a script to its end and return the process and its runs, oldest first."""

    def run(body: str, *, kill: int = 0):
        (tmp_path / "train.py").write_text(HEAD + body)
        environment = {**os.environ, "AZML_HOME": str(azml_home), "AZML_PLUGINS": ""}
        process = subprocess.Popen(
            [sys.executable, "train.py"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        if kill:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(kill)
        out, err = process.communicate(timeout=30)
        done = subprocess.CompletedProcess([], process.returncode, out, err)
        return done, list(Experiment(Workspace.get("abc"), "e").get_runs())[::-1]

    return run


def error(run) -> dict[str, str]:
    return run.get_details()["error"]["error"]


@pytest.mark.parametrize("body", ["", "sys.exit()", "sys.exit(0)", "raise SystemExit"])
def test_a_clean_end_is_completed(ended, body):
    """The last line of a script was reached, or it left by choice."""
    done, (run,) = ended(body)
    assert (done.returncode, done.stderr, run.status) == (0, "", "Completed")
    assert run.get_metrics() == {"a": 1}


def test_an_uncaught_exception_fails_the_run(ended):
    """With its traceback; and the user sees Python's own, unchanged."""
    done, (run,) = ended("def train():\n    raise ValueError('diverged')\ntrain()\n")
    assert (done.returncode, run.status) == (1, "Failed")
    assert done.stderr.startswith("Traceback (most recent call last):")
    assert done.stderr.endswith("ValueError: diverged\n")
    assert (error(run)["code"], error(run)["message"]) == ("UserError", "User program failed with ValueError: diverged")
    assert "in train" in error(run)["debugInfo"]["stackTrace"]


@pytest.mark.parametrize(("code", "status"), [("3", 3), ("'no data'", 1)])
def test_a_bad_exit_code_fails_the_run(ended, code, status):
    """`sys.exit(3)` is how command-line programs say no."""
    done, (run,) = ended(f"sys.exit({code})")
    assert (done.returncode, run.status, error(run)["code"]) == (status, "Failed", "ExitCode")
    assert error(run)["message"] == f"the program ended with exit code {code}"


@pytest.mark.parametrize(
    "body",
    [
        "try:\n    sys.exit(3)\nexcept SystemExit:\n    pass\n",
        "thread = threading.Thread(target=sys.exit, args=(3,))\nthread.start()\nthread.join()\n",
        "try:\n    sys.exit(3)\nexcept SystemExit as error:\n    kept = error\nrun.log('a', 2)\n",
    ],
    ids=["caught", "in a thread", "caught and kept"],
)
def test_an_exit_that_did_not_happen_is_no_failure(ended, body):
    """argparse and click exit inside tests and notebooks, and the program goes on."""
    done, (run,) = ended(body)
    assert (done.returncode, run.status) == (0, "Completed")


def test_ctrl_c_fails_the_run(ended):
    """SIGINT, as from the keyboard."""
    done, (run,) = ended("print('ready', flush=True)\ntime.sleep(30)\n", kill=signal.SIGINT)
    assert (done.returncode, run.status) == (-signal.SIGINT, "Failed")
    assert error(run)["debugInfo"]["type"] == "KeyboardInterrupt"


def test_sigterm_cancels_the_run(ended):
    """A scheduler takes the machine away; the process ends by the signal, as its parent expects."""
    done, (run,) = ended("print('ready', flush=True)\ntime.sleep(30)\n", kill=signal.SIGTERM)
    assert (done.returncode, run.status) == (-signal.SIGTERM, "Canceled")


def test_sigterm_at_the_programs_end_waits_for_it(ended):
    """A pool tells its workers to leave and terminates them in the same moment: the end is not cut in two."""
    done, (run,) = ended(
        """
from azml_integrations import hookimpl, plugins
class Late:
    @hookimpl
    def azml_run_ending(self, run):
        os.kill(os.getpid(), signal.SIGTERM)
        run.log("a", 2)
plugins.plugins().register(Late())
"""
    )
    assert (done.returncode, run.status, run.get_metrics()) == (-signal.SIGTERM, "Completed", {"a": [1, 2]})


def test_the_users_own_handler_of_sigterm_stays(ended):
    """Who has one checkpoints in it; the run ends as that program ends."""
    done, (run,) = ended(
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\nprint('ready', flush=True)\ntime.sleep(30)\n",
        kill=signal.SIGTERM,
    )
    assert (done.returncode, run.status) == (7, "Failed")
    assert error(run)["message"] == "the program ended with exit code 7"


def test_a_handler_that_was_there_first_is_not_replaced(azml_home, tmp_path):
    """Ours is installed only over the default."""
    (tmp_path / "train.py").write_text(
        "import signal\nmine = lambda *_: None\nsignal.signal(signal.SIGTERM, mine)\n"
        + HEAD
        + "print(signal.getsignal(signal.SIGTERM) is mine)\n"
    )
    environment = {**os.environ, "AZML_HOME": str(azml_home), "AZML_PLUGINS": ""}
    done = subprocess.run([sys.executable, "train.py"], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_a_killed_process_is_failed_by_its_lock(ended):
    """SIGKILL says nothing; what was logged is there, and the verdict tells."""
    done, (run,) = ended("print('ready', flush=True)\ntime.sleep(30)\n", kill=signal.SIGKILL)
    assert (done.returncode, run.status, run.get_metrics()) == (-signal.SIGKILL, "Failed", {"a": 1})
    assert error(run)["message"] == "the process ended without completing the run"
    assert run.get_detailed_status() == {"status": "Failed", "details": "the process ended without completing the run"}


def test_every_open_run_ends(ended):
    """Children too, and those that nobody holds any more."""
    _, runs = ended(
        "child = run.child_run('kid')\n"
        "Experiment(Workspace.get('abc'), 'e').start_logging(outputs=False).log('b', 2)\n"
        "raise ValueError('x')\n"
    )
    assert [run.status for run in runs] == ["Failed", "Failed"]
    assert [child.status for child in runs[0].get_children()] == ["Failed"]


def test_a_run_that_was_ended_is_left_alone(ended):
    """The explicit word counts, whatever comes after."""
    _, (run,) = ended("run.complete()\nraise ValueError('later')\n")
    assert run.status == "Completed"


def test_outputs_are_copied_at_the_end_of_the_program(ended, tmp_path):
    """As if `complete()` stood there."""
    _, runs = ended(
        "run.complete()\nother = Experiment(Workspace.get('abc'), 'e').start_logging()\n"
        "open('outputs/model.pkl', 'w').write('model')\n"
    )
    assert runs[1].get_file_names() == ["outputs/model.pkl"]


def test_a_forked_childs_end_ends_nothing(ended):
    """However it ends."""
    for body in ("os._exit(0)", "sys.exit(3)", "raise ValueError('child')"):
        done, runs = ended(
            f"if os.fork() == 0:\n    run.log('child', 1)\n    {body}\n"
            "os.wait()\nprint(run.get_status())\nrun.log('a', 2)\n"
        )
        assert done.stdout == "Running\n", body
        assert runs[-1].status == "Completed", body
        assert runs[-1].get_metrics() == {"a": [1, 2], "child": 1}


def test_a_child_of_multiprocessing_ends_its_own_runs(ended, tmp_path):
    """Its process ends without atexit; its runs do not stay open."""
    (tmp_path / "work.py").write_text(
        "from azml_integrations.core import Experiment, Workspace\n"
        "def work(good):\n"
        "    run = Experiment(Workspace.get('abc'), 'e').start_logging(name=str(good), outputs=False)\n"
        "    run.log('b', 2)\n    assert good, 'no good'\n"
    )
    _, runs = ended(
        "import multiprocessing, work\n"
        "for good in (True, False):\n"
        "    process = multiprocessing.get_context('fork').Process(target=work.work, args=(good,))\n"
        "    process.start(); process.join()\n"
    )
    assert {run.name: run.status for run in runs} == {None: "Completed", "True": "Completed", "False": "Failed"}


def test_a_hook_that_is_set_later_hears_the_exception_too(ended):
    """It may replace ours; the run is Failed all the same."""
    done, (run,) = ended("sys.excepthook = lambda kind, error, trace: print('mine', error)\nraise ValueError('x')\n")
    assert (done.returncode, done.stdout, run.status) == (1, "mine x\n", "Failed")


def test_the_exception_is_heard_behind_a_hook_that_was_there_first(azml_home, tmp_path):
    """Rich, IPython and faulthandlers install theirs at the top of a script."""
    (tmp_path / "train.py").write_text(
        "import sys\nsys.excepthook = lambda kind, error, trace: print('mine', error)\n"
        + HEAD
        + "raise ValueError('x')\n"
    )
    environment = {**os.environ, "AZML_HOME": str(azml_home), "AZML_PLUGINS": ""}
    done = subprocess.run([sys.executable, "train.py"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "mine x\n")
    (run,) = Experiment(Workspace.get("abc"), "e").get_runs()
    assert (run.status, error(run)["debugInfo"]["type"]) == ("Failed", "ValueError")


def test_a_thread_that_dies_does_not_fail_the_run(ended):
    """The program goes on, so the run does."""
    done, (run,) = ended(
        "def work():\n    raise ValueError('thread')\n"
        "thread = threading.Thread(target=work)\nthread.start()\nthread.join()\n"
    )
    assert (done.returncode, run.status) == (0, "Completed")
    assert "ValueError: thread" in done.stderr
