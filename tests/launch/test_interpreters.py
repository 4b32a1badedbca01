"""Scripts that are forked from an interpreter which has started find all as their own start would have left it."""

import importlib
import json
import os
import signal
import site
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from queues import eventually, gone

from azml_integrations.launch import channel, processes
from azml_integrations.launch.interpreters import KEPT, LARGEST, Forked, Interpreter, Interpreters

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="scripts start their own interpreters here")

FACTS = """
    import sys, os
    came_with = sorted(name for name in sys.modules if not name.startswith("azml_"))
    import json, signal
    def stream(s):
        return [s.name, s.mode, s.encoding, s.errors, s.line_buffering, s.write_through, s.isatty(), s.newlines,
                type(s.buffer).__name__, s.buffer.name if hasattr(s.buffer, "name") else None, s.fileno(), s.seekable()]
    facts = {
        "modules": came_with,
        "argv": sys.argv[1:], "path": sys.path[1:],
        "first": sys.path[0] == os.path.dirname(os.path.abspath(sys.argv[0])),
        "orig_argv": sys.orig_argv[4:], "flags": repr(sys.flags), "executable": sys.executable, "prefix": sys.prefix,
        "streams": [stream(s) for s in (sys.stdin, sys.stdout, sys.stderr)], "same": sys.stdout is sys.__stdout__,
        "variables": {k: v for k, v in os.environ.items()}, "cwd": os.getcwd(), "umask": os.umask(0o22),
        "signals": {str(n): str(signal.getsignal(n)) for n in signal.valid_signals()},
        "descriptors": [fd for fd in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + fd)].__len__(),
        "input": os.readlink("/proc/self/fd/0"),
        "output": os.readlink("/proc/self/fd/1") == os.readlink("/proc/self/fd/2"),
        "leader": [os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid()],
        "threads": os.listdir("/proc/self/task").__len__(), "wakeup": signal.set_wakeup_fd(-1),
        "names": sorted(n for n in globals() if n.startswith("__")), "depth": sys.getrecursionlimit(),
        "child": os.popen("echo $AZUREML_RUN_ID").read().strip() == os.environ["AZUREML_RUN_ID"],
        "shown": ("AZUREML_RUN_ID=" + os.environ["AZUREML_RUN_ID"]).encode()
                 in open("/proc/self/environ", "rb").read().split(bytes(1)),
    }
    text = json.dumps(facts).replace(os.environ["AZUREML_RUN_ID"], "RUN")
    print(json.dumps([os.getppid(), json.loads(text)]))
"""


def in_turn(submitted, count, *args, **facts):
    """Submit scripts, each when the last one has ended; a kept interpreter has the time to be ready for the third."""
    runs = []
    for _ in range(count):
        runs.append(submitted(*args, **facts))
        runs[-1].wait_for_completion(raise_on_error=False)
        time.sleep(0.3 if len(runs) == 2 else 0)
    return runs


@pytest.mark.parametrize(
    "variable", ["NOTHING=", "PYTHONUNBUFFERED=1", "PYTHONSAFEPATH=1", "PYTHONIOENCODING=latin-1:replace"]
)
def test_a_script_finds_all_as_its_own_start_leaves_it(submitted, queue, log, monkeypatch, variable):
    name, _, value = variable.partition("=")
    monkeypatch.setenv(name, value)
    runs = in_turn(submitted, 3, FACTS, "--alpha", "", "ü")
    by, facts = zip(*(json.loads(log(run)) for run in runs), strict=True)
    assert by[0] == channel.launcher(queue) != by[2]  # where the machine is slow, the second one may be forked
    assert facts[0] == facts[2]
    assert facts[2]["shown"]
    assert facts[2]["child"]


def test_the_exit_code_and_the_error_are_told(submitted):
    (*_, fourth) = in_turn(submitted, 4, "import sys; print('x', file=sys.stderr); sys.exit(7)")
    assert fourth.get_details()["error"]["error"]["message"].startswith("the script ended with exit code 7")
    assert fourth.get_status() == "Failed"
    (*_, fourth) = in_turn(submitted, 4, "import atexit\natexit.register(print, 'bye')\nraise ValueError('too large')")
    assert "ValueError: too large" in fourth.get_details()["error"]["error"]["message"]
    (*_, fourth) = in_turn(submitted, 4, "import os; os.kill(os.getpid(), 9)")
    assert "SIGKILL" in fourth.get_details()["error"]["error"]["message"]


