"""Processes of a submitted script: started with their ranks, ended with all their descendants."""

import contextlib
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from .ticket import Distribution, Ticket

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")


def command_line(ticket: Ticket, python: str, about: Path) -> list[bytes]:
    """Return the words that start a ticket's script.

    Parameters
    ----------
    ticket : Ticket
        What to run.
    python : str
        Interpreter; that of the ticket, or of the environment built for it.
    about : Path
        Folder in which the script leaves word of its beginning and its end.
    """
    if ticket.command is not None:
        line = " ".join([ticket.command, *(shlex.quote(os.fsdecode(word)) for word in ticket.arguments)])
        return [b"/bin/sh", b"-c", os.fsencode(line)]
    kind, name = ("module", ticket.module) if ticket.module is not None else ("script", ticket.script)
    words = (python, str(BOOTSTRAP), str(about), kind, name or "")
    return [*map(os.fsencode, words), *ticket.arguments]


def found_in(python: str, ticket: Ticket) -> dict[bytes, bytes]:
    """Return the variables by which a script finds the programs of an environment that was built for it."""
    if not ticket.requirements:
        return {}
    folder = Path(python).parent
    path = os.pathsep.join(filter(None, (str(folder), os.fsdecode(ticket.variables.get(b"PATH", b"")))))
    return {b"PATH": os.fsencode(path), b"VIRTUAL_ENV": os.fsencode(folder.parent)}


def ranked(distribution: Distribution, rank: int, port: int) -> dict[str, str]:
    """Return the variables that tell a process its rank among those of one run on one machine."""
    n = str(distribution.processes)
    if distribution.kind == "none":
        return {}
    if distribution.kind == "mpi":
        return {
            "OMPI_COMM_WORLD_RANK": str(rank),
            "OMPI_COMM_WORLD_LOCAL_RANK": str(rank),
            "OMPI_COMM_WORLD_SIZE": n,
            "OMPI_COMM_WORLD_LOCAL_SIZE": n,
            "AZ_BATCH_MASTER_NODE": f"127.0.0.1:{port}",
            "AZ_BATCHAI_MPI_MASTER_NODE": "127.0.0.1",
        }
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": n,
        "LOCAL_WORLD_SIZE": n,
        "NODE_RANK": "0",
        "GROUP_RANK": "0",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(
    words: Sequence[bytes], cwd: Path, variables: Mapping[bytes, bytes], log: Path, kept: Sequence[int]
) -> "subprocess.Popen[bytes]":
    """Start a process in a session of its own, its output appended to a file that any reader may follow.

    Parameters
    ----------
    words : sequence of bytes
        Its command line.
    cwd : Path
        Its working directory.
    variables : mapping of bytes to bytes
        Its whole environment.
    log : Path
        Takes its standard output and error output.
    kept : sequence of int
        Descriptors that it inherits.

    Raises
    ------
    OSError
        If it cannot be started.
    """
    with log_at(log) as output:
        return subprocess.Popen(  # noqa: S603 - the user's own script
            list(words),
            cwd=cwd,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=tuple(kept),
        )


def log_at(path: Path) -> BinaryIO:
    """Open a file that takes a script's output, behind what it holds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab")


def outlive(pid: int) -> None:
    """Wait for the end of a process that need not be a child of this one."""
    with contextlib.suppress(ProcessLookupError):
        fd = os.pidfd_open(pid)
        try:
            select.select([fd], [], [])
        finally:
            os.close(fd)


def members(run_id: str) -> Iterator[int]:
    """Yield the ids of all processes that were started for a run, also those that went their own way since.

    They are told by the ``AZUREML_RUN_ID`` of their environment, where the platform shows it; nothing elsewhere.
    """
    wanted = b"AZUREML_RUN_ID=" + os.fsencode(run_id)
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                yield int(entry.name)


def tell(run_id: str, groups: Sequence[int], number: int) -> None:
    """Send a signal to the process groups of a run, and to all that descends from them."""
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, number)
    for pid in members(run_id):
        if pid not in groups and pid != os.getpid():
            with contextlib.suppress(OSError):
                os.kill(pid, number)


def how_it_ended(code: int) -> str:
    """Return an exit code in words."""
    if code >= 0:
        return f"the script ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = "; the system kills what needs more memory than there is" if name == "SIGKILL" else ""
    return f"the script was ended by {name}{hint}"


def python_words(module: str, *arguments: str) -> list[str]:
    """Return the words that start a module of ours in this interpreter."""
    return [sys.executable, "-m", module, *arguments]
