"""A launcher runs what waits, says in each run how it ended, and its death loses nothing and repeats nothing."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from queues import eventually, gone

from azml_integrations.core import Run
from azml_integrations.core.submission import Family, enter
from azml_integrations.launch import channel, job
from azml_integrations.launch import ticket as tickets
from azml_integrations.launch.ticket import Distribution


def statuses(run):
    """Return every status that a run has had, in order, from its journals."""
    from azml_integrations import journal
    from azml_integrations.records import Cursor, StatusChanged

    events = [
        event
        for path in journal.files(run._folder)
        for batch in journal.read(path, Cursor())
        for event in batch.events
        if isinstance(event, StatusChanged)
    ]
    return [str(event.status) for event in sorted(events, key=lambda event: event.at)]


def test_a_script_runs_and_its_output_is_the_runs(submitted, log, queue):
    run = submitted("import sys; print('out', sys.argv[1:]); print('err', file=sys.stderr)", "--alpha", "0.1")
    details = run.wait_for_completion()
    assert details["status"] == "Completed"
    assert log(run) == "out ['--alpha', '0.1']\nerr\n"
    assert statuses(run) == ["Queued", "Preparing", "Running", "Finalizing", "Completed"]
    assert "user_logs/std_log.txt" in details["logFiles"]
    eventually(queue.empty)
    assert not (queue.root / "work" / run.id).exists()


def test_arguments_arrive_byte_for_byte(submitted, log):
    words = ["", " ", "--x=y z", "$HOME", "'\"", "é", "\udcff", "*", "-"]
    run = submitted("import os, sys; print([os.fsencode(word) for word in sys.argv[1:]])", *words)
    run.wait_for_completion()
    assert log(run) == f"{[os.fsencode(word) for word in words]}\n"


def test_the_script_is_a_submission(submitted, log):
    """It finds its run, what it logs is there, and its status is not its own to set."""
    run = submitted(
        """
        from azml_integrations import Run
        run = Run.get_context(allow_offline=False)
        run.log("mse", 0.5)
        run.complete()
        print(type(run).__name__, run.id)
        """
    )
    run.wait_for_completion()
    assert log(run) == f"_SubmittedRun {run.id}\n"
    assert run.get_metrics() == {"mse": 0.5}
    assert statuses(run).count("Completed") == 1


def test_an_exception_that_is_no_text_is_told(submitted):
    run = submitted("raise ValueError('\\udcff')")
    error = run.wait_for_completion(raise_on_error=False)["error"]["error"]
    assert error["message"] == "User program failed with ValueError: \\udcff"


def test_a_script_may_delete_the_folder_it_stands_in(submitted):
    """Its run is found all the same."""
    run = submitted(
        "import os, shutil; shutil.rmtree(os.getcwd())\n"
        "from azml_integrations import Run; Run.get_context().log('mse', 0.5)"
    )
    assert run.wait_for_completion()["status"] == "Completed"
    assert run.get_metrics() == {"mse": 0.5}


def test_a_script_that_raises_fails_with_its_traceback(submitted):
    run = submitted("def f():\n    raise ValueError('too large')\nf()\n")
    details = run.wait_for_completion(raise_on_error=False)
    error = details["error"]["error"]
    assert details["status"] == "Failed"
    assert error["message"] == "User program failed with ValueError: too large"
    assert error["code"] == "UserError"
    assert "line 2, in f" in error["debugInfo"]["stackTrace"]
    assert "bootstrap" not in error["debugInfo"]["stackTrace"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import sys; sys.exit(3)", "exit code 3"),
        ("import os; os._exit(4)", "exit code 4"),
        ("import os; os.kill(os.getpid(), 9)", "SIGKILL; the system kills what needs more memory than there is"),
        ("import os; os.kill(os.getpid(), 11)", "SIGSEGV"),
    ],
)
def test_an_exit_code_is_told_in_words(submitted, text, said):
    run = submitted(text)
    details = run.wait_for_completion(raise_on_error=False)
    assert details["status"] == "Failed"
    assert said in details["error"]["error"]["message"]


def test_what_the_script_says_about_its_failure_stands(submitted):
    """A script that called fail() and left with a code is not explained by the code."""
    run = submitted("import sys\nfrom azml_integrations import Run\nRun.get_context().fail('no data')\nsys.exit(2)")
    assert run.wait_for_completion(raise_on_error=False)["error"]["error"]["message"] == "no data"


def test_outputs_and_logs_are_collected(submitted, workspace):
    """What lies in ./outputs at the end, and in ./logs while the script runs."""
    run = submitted(
        """
        import time, pathlib
        pathlib.Path("logs/live.txt").write_text("one")
        pathlib.Path("outputs/sub").mkdir()
        pathlib.Path("outputs/sub/model.txt").write_text("m")
        pathlib.Path("elsewhere.txt").write_text("lost")
        while not pathlib.Path("go").exists():
            time.sleep(0.01)
        pathlib.Path("logs/live.txt").write_text("two")
        """
    )
    eventually(lambda: "logs/live.txt" in run.get_file_names())
    assert "outputs/sub/model.txt" not in run.get_file_names()
    (workspace.root / "work" / run.id / "go").touch()
    run.wait_for_completion()
    assert run.get_file_names() == ["logs/live.txt", "outputs/sub/model.txt", "user_logs/std_log.txt"]
    assert (workspace.view.folder(run.id) / "logs/live.txt").read_text() == "two"


def test_an_explicit_upload_is_not_replaced_by_an_older_file(submitted, workspace):
    run = submitted(
        """
        import io, time, pathlib
        from azml_integrations import Run
        pathlib.Path("outputs/a.txt").write_text("older")
        time.sleep(0.05)
        Run.get_context().upload_file("outputs/a.txt", io.BytesIO(b"newer"))
        """
    )
    run.wait_for_completion()
    assert (workspace.view.folder(run.id) / "outputs/a.txt").read_text() == "newer"


def test_secrets_reach_the_script_and_no_disk(submitted, log, queue, workspace):
    """Their values are handed over in memory: no file of the workspace ever holds one."""
    secret = b"a-value-that-nobody-stores"
    script = "import os; print(len(os.environ['MY_API_KEY']))"
    for _ in range(2):  # the first starts the launcher, the second meets it
        run = submitted(
            script.replace("open('go').close", "pass"), withheld=["MY_API_KEY"], secrets={b"MY_API_KEY": secret}
        )
        held = [path for path in workspace.root.rglob("*") if path.is_file() and secret in path.read_bytes()]
        run.wait_for_completion()
        assert log(run) == f"{len(secret)}\n"
        held += [path for path in workspace.root.rglob("*") if path.is_file() and secret in path.read_bytes()]
        assert held == []


def test_a_secret_that_got_lost_is_said(submitted, log, queue):
    run = submitted("import os; print(os.environ.get('MY_API_KEY'))", withheld=["MY_API_KEY"])
    run.wait_for_completion()
    assert log(run) == "None\n"
    assert "starts without MY_API_KEY" in run.get_details()["warnings"][0]["message"]


def test_signals_mean_to_the_script_what_they_mean_by_hand(submitted, log):
    """Whatever shell has started the launcher: a script that interrupts itself is interrupted."""
    run = submitted("import signal; print(*(signal.getsignal(n).__class__.__name__ for n in (2, 3, 13, 15)))")
    run.wait_for_completion()
    by_hand = [signal.default_int_handler, signal.SIG_DFL, signal.SIG_IGN, signal.SIG_DFL]
    assert log(run).split() == [kind.__class__.__name__ for kind in by_hand]
    run = submitted("import signal; print(signal.getsignal(signal.SIGQUIT) == signal.SIG_DFL)")
    run.wait_for_completion()
    assert log(run) == "True\n"


def test_a_command_is_run_by_the_shell(submitted, log):
    run = submitted("", "a b", command="echo $((6 * 7))", script=None)
    run.wait_for_completion()
    assert log(run) == "42 a b\n"


def test_no_more_run_at_once_than_there_are_slots(submitted, queue, log):
    queue.choose_slots(2)
    runs = [submitted("import time; print(time.time()); time.sleep(0.3); print(time.time())") for _ in range(6)]
    for run in runs:
        run.wait_for_completion()
    spans = [[float(moment) for moment in log(run).split()] for run in runs]
    assert max(sum(begin <= moment < end for begin, end in spans) for moment, _ in spans) == 2
    started = [run._record().started_at for run in runs]
    assert max(started[:2]) < min(started[2:4]) < max(started[2:4]) < min(started[4:])


def test_everybody_sees_what_waits(submitted, queue):
    queue.choose_slots(1)
    first = submitted("import time; time.sleep(60)")
    second = submitted()
    eventually(lambda: first.get_status() == "Running")
    assert second.get_status() == "Queued"
    assert [place.ticket.run_id for place in queue.running()] == [first.id]
    assert [place.ticket.run_id for place in queue.waiting()] == [second.id]


# -- canceling ---------------------------------------------------------------------------------------


def test_a_run_that_waits_is_canceled_without_having_started(submitted, queue):
    queue.choose_slots(1)
    submitted("import time; time.sleep(60)")
    second = submitted()
    second.cancel()
    assert second.wait_for_completion()["status"] == "Canceled"
    assert "Running" not in statuses(second)
    second.cancel()  # harmless
    assert second.get_status() == "Canceled"


TREE = """
    import os, subprocess, sys, time
    away = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print(os.getpid(), away.pid, child.pid, flush=True)
    time.sleep(600)
