"""One submitted script from its working copy to its last status, in a thread of the launcher."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from .. import errors, host, journal, names
from ..journal import Journal
from ..records import (
    TERMINAL,
    ArtifactStored,
    ErrorInfo,
    Noted,
    RunEvent,
    RunRecord,
    RunStatus,
    StatusChanged,
)
from ..store import files, mirrors
from ..store.view import View
from . import processes
from .channel import detach, surroundings
from .interpreters import Interpreters, Process
from .queue import Place, Queue
from .snapshot import Snapshots
from .ticket import Ticket

if TYPE_CHECKING:
    from .building import Builder

GRACE = 5.0
"""Time between asking a script to end and ending it [s]."""

CAPTURE = 1.0
"""Time between two looks at ``./logs`` [s]."""

LARGE = 16 << 20
"""Outputs from this size on become the run's without being copied [bytes]."""

BUILD_LOG = "azureml-logs/20_image_build_log.txt"
"""Artifact name of what pip says."""

MIRRORING = "azml_integrations.mirroring"
"""Run as a program, it feeds the mirrors with one run; by its name, since it lives upstairs."""

_POLL = 0.05


class Report(msgspec.Struct, frozen=True):
    """What the bootstrap wrote down about the end of a script."""

    code: int
    type: str | None = None
    message: str = ""
    trace: str | None = None

    def error(self) -> ErrorInfo | None:
        """Return the exception that left the script, if one did."""
        if self.type is None:
            return None
        colon = ": " if self.message else ""
        said = f"User program failed with {self.type}{colon}{self.message}".replace("\0", "\\0")
        return ErrorInfo(said, "UserError", self.type, self.trace)


@dataclass(frozen=True)
class Site:
    """Where jobs work: a workspace and a queue of it.

    Attributes
    ----------
    queue : Queue
        Whose tickets are worked off.
    view : View
        The workspace's runs.
    snapshots : Snapshots
        What working copies are made from.
    interpreters : Interpreters
        What starts scripts.
    wake : callable
        Called when something has changed.
    index : str, default=None
        Address of the workspace's index, where a plugin keeps it.
    """

    queue: Queue
    view: View
    snapshots: Snapshots
    interpreters: Interpreters
    wake: Callable[[], None]
    index: str | None = None

    def work(self, run_id: str) -> Path:
        """Return the folder of a run's working copy."""
        return self.queue.root / "work" / names.run(run_id)

    def inputs(self, run_id: str) -> Path:
        """Return the folder of links to, or copies of, the data that a run was given."""
        return self.queue.root / "inputs" / names.run(run_id)


