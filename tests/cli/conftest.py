"""The command line in a test: in this process, in one of its own, and on a terminal."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import textwrap
from collections.abc import Callable, Iterator

import click.testing
import pytest
from azml_calls import CALL

from azml_integrations.cli.app import azml as command


class Answer:
    """What a command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@pytest.fixture
def azml(workspace) -> Callable[..., Answer]:
    """Call a command in this process, on the workspace of the test."""

    def call(*arguments: str, code: int = 0) -> Answer:
        arguments = ("--workspace", str(workspace.root), *arguments)
        result = click.testing.CliRunner().invoke(command, arguments, prog_name="azml", catch_exceptions=False)
        answer = Answer(result.exit_code, result.stdout, result.stderr)
        assert answer.code == code, answer.out + answer.err
        return answer

    return call


@pytest.fixture
def shell(workspace) -> Callable[..., subprocess.CompletedProcess]:
    """Call a command in a process of its own."""

    def call(*arguments: str, **extra) -> subprocess.CompletedProcess:
        arguments = [*CALL, "--workspace", str(workspace.root), *arguments]
        return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False, **extra)

    return call


@pytest.fixture
def terminal(workspace) -> Callable[..., tuple[int, str]]:
    """Call a command on a terminal of some width, type something, and return its code and the screen."""

    def call(*arguments: str, typed: str = "", env: dict[str, str] | None = None, width: int = 200) -> tuple[int, str]:
        master, slave = pty.openpty()
        surroundings = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        process = subprocess.Popen(
            [*CALL, "--workspace", str(workspace.root), *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**surroundings, "TERM": "xterm-256color", **(env or {})},
        )
        os.close(slave)
        os.write(master, typed.encode())
        screen = b""
        while process.poll() is None or select.select([master], [], [], 0)[0]:
            if select.select([master], [], [], 0.05)[0]:
                try:
                    screen += os.read(master, 65536)
                except OSError:  # the other side is closed
                    break
        os.close(master)
        return process.wait(), screen.decode().replace("\r\n", "\n")

    return call


@pytest.fixture
def lines_at(terminal) -> Callable[..., list[str]]:
    """Call a command on a terminal of some width without colours, and return the lines of the screen."""

    def call(width: int, *arguments: str) -> list[str]:
        code, screen = terminal(*arguments, env={"NO_COLOR": "1"}, width=width)
        assert code == 0, screen
        return [line.rstrip() for line in screen.splitlines()]

    return call


@pytest.fixture
def other_process(workspace) -> Iterator[Callable[[str], subprocess.Popen]]:
    """Begin a script in a process of its own that has `run`; it goes on until it is killed."""
    begun = []

    def begin(script: str = "") -> subprocess.Popen:
        source = f"""
            import sys, time
            from azml_integrations.core import Experiment, Workspace
            experiment = Experiment(Workspace.get({workspace.name!r}), "elsewhere")
            run = experiment.start_logging(outputs=False, snapshot_directory=None)
            run.log("loss", 0.5, step=1)
            {script}
            print(run.id, flush=True)
            time.sleep(60)
        """
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(source)], stdout=subprocess.PIPE, text=True)
        begun.append(process)
        process.run_id = process.stdout.readline().strip()
        assert process.run_id
        return process

    yield begin
    for process in begun:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def dead_run(other_process) -> str:
    """Leave a run whose process was killed; return its id."""
    process = other_process()
    process.send_signal(signal.SIGKILL)
    process.wait()
    return process.run_id


@pytest.fixture
def ended(experiment) -> Callable[..., object]:
    """Make a run that has ended: parameters and metrics as given."""

    def make(params: dict | None = None, **metrics) -> object:
        run = experiment.start_logging(outputs=False, snapshot_directory=None)
        run.add_properties({f"param.{key}": value for key, value in (params or {}).items()})
        for name, value in metrics.items():
            for place, one in enumerate(value if isinstance(value, list) else [value]):
                run.log(name, one, step=place)
        run.complete()
        return run

    return make
