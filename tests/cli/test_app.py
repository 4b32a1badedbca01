"""How the command line behaves as a program: codes, colours, pipes, interruptions."""

import os
import signal
import subprocess
import sys

from azml_calls import CALL


def test_the_version_is_told(shell):
    """The first question of every bug report."""
    import azml_integrations

    assert shell("--version").stdout == f"azml_integrations {azml_integrations.__version__}\n"


def test_wrong_usage_is_code_two(azml):
    """As everywhere on this system."""
    azml("run", "lst", code=2)
    azml("run", "list", "--limit", "-1", code=2)
    azml("run", "list", "--output", "yaml", code=2)


def test_an_error_of_ours_is_one_line(azml, shell, workspace):
    """No traceback for what the user can mend."""
    (workspace.root / "workspace.json").write_text("{")

    answer = shell("run", "list")

    assert answer.returncode == 1
    assert answer.stderr.startswith("error: cannot read ")
    assert answer.stderr.count("\n") == 1


def test_a_damaged_index_is_one_warning(shell, ended, workspace):
    """Runs are shown from their folders, and what to do stands in one line."""
    ended(mse=1.0)
    workspace.view.close()  # else SQLite would read all of it from the log beside it
    (workspace.root / "index.db").write_bytes(b"no index at all" * 1000)

    answer = shell("run", "list", "--output", "csv")

    assert answer.returncode == 0
    assert len(answer.stdout.splitlines()) == 2
    assert answer.stderr.startswith("warning: the index ")
    assert "azml doctor --repair" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_a_reader_that_has_seen_enough_hears_nothing(ended, workspace):
    """``azml run metrics ID loss | head -1`` ends without a word."""
    run = ended(loss=[float(step) for step in range(50_000)])
    call = [*CALL, "--workspace", str(workspace.root), "run", "metrics", run.id, "loss"]

    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline().split() == [b"step", b"time", b"(UTC)", b"value"]
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 1


def test_a_short_output_into_a_closed_pipe_is_silent_too(ended, workspace):
    """What fits into the buffer meets the closed pipe only at the end."""
    ended()
    read, write = os.pipe()
    os.close(read)
    call = [*CALL, "--workspace", str(workspace.root), "run", "list"]

    answer = subprocess.run(call, stdout=write, stderr=subprocess.PIPE, timeout=60, check=False)

    os.close(write)
    assert (answer.returncode, answer.stderr) == (1, b"")


def test_ctrl_c_is_code_130(ended, workspace):
    """Interrupted, in one word and without a traceback."""
    run = ended(loss=[float(step) for step in range(50_000)])
    call = [*CALL, "--workspace", str(workspace.root), "run", "metrics", run.id, "loss"]

    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()  # it is printing, and waits for us to read on
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)

    assert process.returncode == 130
    assert told.strip() == b"interrupted"


def test_colours_only_where_they_are_wanted(terminal, shell, ended):
    """A terminal gets colours, NO_COLOR and a pipe get none."""
    ended()

    assert "\x1b[32m" in terminal("run", "list")[1]
    assert "\x1b" not in terminal("run", "list", env={"NO_COLOR": "1"})[1]
    assert "\x1b" not in shell("run", "list").stdout


def test_a_pipe_gets_whole_lines(shell, experiment):
    """Where nobody looks nothing is wrapped or cut."""
    name = "n" * 300
    experiment.start_logging(outputs=False, snapshot_directory=None, display_name=name).complete()

    assert name in shell("run", "list").stdout


def test_a_terminal_that_knows_only_ascii(shell, experiment):
    """A name that it cannot show is spelled out; JSON stays JSON."""
    import json

    experiment.start_logging(outputs=False, snapshot_directory=None, display_name="Größe").complete()
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}

    assert "Gr\\xf6\\xdfe" in shell("run", "list", env=env).stdout
    assert json.loads(shell("run", "list", "--output", "json", env=env).stdout)[0]["display_name"] == "Größe"


def test_the_output_may_be_chosen_globally(azml, ended):
    """Before the command or after it; the last one wins."""
    ended()

    assert azml("--output", "json", "run", "list").json
    assert azml("--output", "json", "run", "list", "--output", "tsv").out.startswith("run_id\t")


def test_the_library_does_not_load_the_command_line():
    """Who only logs pays for no click and no rich."""
    code = (
        "import sys, azml_integrations; from azml_integrations import Run; "
        "print([name for name in sys.modules if name.split('.')[0] in ('click', 'rich') or '.cli' in name])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


def test_csv_on_a_terminal_cannot_steer_it(terminal, run):
    """Also the forms for programs are harmless on a screen."""
    run.tag("\x1b[2J", "x")
    run.complete()

    for form in ("csv", "tsv", "json"):
        assert "\x1b[2J" not in terminal("run", "show", run.id, "--output", form, env={"NO_COLOR": "1"})[1]