class Job:
    """A claimed ticket and what becomes of it.

    Parameters
    ----------
    site : Site
        Where it works.
    place : Place
        The ticket, claimed.
    secrets : mapping of bytes to bytes
        Values of the variables that the ticket withholds.
    """

    def __init__(self, site: Site, place: Place, secrets: Mapping[bytes, bytes]) -> None:
        self.site, self.place = site, place
        self.ticket: Ticket = place.ticket
        self._secrets = secrets
        self._folder = site.view.folder(self.ticket.run_id)
        self._work = site.work(self.ticket.run_id)
        self._about = self._folder / "about"
        self._began, self._report = self._about / "began", self._about / "ended.json"
        self._journal = Journal(self._folder, "owner")
        self._lock = threading.Lock()
        self._processes: list[Process] = []
        self._versions: dict[str, files.Version | None] = {}
        self._why_canceled: str | None = None
        self._kill_at = self._due = float("inf")
        self._capture_at = 0.0
        self._since = 0.0
        self.done = self.over = self._mirrored = False

    # -- seen from the launcher ----------------------------------------------------------------------

    def begin(self) -> None:
        """Work in a thread of its own."""
        threading.Thread(target=self.run, name=self.ticket.run_id, daemon=True).start()

    def cancel(self, why: str) -> None:
        """Ask the script to end; it is ended when it has not within `GRACE`. Harmless twice."""
        with self._lock:
            if self._why_canceled is not None or self.over:
                return
            self._why_canceled = why
            self._say(StatusChanged(RunStatus.CANCEL_REQUESTED, time.time()))
            self._kill_at = time.monotonic() + GRACE
            self._tell(signal.SIGTERM)
            if "_builder" in vars(self):
                self._builder.stop()

    @property
    def due_at(self) -> float:
        """When the clock next asks for something [s, monotonic]."""
        return min(self._due, self._kill_at)

    def tend(self) -> None:
        """Do what is due by the clock."""
        now = time.monotonic()
        if now >= self._due:
            self._due = float("inf")
            self.cancel(f"it ran longer than the {self.ticket.seconds:g} s that it was given")
        if now >= self._kill_at:
            self._kill_at = now + GRACE
            self._tell(signal.SIGKILL)

    def _tell(self, number: int) -> None:
        processes.tell(self.ticket.run_id, [process.pid for process in self._processes], number)

    # -- from beginning to end -----------------------------------------------------------------------

    def run(self) -> None:
        """Run the script; whatever happens, the run ends and the ticket goes."""
        try:
            if self._folder.is_dir():
                self._end(*self._outcome())
            else:  # deleted while it waited
                self._leave()
        except Exception as error:  # noqa: BLE001 - a launcher lives on
            with contextlib.suppress(Exception):
                self._finish(RunStatus.FAILED, ErrorInfo(f"the launcher stumbled: {error!r}", "LauncherError"))
        finally:
            self.over = True
            self.site.wake()

    def _outcome(self) -> tuple[RunStatus, ErrorInfo | None]:
        """Return how the run ended."""
        try:
            python = self._prepare()
            for life in range(self.ticket.lives, 0, -1):
                if not self._start(python):
                    return RunStatus.CANCELED, None
                self._have_mirrored()
                codes = self._wait()
                if life == 1 or not self._struck_down(codes):
                    return self._judged(codes)
        except (errors.AzmlError, OSError) as error:
            if self._why_canceled is not None:
                return RunStatus.CANCELED, None
            message = error.message if isinstance(error, errors.AzmlError) else str(error)
            return RunStatus.FAILED, ErrorInfo(message, "LaunchError", type(error).__name__)
        return RunStatus.CANCELED, None

    def _prepare(self) -> str:
        """Make the working copy and the environment; return the interpreter."""
        self._say(StatusChanged(RunStatus.PREPARING, time.time()))
        self._work.mkdir(parents=True, exist_ok=True)
        if self.ticket.snapshot_id is not None:
            self.site.snapshots.restore(self.ticket.snapshot_id, self._work)
        for name in ("outputs", "logs"):
            (self._work / name).mkdir(exist_ok=True)
            self._versions |= {
                f"{name}/{relative}": files.version(path) for relative, path in files.tree(self._work / name)
            }
        self._about.mkdir(exist_ok=True)
        self._forget()  # what an earlier life left, whose launcher was killed before it could
        return self._built() if self.ticket.requirements else self.ticket.python

    def _built(self) -> str:
        """Return the interpreter of the environment that the script asks for, built now if it is not there."""
        log = self._folder / names.path_of(BUILD_LOG)
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log_begins(BUILD_LOG)
        try:
            with log.open("a", encoding="utf-8") as out:
                return str(self._builder.python(self.ticket.requirements, Path(self.ticket.python), out))
        finally:
            self._log_ends(BUILD_LOG)

    @cached_property
    def _builder(self) -> "Builder":
        from .building import Builder  # most scripts need none

        return Builder(self.site.queue.root / "environments" / ".built")

    def _start(self, python: str) -> bool:
        """Start the script's processes; False when the run was canceled before."""
        variables = self._variables() | processes.found_in(python, self.ticket)
        words = processes.command_line(self.ticket, python, self._about)
        port = processes.free_port() if self.ticket.distribution.processes > 1 else 29500
        with self._lock:
            if self._why_canceled is not None:
                return False
            self._say(StatusChanged(RunStatus.RUNNING, time.time()))
            if self.ticket.seconds is not None:
                self._due = time.monotonic() + self.ticket.seconds
            self._processes = []
            for rank in range(self.ticket.distribution.processes):
                ranked = processes.ranked(self.ticket.distribution, rank, port)
                own = variables | {os.fsencode(name): os.fsencode(value) for name, value in ranked.items()}
                log = self.ticket.log_of(rank)
                self._log_begins(log)
                start = processes.start if ranked else self.site.interpreters.start
                path = self._folder / names.path_of(log)
                self._processes.append(start(words, self._work, own, path, (self._journal.fileno(),)))
        return True

    def _variables(self) -> dict[bytes, bytes]:
        """Return the environment of the script, what it must not be without included."""
        found = dict(self.ticket.variables)
        missing = []
        for name in self.ticket.withheld:
            key = os.fsencode(name)
            value = self._secrets.get(key, os.environb.get(key))
            if value is None:
                missing.append(name)
            else:
                found[key] = value
        if missing:
            self._say(
                Noted(
                    "launcher",
                    f"the script starts without {', '.join(missing)}: they look like secrets, which are never stored, "
                    f"and the process that submitted the run ended before its launcher did",
                    time.time(),
                )
            )
        return found

    def _wait(self) -> list[int]:
        """Wait for all processes and return their exit codes; when one of several fails, the others are ended."""
        if len(self._processes) == 1:
            code = self._processes[0].wait()
            return [self._left_behind() if code is None else code]
        while None in (codes := [process.poll() for process in self._processes]):
            if self._kill_at == float("inf") and any(codes):
                self._kill_at = time.monotonic() + GRACE
                living = [process.pid for process, code in zip(self._processes, codes, strict=True) if code is None]
                processes.tell("", living, signal.SIGTERM)
            time.sleep(_POLL)
        return [code for code in codes if code is not None]

    def _left_behind(self) -> int:
        """Return the exit code that a script wrote down itself; that of a kill where it did not come to that."""
        report = self._reported()
        return -signal.SIGKILL if report is None else report.code

    def _struck_down(self, codes: list[int]) -> bool:
        """Tell whether a signal ended the script that nobody has asked for, and it could not tell how it ended."""
        if self._why_canceled is not None or min(codes) >= 0 or self._reported() is not None:
            return False
        self._say(Noted("launcher", f"{processes.how_it_ended(min(codes))}; it is started again", time.time()))
        return True

    def _judged(self, codes: list[int]) -> tuple[RunStatus, ErrorInfo | None]:
        if self._why_canceled is not None:
            self._tell(signal.SIGKILL)  # what the script has started and did not take along
            return RunStatus.CANCELED, None
        failed = [code for code in codes if code and code != -signal.SIGTERM] or [code for code in codes if code]
        if not failed:
            return RunStatus.COMPLETED, None
        return RunStatus.FAILED, self._error(failed[0])

    def _error(self, code: int) -> ErrorInfo | None:
        """Return why the script failed: its exception, else what it told the run itself, else its exit code."""
        report = self._reported()
        if report is not None and (error := report.error()) is not None:
            return error
        record = self.site.view.of(self.ticket.run_id).run(self.ticket.run_id)
        if record is not None and record.error is not None and record.verdict is None:
            return None  # the fold keeps it
        said = processes.how_it_ended(code)
        if report is not None and report.message and report.code == code:
            said += ": " + report.message.replace("\0", "\\0")
        return ErrorInfo(said, "ExitCode")

    def _reported(self) -> Report | None:
        try:
            return msgspec.json.decode(self._report.read_bytes(), type=Report)
        except (OSError, msgspec.MsgspecError):
            return None

    # -- the end -------------------------------------------------------------------------------------

    def _end(self, status: RunStatus, error: ErrorInfo | None) -> None:
        """Collect what the script left, and end the run."""
        self._say(StatusChanged(RunStatus.FINALIZING, time.time()))
        self.done = True  # its slots are free: the next script begins while this one's files are collected
        self.site.wake()
        for rank in range(self.ticket.distribution.processes):
            self._log_ends(self.ticket.log_of(rank))
        for name in ("outputs", "logs"):
            self._collect(name)
        if self._why_canceled is not None:
            self._say(Noted("launcher", f"canceled: {self._why_canceled}", time.time()))
        self._finish(status, error)

    def _finish(self, status: RunStatus, error: ErrorInfo | None) -> None:
        """Clean up, write the last status, and let the ticket go: the last, for then the run may be begun again."""
        shutil.rmtree(self._work, ignore_errors=True)
        shutil.rmtree(self.site.inputs(self.ticket.run_id), ignore_errors=True)
        self._say(StatusChanged(str(status), time.time(), error))
        self._journal.close()
        mirrors.open_again(self.site.queue.root, self.ticket.run_id)
        self._leave()
        self.site.view.settle_soon(self.ticket.run_id)
        self._tell_plugins()

    def _leave(self) -> None:
        self._forget()
        leave(self.site, self.place)

    def _forget(self) -> None:
        """Take away the words that a script left of its beginning and its end."""
        for word in (self._began, self._report):
            with contextlib.suppress(OSError):
                word.unlink(missing_ok=True)

    def _have_mirrored(self) -> None:
        """Have the mirrors fed with the run, by a process of their own: what they do there is not felt here."""
        from ..plugins import plugins  # the script runs already, and waits for nothing

        if self._mirrored or not plugins().listen("azml_mirrors"):
            return
        self._mirrored = True
        queue, last = self.site.queue, [] if self.site.index is None else [self.site.index]
        words = processes.python_words(MIRRORING, str(queue.root), queue.target, self.ticket.run_id, *last)
        with contextlib.suppress(OSError, subprocess.CalledProcessError):  # the next follower gives them the run
            detach(queue, words, surroundings({}))

    def _tell_plugins(self) -> None:
        from ..plugins import Life, plugins  # not before: the launcher's start is waited for

        if plugins().listen("azml_run_ended"):
            run_id = self.ticket.run_id
            life = Life(run_id, lambda source, message: self._say(Noted(source, message, time.time())), run_id)
            plugins().tell("azml_run_ended", life, record=self.site.view.of(run_id).run(run_id))
            plugins().end(run_id)
            self._journal.close()  # a note about a plugin has opened another

    # -- files ---------------------------------------------------------------------------------------

    def capture(self) -> None:
        """Copy what is new in ``./logs`` into the run, while the script writes there."""
        now = time.monotonic()
        if now < self._capture_at or not self._processes or self.over:
            return
        with contextlib.suppress(errors.AzmlError, OSError):
            self._collect("logs")
        self._capture_at = time.monotonic() + max(CAPTURE, 10 * (time.monotonic() - now))

    def _collect(self, prefix: str) -> None:
        """Copy files of the working copy that have changed into the run, except what the run holds newer."""
        changed = [
            (f"{prefix}/{relative}", path, version)
            for relative, path in files.tree(self._work / prefix)
            if (version := files.version(path)) != self._versions.get(f"{prefix}/{relative}")
        ]
        if not changed:
            return
        held = {
            record.name: record.at for record in self.site.view.of(self.ticket.run_id).artifacts(self.ticket.run_id)
        }
        for name, path, version in changed:
            if version is None or version.changed < self._since:
                continue
            if name not in self._versions and held.get(name, 0.0) > version.changed:
                continue
            self._versions[name] = version
            try:
                with files.opened(path) as source:
                    original = path if version.size >= LARGE and prefix == "outputs" else None
                    self._say(files.place(self._folder, names.artifact(name), source, original))
            except errors.AzmlError as error:
                self._say(Noted("outputs", f"{name!a} is not copied: {error.message}", time.time()))

    def _log_begins(self, name: str) -> None:
        self._say(ArtifactStored(name, names.path_of(name).as_posix(), 0, "", time.time()))

    def _log_ends(self, name: str) -> None:
        path = names.path_of(name).as_posix()
        with contextlib.suppress(OSError):
            self._say(ArtifactStored(name, path, (self._folder / path).stat().st_size, "", time.time()))

    def _say(self, *events: RunEvent) -> None:
        self._journal.append(*events)