"""


def test_cancel_ends_the_whole_tree(submitted, log):
    """Also processes that went into a session of their own."""
    run = submitted(TREE)
    eventually(lambda: log(run).endswith("\n"))
    pids = [int(pid) for pid in log(run).split()]
    assert not any(map(gone, pids))
    run.cancel()
    assert run.wait_for_completion()["status"] == "Canceled"
    eventually(lambda: all(map(gone, pids)))


def test_a_script_that_does_not_hear_is_killed(submitted, log, monkeypatch):
    run = submitted(
        "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('deaf', flush=True)\ntime.sleep(600)"
    )
    eventually(lambda: log(run))
    began = time.monotonic()
    run.cancel()
    assert run.wait_for_completion()["status"] == "Canceled"
    assert time.monotonic() - began >= job.GRACE


def test_a_script_may_tidy_up_when_it_is_canceled(submitted, log):
    run = submitted(
        """
        import signal, sys, time
        signal.signal(15, lambda *_: (print("tidied"), open("outputs/last.txt", "w").close(), sys.exit(0)))
        print("ready", flush=True)
        time.sleep(600)
        """
    )
    eventually(lambda: log(run))
    run.cancel()
    assert run.wait_for_completion()["status"] == "Canceled"
    assert log(run) == "ready\ntidied\n"
    assert "outputs/last.txt" in run.get_file_names()


def test_a_run_that_takes_too_long_is_canceled_and_says_so(submitted):
    run = submitted("import time; time.sleep(600)", seconds=0.5)
    details = run.wait_for_completion()
    assert details["status"] == "Canceled"
    assert "longer than the 0.5 s" in details["warnings"][0]["message"]


# -- several processes -------------------------------------------------------------------------------


RANKED = (
    "import os; print(*(os.environ[n] for n in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'AZUREML_RUN_ID')))"
)


def test_several_ranks_are_one_run_with_a_log_each(submitted, log):
    run = submitted(RANKED, distribution=Distribution(2, "pytorch"))
    run.wait_for_completion()
    for rank in (0, 1):
        assert log(run, f"user_logs/std_log_process_{rank}.txt") == f"{rank} 2 {rank} 127.0.0.1 {run.id}\n"


def test_one_rank_that_fails_ends_the_others(submitted):
    run = submitted(
        "import os, time\nif os.environ['RANK'] == '1': raise KeyError('x')\ntime.sleep(600)",
        distribution=Distribution(3, "pytorch"),
    )
    details = run.wait_for_completion(raise_on_error=False)
    assert details["status"] == "Failed"
    assert "KeyError" in details["error"]["error"]["message"]


# -- deaths ------------------------------------------------------------------------------------------


SUBMITTER = """
import sys, time
sys.path[:0] = {path!r}
import conftest
from azml_integrations.core import Experiment, Workspace
from azml_integrations.core.submission import Family, enter, environment
from azml_integrations.launch.ticket import Ticket
experiment = Experiment(Workspace._at(__import__("pathlib").Path({root!r})), "trials")
for n in range({n}):
    stored, _ = environment(experiment, f"run-{{n}}", {{}})
    facts = dict(script={script!r}, variables=stored)
    ticket = Ticket(f"run-{{n}}", "trials", "local", "me", time.time(), sys.executable, **facts)
    enter(experiment, ticket, Family(ticket.run_id), {{}}, {{}}, {{}})