def test_the_output_is_whole_when_a_run_has_ended(submitted, log):
    """Also what is written by ``atexit``, and what was still buffered."""
    runs = in_turn(
        submitted, 4, "import atexit, sys\natexit.register(sys.stdout.write, 'bye')\nsys.stdout.write('hello ')"
    )
    assert [log(run) for run in runs] == ["hello bye"] * 4


def test_cancel_ends_a_forked_script_and_what_it_started(submitted, log):
    in_turn(submitted, 2, "pass")
    time.sleep(0.3)
    run = submitted(
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "print(os.getpid(), child.pid)\n"
        "time.sleep(600)"
    )
    eventually(lambda: len(log(run).split()) == 2)
    pids = [int(pid) for pid in log(run).split()]
    run.cancel()
    run.wait_for_completion(raise_on_error=False)
    assert run.get_status() == "Canceled"
    for pid in pids:
        eventually(lambda pid=pid: gone(pid))


def test_a_kept_interpreter_that_is_killed_costs_no_run(submitted, queue, log):
    """Its script goes on and tells its end itself; the next scripts start as the first did."""
    in_turn(submitted, 2, "pass")
    time.sleep(0.3)
    run = submitted("import os, time\nprint(os.getppid())\ntime.sleep(1)\nprint('done')")
    eventually(lambda: log(run))
    server = int(log(run))
    assert server != channel.launcher(queue)
    os.kill(server, signal.SIGKILL)
    run.wait_for_completion()
    assert log(run).endswith("done\n")
    runs = in_turn(submitted, 3, "import os; print(os.getppid())")
    parents = [int(log(run)) for run in runs]
    assert parents[0] == channel.launcher(queue)
    assert server not in parents


def test_a_launcher_that_is_killed_leaves_forked_scripts_alone(submitted, queue, log):
    in_turn(submitted, 2, "pass")
    time.sleep(0.3)
    run = submitted("import os, time\nprint(os.getppid())\ntime.sleep(2)\nprint('done')")
    eventually(lambda: log(run))
    server, killed = int(log(run)), channel.launcher(queue)
    assert server != killed
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: gone(killed))
    run.wait_for_completion()
    assert log(run) == f"{server}\ndone\n"
    eventually(lambda: gone(server))


def test_what_is_installed_in_between_is_there(submitted, queue, log, tmp_path):
    """A kept interpreter has read its site packages; when they change, a script starts its own."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    text = "import os, sys; print(os.getppid(), any(path.endswith('late') for path in sys.path))"
    (*_, run) = in_turn(submitted, 3, text, python=str(python))
    assert log(run).split()[1] == "False"
    assert int(log(run).split()[0]) != channel.launcher(queue)
    (tmp_path / "late").mkdir()
    (site / "late.pth").write_text(f"{tmp_path / 'late'}\n")
    run = submitted(text, python=str(python))
    run.wait_for_completion()
    assert log(run).split() == [str(channel.launcher(queue)), "True"]


@pytest.mark.parametrize("why", ["sitecustomize", "relative"])
def test_a_start_that_is_not_plain_is_left_to_each_script(submitted, queue, log, tmp_path, monkeypatch, why):
    path = ["lib"] if why == "relative" else [str(tmp_path / "site")]
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text("import os; print('started in', os.getpid())")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*path, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep))
    runs = in_turn(submitted, 4, "import os; print(os.getppid(), os.getpid())")
    for run in runs:
        lines = log(run).splitlines()
        parent, own = lines[-1].split()
        assert int(parent) == channel.launcher(queue)
        assert lines[:-1] == ([] if why == "relative" else [f"started in {own}"])


def test_what_the_locale_makes_of_a_start_is_kept(started, variables):
    """Without a locale Python's start sets one, for the script and what it starts."""
    for name in [name for name in variables if name.startswith((b"LC_", b"LANG"))]:
        del variables[name]
    own, forked = started("import os, sys; print(sys.stdout.encoding, flush=True); os.system('echo $LC_CTYPE')")
    assert forked == own


@pytest.mark.parametrize(
    "line",
    [
        "import os; os.environ.setdefault('SET_AT_START', '1')",
        "import sys; print('said at the start')",
        "import socket, select",
        "import random",
    ],
)
def test_what_a_start_does_is_done_for_each_script(started, venv, line):
    (venv.site / "line.pth").write_text(line + "\n")
    text = "import os, sys; print(os.environ.get('SET_AT_START'), '_socket' in sys.modules, 'select' in sys.modules)"
    own, forked = started(text, venv.python, forks="socket" in line or "random" in line)
    assert forked == own


