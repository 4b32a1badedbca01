"""Works off one ticket and leaves: what a launcher of somebody's own starts, wherever it wants the script to run.

``python -m azml_integrations.launch.alone WORKSPACE TARGET RUN_ID [INDEX]`` makes the working copy, starts the script,
writes the statuses, the log and the files into the run, hears that the run is to be canceled, and ends with the script.
It needs the workspace's folder, and nothing of whoever submitted the run.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .. import host, names
from ..errors import StoreError
from ..store.opening import open_view
from .channel import detach, launcher, surroundings
from .interpreters import Interpreters
from .job import Job, Orphan, Site, abandon, cancel_waiting
from .processes import python_words
from .queue import Place, Queue
from .snapshot import Snapshots

if TYPE_CHECKING:
    from ..core.workspace import Workspace
    from ..store.view import View

BEAT = 0.5
"""So often it looks whether its run is to be canceled [s]."""


# -- for a launcher ----------------------------------------------------------------------------------


def command(workspace: "Workspace", target: str, run_id: str) -> list[str]:
    """Return the words that work off a run's ticket; they may be said twice, and only one process does it.

    Parameters
    ----------
    workspace : Workspace
        Whose run it is. Its folder has to be there, under the same path, where the words are said.
    target : str
        The compute target.
    run_id : str
        The run.
    """
    index = workspace._index_url  # noqa: SLF001 - family
    last = [] if index is None else [index]
    return python_words(f"{__package__}.alone", str(workspace.root), target, names.run(run_id), *last)


def environment(secrets: Mapping[bytes, bytes] | None = None) -> dict[bytes, bytes]:
    """Return the environment of a process that works off a ticket: this one's, and what the ticket withholds.

    Parameters
    ----------
    secrets : mapping of bytes to bytes, default=None
        As `Launcher.receive` got them. The script starts without those that are not there, and its run says so.
    """
    return surroundings(secrets or {})


def start(workspace: "Workspace", target: str, run_id: str, secrets: Mapping[bytes, bytes] | None = None) -> None:
    """Have a run's ticket worked off on this machine, in a process that nobody has to wait for.

    Parameters
    ----------
    workspace, target, run_id
        As `command` has them.
    secrets : mapping of bytes to bytes, default=None
        As `environment` has them.

    Raises
    ------
    StoreError
        If no process can be started.
    """
    queue = Queue(workspace.root, target)
    try:
        detach(queue, command(workspace, target, run_id), environment(secrets))
    except (OSError, subprocess.CalledProcessError) as error:
        raise StoreError(str(queue.folder), OSError(str(error)), doing="start a process in") from error


def is_worked_on(workspace: "Workspace", target: str, run_id: str) -> bool:
    """Tell whether a process on this machine works on a run's ticket; a ticket that is gone needs none."""
    with _held(Queue(workspace.root, target), run_id) as place:
        return place is None


def withdraw(workspace: "Workspace", target: str, run_id: str) -> bool:
    """End a run whose ticket still waits, as Canceled.

    Parameters
    ----------
    workspace, target, run_id
        As `command` has them.

    Returns
    -------
    withdrawn : bool
        False where a process works on it; that one sees by itself that the run is to be canceled.
    """
    queue = Queue(workspace.root, target)
    with _held(queue, run_id) as place:
        if place is None or place.path.parent != queue.waiting_folder:
            return False
        cancel_waiting(_site(queue, workspace.view, threading.Event(), workspace._index_url), place)  # noqa: SLF001 - family
        return True


# -- at work -----------------------------------------------------------------------------------------


def work_off(root: Path, target: str, run_id: str, index: str | None = None) -> bool:
    """Run a ticket's script to its end, and write into its run what becomes of it.

    Where a process died that worked on it, its script is waited for, or begun if it never was.

    Parameters
    ----------
    root : Path
        The workspace's folder.
    target, run_id : str
        The compute target and the run.
    index : str, default=None
        Address of the workspace's index, where a plugin keeps it.

    Returns
    -------
    worked : bool
        False where there was nothing to do: another process does it, or the run has ended.
    """
    queue = Queue(root, target)
    with _held(queue, run_id) as place:
        if place is None:
            return False
        view, wake = open_view(root, index), threading.Event()
        site = _site(queue, view, wake, index)
        for ticket in queue.abandoned():
            abandon(site, ticket)
        job = _job(site, place)
        if job is None:
            return False
        with _told_to_end(job), contextlib.closing(site.interpreters):
            _see_through(job, queue, wake)
        with contextlib.suppress(Exception):  # readers find what the index does not know yet
            view.settle_last()
    return True


def _site(queue: Queue, view: "View", wake: threading.Event, index: str | None) -> Site:
    return Site(queue, view, Snapshots(queue.root / "snapshots"), Interpreters(), wake.set, index)


@contextlib.contextmanager
def _held(queue: Queue, run_id: str) -> Iterator[Place | None]:
    """Give a run's ticket to one process alone; None where it is another's, or gone."""
    place = queue.find(run_id)
    fd = None if place is None else _opened(place.path)
    if place is None or fd is None:
        yield None
        return
    try:
        mine = host.try_lock(fd, exclusive=True) or not host.CAN_LOCK
        found = queue.find(run_id) if mine else None  # it may have moved meanwhile
        yield found if found is not None and _is_open(fd, found.path) and not _is_launchers(queue, found) else None
    finally:
        os.close(fd)


def _is_launchers(queue: Queue, place: Place) -> bool:
    """Tell whether the launcher of this machine works on a ticket: it was there before a plugin took the target."""
    return place.path.parent == queue.running_folder and launcher(queue) is not None


def _opened(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def _is_open(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except OSError:
        return False


def _job(site: Site, place: Place) -> Job | None:
    """Return what is to be done for a ticket, or None where it is nothing."""
    queue, run_id = site.queue, place.ticket.run_id
    if place.path.parent == queue.running_folder:
        orphan = Orphan(site, place, {})
        if orphan.resumed():
            return orphan
        again = queue.find(run_id)
        if again is None:
            return None
        place = again
    if run_id in queue.asked_to_cancel():
        cancel_waiting(site, place)
        return None
    claimed = queue.claim(place)
    return None if claimed is None else Job(site, claimed, {})


@contextlib.contextmanager
def _told_to_end(job: Job) -> Iterator[None]:
    """Take a signal to end, as schedulers send it, for a wish to cancel the run."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: _cancel_soon(job)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _cancel_soon(job: Job) -> None:
    """Cancel in a thread: a signal comes at any moment, also while this thread holds the job's lock."""
    threading.Thread(target=job.cancel, args=("the process that ran it was told to end",), daemon=True).start()


def _see_through(job: Job, queue: Queue, wake: threading.Event) -> None:
    job.begin()
    while not job.over:
        if job.ticket.run_id in queue.asked_to_cancel():
            job.cancel("asked for")
        job.tend()
        job.capture()
        wake.wait(max(0.0, min(BEAT, job.due_at - time.monotonic())))
        wake.clear()


if __name__ == "__main__":
    work_off(Path(sys.argv[1]), *sys.argv[2:5])