class Orphan(Job):
    """A ticket whose launcher died: its script may live on, or have ended with nobody there to see it."""

    def resumed(self) -> bool:
        """Put the ticket where it belongs; True when a script has to be waited for.

        A script that was never started waits again, a run that has ended is forgotten.
        """
        record = self._record()
        if record is None or (record.ended and record.verdict is None):
            self._leave()
            return False
        if record.started_at is None or self._may_begin_again():
            self._give_back()
            return False
        self._since = record.started_at
        if self.ticket.seconds is not None:
            self._due = time.monotonic() + max(0.0, record.started_at + self.ticket.seconds - time.time())
        return True

    def run(self) -> None:
        """Wait for the script to end; one that had not come to its first line waits for its turn again."""
        if self._never_began():
            self._give_back()
            self.over = True
            self.site.wake()
        else:
            super().run()

    def _never_began(self) -> bool:
        """Wait for the end, and tell whether the script may be started as if it had not been."""
        try:
            self._outlive()
            return self._why_canceled is None and self._may_begin_again()
        except Exception:  # noqa: BLE001 - met again, and told, where the run is ended
            return False

    def _outlive(self) -> None:
        while self._lives():
            time.sleep(_POLL)

    def _give_back(self) -> None:
        shutil.rmtree(self._work, ignore_errors=True)
        self.site.queue.give_back(self.place)

    def _may_begin_again(self) -> bool:
        """Tell whether a script died with its launcher that goes on where it was, or was not at its first line yet."""
        if self._lives() or self._reported() is not None:
            return False
        return self.ticket.lives > 1 or (self.ticket.command is None and not self._began.exists())

    def _record(self) -> RunRecord | None:
        return self.site.view.of(self.ticket.run_id).run(self.ticket.run_id)

    def _outcome(self) -> tuple[RunStatus, ErrorInfo | None]:
        self._outlive()
        if self._why_canceled is not None:
            return RunStatus.CANCELED, None
        report = self._reported()
        if report is None:
            return RunStatus.FAILED, ErrorInfo(
                "the launcher of the script died, and then the script; how it ended is not known", "LauncherDied"
            )
        return (RunStatus.COMPLETED, None) if report.code == 0 else (RunStatus.FAILED, self._error(report.code))

    def _lives(self) -> bool:
        """Tell whether a process of the script holds the lock that it inherited."""
        for path in journal.files(self._folder):
            opened = journal.header(path)
            if opened is None or opened.role != "owner" or opened.pid == os.getpid():
                continue
            if opened.boot == host.boot() and host.CAN_LOCK and journal.locked(path):
                return True
        return False