@pytest.mark.parametrize("variable", ["PYTHONPROFILEIMPORTTIME=1", "PYTHONWARNINGS=bogus::x", "LD_PRELOAD=/no.so"])
def test_what_a_start_says_is_said_for_each_script(started, variables, variable):
    name, _, value = variable.encode().partition(b"=")
    variables[name] = value
    own, forked = started("pass", forks=False)
    assert len(own.splitlines()) == len(forked.splitlines()) > 0


def test_a_path_list_that_was_edited_is_read(started, venv, tmp_path):
    """A folder's own time does not change with a file in it."""
    (tmp_path / "late").mkdir()
    (venv.site / "line.pth").write_text(f"{venv.root}\n")

    def edit():
        with (venv.site / "line.pth").open("a") as file:
            file.write(f"{tmp_path / 'late'}\n")

    text = "import sys; print(sys.path[-1])"
    assert started(text, venv.python, meanwhile=edit, forks=False) == (f"{venv.root}\n", f"{tmp_path / 'late'}\n")


def test_a_user_site_that_is_made_is_seen(forkserver, monkeypatch, tmp_path):
    """It stands in no path before it is there."""
    monkeypatch.setattr(site, "ENABLE_USER_SITE", True)
    monkeypatch.setattr(site, "getusersitepackages", lambda: str(tmp_path / "user"))
    paths = forkserver.watched()
    before = forkserver.startup(paths)
    assert before == forkserver.startup(paths)
    (tmp_path / "user").mkdir()
    assert before != forkserver.startup(paths)


def test_a_shell_script_that_starts_python_is_asked_each_time(started, tmp_path):
    wrapper = tmp_path / "python"
    wrapper.write_text(f'#!/bin/sh\necho chosen; CHOSEN=$AZUREML_RUN_ID exec {sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    own, forked = started("import os; print(os.environ['CHOSEN'])", wrapper, forks=False)
    assert own == forked == "chosen\nrun_1\n"


def test_an_interpreter_is_found_from_the_scripts_folder(started, tmp_path):
    (tmp_path / "python").symlink_to(sys.executable)
    assert started("print(1)", "./python", forks=False) == ("1\n", "1\n")


def test_the_list_of_processes_shows_the_script(submitted, log):
    in_turn(submitted, 2, "pass")
    time.sleep(0.3)
    run = submitted("print(open('/proc/self/cmdline').read(), end='')", "--alpha", "0.1", "x" * 5000)
    run.wait_for_completion()
    assert f"{run.id}.py --alpha 0.1 xxx" in log(run)
    assert "\0" not in log(run).rstrip("\0")


# -- asked by hand -----------------------------------------------------------------------------------


@pytest.fixture
def variables():
    return {**os.environb, b"AZUREML_RUN_ID": b"run_1"}


@pytest.fixture
def words(tmp_path):
    def make(text, python=sys.executable):
        (tmp_path / "about").mkdir(exist_ok=True)
        (tmp_path / "train.py").write_text(text)
        return [
            os.fsencode(w) for w in (python, processes.BOOTSTRAP, tmp_path / "about", "script", tmp_path / "train.py")
        ]

    return make


@pytest.fixture
def interpreters():
    kept = Interpreters()
    yield kept
    kept.close()


@pytest.fixture
def started(interpreters, words, variables, tmp_path):
    """Run a script by itself and as the first that could be forked; return what both printed."""

    def make(text, python=sys.executable, meanwhile=lambda: None, forks=True):
        said = []
        for number in range(3):
            if number == 2:
                for kept in interpreters._kept.values():
                    eventually(lambda kept=kept: kept is None or kept._is_ready() or kept.closed)
                meanwhile()
            log = tmp_path / f"log{number}"
            process = interpreters.start(words(text, python), tmp_path, variables, log, ())
            assert process.wait() == 0
            said.append(log.read_text())
        assert isinstance(process, Forked) == forks
        return said[0], said[2]

    return make


@pytest.fixture
def forkserver(monkeypatch):
    monkeypatch.syspath_prepend(processes.BOOTSTRAP.parent)
    return importlib.import_module("azml_forkserver")


@pytest.fixture
def venv(tmp_path):
    """An environment of its own, with nothing in it."""
    root = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root)], check=True)
    (site,) = root.glob("lib/python*/site-packages")
    return SimpleNamespace(root=root, python=root / "bin" / "python", site=site)