print("submitted", flush=True)
time.sleep(600)
"""


def test_the_submitter_may_die_and_the_runs_go_on(experiment, queue, tmp_path):
    (tmp_path / "train.py").write_text("import time; time.sleep(0.2)")
    text = SUBMITTER.format(
        path=[str(Path(__file__).parent), *sys.path], root=str(queue.root), script=str(tmp_path / "train.py"), n=4
    )
    process = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout.readline() == "submitted\n"
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    for n in range(4):
        assert Run(experiment, f"run-{n}").wait_for_completion()["status"] == "Completed"


@pytest.mark.parametrize("asked", ["nothing", "cancel"])
def test_a_run_that_is_deleted_while_it_waits_is_forgotten(submitted, queue, workspace, asked):
    """It does not run, nor come back as a folder that no one can read."""
    queue.choose_slots(1)
    blocking = submitted("import time; time.sleep(0.6)")
    run = submitted("print('never')")
    workspace.view.forget(run.id)
    shutil.rmtree(workspace.view.folder(run.id))
    if asked == "cancel":  # somebody has a handle still
        queue.ask_to_cancel(run.id)
        channel.ensure(queue)
    blocking.wait_for_completion()
    eventually(queue.empty)
    assert not workspace.view.folder(run.id).exists()
    assert not (queue.root / "work" / run.id).exists()
    assert queue.asked_to_cancel() == set()


def test_a_launcher_that_dies_while_it_clears_up_leaves_that_to_the_next(submitted, queue):
    """The ticket goes last."""
    run = submitted("import time; time.sleep(0.3)")
    eventually(queue.running)
    (place,) = queue.running()
    run.wait_for_completion()
    eventually(queue.empty)
    os.kill(channel.launcher(queue), signal.SIGKILL)
    eventually(lambda: channel.launcher(queue) is None)
    (queue.root / "work" / run.id).mkdir()
    place.path.write_bytes(tickets.encode(place.ticket))
    channel.ensure(queue)
    eventually(queue.empty)
    assert not (queue.root / "work" / run.id).exists()
    assert statuses(run).count("Completed") == 1


ONCE = """
    import os, time
    with open({marks!r}, "a") as file:
        file.write(os.environ["AZUREML_RUN_ID"] + "\\n")
    time.sleep({seconds})
    open("outputs/done.txt", "w").close()
