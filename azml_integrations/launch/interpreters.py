"""Interpreters that have started already: a script that would start one like it is forked from it.

Starting Python takes longer than many a script of a sweep runs. Which interpreter a script wants is told by its path
and by its environment, but for what belongs to the run itself. The first script of a kind starts its own; the second
one does too, and has one started for those to come. A start that is not plain (a ``sitecustomize``, a thread, a
relative ``PYTHONPATH``) is left to each script, as it is where the platform cannot fork this way.
"""

import contextlib
import marshal
import os
import select
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from . import processes

SERVER = Path(__file__).with_name("azml_forkserver.py")

LARGEST = 192 << 10
"""Length of the longest request; a script that asks for more starts its own interpreter [bytes]."""

KEPT = 4
"""So many interpreters are kept; the one that was started first goes first."""

_OWN = b"AZUREML_"
"""Beginning of the names of variables that differ from run to run."""

_RUN_ID = b"AZUREML_RUN_ID"

_LONGEST = 255
"""Room for a run's id [bytes]."""

_ROOM = 2048
"""Room for a command line in the list of processes [bytes]."""

_ANSWER = 32

_BEGUN = b"begun"
"""First word of the process of a script."""

_SCRIPT = [os.fsencode(processes.BOOTSTRAP), b"script"]
"""The second and fourth word of a command line that starts a script through the bootstrap."""


class Process(Protocol):
    """A script's process, whoever started it."""

    @property
    def pid(self) -> int:
        """Its id, and that of its group."""

    def wait(self) -> int | None:
        """Wait for its end and return its exit code; None where nobody can know it any more."""

    def poll(self) -> int | None:
        """Return its exit code, or None as long as it runs."""


class Forked:
    """A process that was forked from a kept interpreter, which tells how it ends.

    Parameters
    ----------
    pid : int
        Its id.
    answer : socket
        Where its end is told.
    """

    def __init__(self, pid: int, answer: socket.socket) -> None:
        self.pid, self._answer = pid, answer

    def wait(self) -> int | None:
        """Wait for its end and return its exit code; None where the interpreter was killed that could tell it."""
        with self._answer:
            told = self._answer.recv(_ANSWER)
        if not told:
            processes.outlive(self.pid)
        return int(told) if told else None

    def poll(self) -> int | None:
        """Return its exit code, or None as long as it runs."""
        return self.wait() if select.select([self._answer], [], [], 0)[0] else None


class Interpreter:
    """One that has started, or is about to.

    Parameters
    ----------
    python : bytes
        Its path.
    variables : mapping of bytes to bytes
        Its environment.

    Raises
    ------
    OSError
        If it cannot be started.
    """

    def __init__(self, python: bytes, variables: Mapping[bytes, bytes]) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ready = False
        try:
            with theirs, open(os.memfd_create("start"), "wb") as output:  # noqa: PTH123 - has no path
                self._requests.send(marshal.dumps((python, dict(variables)), 2))  # so it can tell what has changed it
                process = subprocess.Popen(  # noqa: S603 - the user's own interpreter
                    [python, os.fsencode(SERVER), b"%d" % theirs.fileno(), b" " * _ROOM],
                    cwd="/",
                    env={**variables, _RUN_ID: b"-" * _LONGEST},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    pass_fds=(theirs.fileno(),),
                )
        except OSError:
            self.close()
            raise
        threading.Thread(target=process.wait, name=f"end of {process.pid}", daemon=True).start()  # leaves no zombie

    def fork(
        self, words: Sequence[bytes], cwd: Path, variables: Mapping[bytes, bytes], descriptors: Sequence[int]
    ) -> Forked | None:
        """Fork a process for a script; None where that cannot be done, now or at all.

        Parameters
        ----------
        words, cwd, variables
            As in `processes.start`.
        descriptors : sequence of int
            Where it writes, and what it inherits beside.
        """
        if not self._is_ready():
            return None
        message = marshal.dumps((list(words), os.fsencode(cwd), dict(variables)), 2)
        if len(message) > LARGEST:
            return None
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                socket.send_fds(self._requests, [message], [theirs.fileno(), *descriptors])
            word, _, pid = mine.recv(_ANSWER).partition(b" ")
            if word == _BEGUN:  # an exit code is that of a process which ended before it was a script's
                return Forked(int(pid), mine)
        except OSError:
            pass
        mine.close()
        self.close()
        return None

    def _is_ready(self) -> bool:
        if not self._ready and not self.closed:
            try:
                self._ready = bool(self._requests.recv(_ANSWER, socket.MSG_DONTWAIT))
            except BlockingIOError:
                return False
            except ConnectionResetError:  # it ended before it read what it was told
                self._ready = False
            if not self._ready:
                self.close()
        return self._ready and not self.closed

    @property
    def closed(self) -> bool:
        """Whether it is asked nothing more."""
        return self._requests.fileno() < 0

    @property
    def outdated(self) -> bool:
        """Whether another one would do what this one does no more: it was killed, or something was installed since."""
        return self._ready and self.closed

    def close(self) -> None:
        """Ask nothing more of it: it ends when its scripts have ended."""
        self._requests.close()


class Interpreters:
    """Starts processes of scripts, from kept interpreters where there are any."""

    def __init__(self) -> None:
        self._kept: dict[tuple[bytes, frozenset[tuple[bytes, bytes]]], Interpreter | None] = {}
        self._lock = threading.Lock()

    def start(
        self, words: list[bytes], cwd: Path, variables: Mapping[bytes, bytes], log: Path, kept: Sequence[int]
    ) -> Process:
        """Start a process in a session of its own, its output appended to a file.

        Parameters and errors are those of `processes.start`.
        """
        if words[1:4:2] == _SCRIPT and os.path.isabs(words[0]) and hasattr(os, "pidfd_open"):  # noqa: PTH117 - bytes
            with processes.log_at(log) as output, self._lock:
                interpreter = self._found(words[0], variables)
                forked = interpreter and interpreter.fork(words, cwd, variables, (output.fileno(), *kept))
            if forked:
                return forked
        return processes.start(words, cwd, variables, log, kept)

    def _found(self, python: bytes, variables: Mapping[bytes, bytes]) -> Interpreter | None:
        """Return the interpreter for a script, or None for the first of its kind; for the second one it is started."""
        shared = {name: value for name, value in variables.items() if not name.startswith(_OWN)}
        kind = python, frozenset(shared.items())
        if kind not in self._kept:
            self._kept[kind] = None
            self._forget()
            return None
        known = self._kept[kind]
        if known is None or known.outdated:
            with contextlib.suppress(OSError):  # the script's own start tells why, if it fails too
                known = self._kept[kind] = Interpreter(python, shared)
        return known

    def close(self) -> None:
        """Let all go."""
        with self._lock:
            self._forget(but=0)

    def _forget(self, but: int = KEPT) -> None:
        """Let the first go where there are more than so many."""
        while len(self._kept) > but:
            interpreter = self._kept.pop(next(iter(self._kept)))
            if interpreter is not None:
                interpreter.close()