def test_one_end_is_told_at_a_time(interpreters, words, variables, tmp_path):
    """Many scripts at once, each with its own exit code."""
    start = [words("import sys; sys.exit(int(sys.argv[1]))"), tmp_path, variables, tmp_path / "log"]
    for _ in range(2):
        assert interpreters.start([*start[0], b"0"], *start[1:], ()).wait() == 0
    time.sleep(0.5)
    begun = [interpreters.start([*start[0], b"%d" % code], *start[1:], ()) for code in range(8)]
    assert all(isinstance(process, Forked) for process in begun)
    assert [process.wait() for process in reversed(begun)] == list(reversed(range(8)))


def test_polling_tells_the_end_when_it_has_come(interpreters, words, variables, tmp_path):
    start = [words("import time; time.sleep(0.5)"), tmp_path, variables, tmp_path / "log", ()]
    for _ in range(2):
        interpreters.start(*start).wait()
    time.sleep(0.3)
    process = interpreters.start(*start)
    assert isinstance(process, Forked)
    assert process.poll() is None
    codes = []
    eventually(lambda: codes.append(process.poll()) or codes[-1] is not None)
    assert codes[-1] == 0


def test_a_request_that_is_too_long_starts_by_itself(interpreters, words, variables, tmp_path):
    variables[b"LONG"] = b"x" * (100 << 10)
    variables[b"LONGER"] = b"x" * (100 << 10)
    assert len(variables[b"LONG"]) * 2 > LARGEST
    for _ in range(4):
        process = interpreters.start(words("pass"), tmp_path, variables, tmp_path / "log", ())
        assert isinstance(process, subprocess.Popen)
        assert process.wait() == 0


def test_only_some_interpreters_are_kept(interpreters, words, variables, tmp_path):
    """The first goes first, and ends when its scripts have ended."""
    parents = []
    for number in range(KEPT + 1):
        variables[b"KIND"] = b"%d" % number
        for _ in range(3):
            log = tmp_path / f"log{number}"
            interpreters.start(words("import os; print(os.getppid())"), tmp_path, variables, log, ()).wait()
            time.sleep(0.2)
        parents.append(int(log.read_text().split()[-1]))
    assert len({*parents, os.getpid()}) == KEPT + 2
    eventually(lambda: gone(parents[0]))
    assert not any(gone(pid) for pid in parents[1:])


def test_one_that_cannot_start_refuses_nobody(variables, tmp_path):
    """A start that fails is a refusal; the script's own start tells why."""
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    interpreter = Interpreter(os.fsencode(broken), variables)
    eventually(lambda: interpreter.fork([], Path(), {}, ()) is None and interpreter.closed)
    assert not interpreter.outdated


def test_one_that_was_killed_is_outdated(words, variables, tmp_path):
    interpreter = Interpreter(os.fsencode(sys.executable), variables)
    found = []
    with (tmp_path / "log").open("ab") as output:
        ask = (words("import os; print(os.getppid())"), tmp_path, variables, (output.fileno(),))
        eventually(lambda: found.append(interpreter.fork(*ask)) or found[-1])
        assert found[-1].wait() == 0
        os.kill(int((tmp_path / "log").read_text()), signal.SIGKILL)
        eventually(lambda: interpreter.fork(*ask) is None)
    assert interpreter.outdated


def test_a_script_that_was_killed_before_it_began_is_started_by_itself(variables, tmp_path):
    """Its end comes where its id should have; it must not be taken for one."""
    interpreter = Interpreter.__new__(Interpreter)
    interpreter._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    interpreter._ready = True

    def answer():
        _, (fd, *_), *_ = socket.recv_fds(theirs, LARGEST, 8)
        os.write(fd, b"-9")
        os.close(fd)

    with theirs:
        thread = threading.Thread(target=answer)
        thread.start()
        assert interpreter.fork([], tmp_path, {}, ()) is None
        thread.join()


def test_a_system_that_refuses_a_process_costs_the_others_nothing(forkserver, monkeypatch):
    def refuse():
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", refuse)
    assert forkserver.forked() is None


def test_a_silent_end_is_waited_for():
    """Where the interpreter was killed, nobody tells the exit code; the end is still waited for."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with subprocess.Popen(["sleep", "0.3"]) as process:
        theirs.close()
        began = time.monotonic()
        assert Forked(process.pid, mine).wait() is None
        assert time.monotonic() - began > 0.1