"""


def test_a_launcher_that_dies_starts_nothing_twice(submitted, queue, tmp_path):
    """Its scripts go on, the next launcher takes them over with all that waited, and each ends as it ended."""
    queue.choose_slots(2)
    marks = tmp_path / "marks"
    runs = [submitted(ONCE.format(marks=str(marks), seconds=0.7)) for _ in range(5)]
    failing = submitted("import time; time.sleep(0.3); raise KeyError('k')")
    eventually(lambda: marks.exists() and len(marks.read_text().split()) == 2)
    os.kill(channel.launcher(queue), signal.SIGKILL)
    eventually(lambda: channel.launcher(queue) is None)
    assert [run.get_status() for run in runs[:2]] == ["Running", "Running"]  # they do run
    for run in runs:
        assert run.wait_for_completion()["status"] == "Completed"
        assert "outputs/done.txt" in run.get_file_names()
    assert sorted(marks.read_text().split()) == sorted(run.id for run in runs)
    assert failing.wait_for_completion(raise_on_error=False)["error"]["error"]["debugInfo"]["type"] == "KeyError"


def test_a_launcher_and_its_script_that_die_leave_no_run_running(submitted, queue, log):
    run = submitted("import os, time; print(os.getpid(), flush=True); time.sleep(600)")
    eventually(lambda: log(run))
    os.kill(channel.launcher(queue), signal.SIGKILL)
    eventually(lambda: channel.launcher(queue) is None)
    os.kill(int(log(run)), signal.SIGKILL)
    eventually(lambda: run.get_status() == "Failed")  # whoever looks, before any launcher has come
    channel.ensure(queue)
    eventually(queue.empty)
    assert "how it ended is not known" in run.get_details()["error"]["error"]["message"]


def test_an_orphan_is_canceled_too(submitted, queue, log):
    run = submitted(TREE)
    eventually(lambda: log(run).endswith("\n"))
    os.kill(channel.launcher(queue), signal.SIGKILL)
    eventually(lambda: channel.launcher(queue) is None)
    run.cancel()
    assert run.wait_for_completion()["status"] == "Canceled"
    eventually(lambda: all(gone(int(pid)) for pid in log(run).split()))


def test_a_script_that_ended_while_no_launcher_looked_ended_as_it_did(submitted, queue, log):
    """The bootstrap has written down its exit code."""
    run = submitted("import time; print('up', flush=True); time.sleep(0.3)")
    eventually(lambda: log(run))
    os.kill(channel.launcher(queue), signal.SIGKILL)
    eventually(lambda: channel.launcher(queue) is None)
    time.sleep(0.6)
    assert run.wait_for_completion()["status"] == "Completed"


def test_two_launchers_never_work_on_one_queue(queue):
    channel.ensure(queue)
    eventually(lambda: channel.launcher(queue) is not None)
    first = channel.launcher(queue)
    second = subprocess.run(
        [sys.executable, "-m", "azml_integrations.launch", str(queue.root), "local"], timeout=30, check=True
    )
    assert second.returncode == 0
    assert channel.launcher(queue) == first


def test_submitting_while_launchers_come_and_go(submitted, queue, log):
    """A launcher is killed again and again while scripts are submitted: each of them runs once."""
    runs, killed = [], {None}

    def another():
        channel.ensure(queue)  # what was submitted last, the dying one may have heard
        return channel.launcher(queue) not in killed

    for _ in range(6):
        runs += [submitted("import os; print(os.environ['AZUREML_RUN_ID'])") for _ in range(3)]
        eventually(another)
        killed.add(channel.launcher(queue))
        os.kill(channel.launcher(queue), signal.SIGKILL)
    for run in runs:
        details = run.wait_for_completion(raise_on_error=False)
        assert (details["status"], details.get("error")) == ("Completed", None)
        assert log(run) == f"{run.id}\n"


def test_what_a_dead_submitter_left_half_done_fails(experiment, queue, ticket, monkeypatch):
    """Its run was made, its ticket never joined the queue."""
    made = ticket()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", _refuse)
        patched.setattr(Path, "unlink", lambda *_, **__: None)  # as if it had been killed here
        with pytest.raises(OSError, match="no more"):
            enter(experiment, made, Family(made.run_id), {}, {}, {})
    (partial,) = queue.folder.glob("*.partial")
    os.utime(partial, (0, 0))
    channel.ensure(queue)
    run = Run(experiment, made.run_id)
    eventually(lambda: run.get_status() == "Failed")
    assert "died before the run stood in the queue" in run.get_details()["error"]["error"]["message"]


def _refuse(*_):
    raise OSError("no more")


def test_the_end_is_told_to_plugins(submitted, queue, tmp_path, monkeypatch):
    """In the launcher: the process that submitted may be gone."""
    site = tmp_path / "site"
    (site / "telling-1.0.dist-info").mkdir(parents=True)
    (site / "telling-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: telling\nVersion: 1.0\n")
    (site / "telling-1.0.dist-info" / "entry_points.txt").write_text("[azml_integrations]\ntelling = telling\n")
    (site / "telling.py").write_text(
        "from azml_integrations import hookimpl\n"
        "@hookimpl\n"
        "def azml_run_ended(record):\n"
        f"    with open({str(tmp_path / 'told')!r}, 'a') as file:\n"
        "        print(record.run_id, record.status, file=file)\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("AZML_PLUGINS", "telling")
    run = submitted("raise SystemExit(1)")
    run.wait_for_completion(raise_on_error=False)
    eventually(lambda: (tmp_path / "told").exists() and (tmp_path / "told").read_text() == f"{run.id} Failed\n")


def test_a_launcher_leaves_when_its_workspace_is_gone(queue):
    channel.ensure(queue)
    eventually(lambda: channel.launcher(queue) is not None)
    pid = channel.launcher(queue)
    shutil.rmtree(queue.root / "queues")
    eventually(lambda: gone(pid))


def test_a_script_that_died_before_its_first_line_is_started_when_its_launcher_has_died_too(
    submitted, queue, log, tmp_path
):
    """The next launcher meets it alive, and only its end tells that it had not begun."""
    slow = tmp_path / "python"
    slow.write_text(
        f'#!/bin/sh\nif [ -e {tmp_path}/again ]; then exec {sys.executable} "$@"; fi\n'
        f"touch {tmp_path}/again; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; kill -9 $$\n"
    )
    slow.chmod(0o755)
    run = submitted("print('once')", python=str(slow))
    eventually((tmp_path / "again").exists)
    killed = channel.launcher(queue)
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: gone(killed))
    channel.ensure(queue)
    eventually(lambda: channel.send(queue, channel.Message()))  # it listens, and then takes over
    time.sleep(0.5)
    (tmp_path / "go").touch()
    assert run.wait_for_completion()["status"] == "Completed"
    assert log(run) == "once\n"