def abandon(site: Site, ticket: Ticket) -> None:
    """Fail a run whose submitter died before it stood in the queue."""
    record = site.view.of(ticket.run_id).run(ticket.run_id)
    if record is None or record.status in TERMINAL:
        return
    book = Journal(site.view.folder(ticket.run_id))
    error = ErrorInfo("the process that submitted the run died before the run stood in the queue", "SubmitterDied")
    book.append(StatusChanged(RunStatus.FAILED, time.time(), error))
    book.close()
    shutil.rmtree(site.inputs(ticket.run_id), ignore_errors=True)


def cancel_waiting(site: Site, place: Place) -> None:
    """End a run that waits, without its script having started."""
    folder = site.view.folder(place.ticket.run_id)
    if folder.is_dir():  # else it was deleted while it waited
        book = Journal(folder)
        now = time.time()
        book.append(StatusChanged(RunStatus.CANCEL_REQUESTED, now), StatusChanged(RunStatus.CANCELED, now))
        book.close()
        site.view.settle_soon(place.ticket.run_id)
    leave(site, place)


def leave(site: Site, place: Place) -> None:
    """Take away all that was there for running a script; the ticket last, for then the run may be begun again."""
    for folder in (site.work(place.ticket.run_id), site.inputs(place.ticket.run_id)):
        shutil.rmtree(folder, ignore_errors=True)
    site.queue.canceled(place.ticket.run_id)
    site.queue.remove(place)
