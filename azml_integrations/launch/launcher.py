"""The process that works off the queue of one compute target, as long as there is something in it.

There is one for each workspace and target: it holds a lock in the queue's folder. It starts scripts in their turn,
writes their runs' journals, and leaves when nothing has come for a while. When it is killed, its scripts go on, and
the next launcher takes them over; a script that was started is never started again.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

from .. import host
from ..store.opening import open_view
from .channel import LOCK, Ear, Message, send
from .interpreters import Interpreters
from .job import Job, Orphan, Site, abandon, cancel_waiting
from .queue import Place, Queue, next_in_turn
from .snapshot import Snapshots

BEAT = 0.5
"""So often a launcher looks at its queue when nobody wakes it [s]."""

IDLE = 10.0
"""So long a launcher waits for more work before it leaves [s]."""

TAKING_OVER = 5.0
"""So long a launcher waits for one that is leaving [s]."""


class Launcher:
    """Works off a queue.

    Parameters
    ----------
    site : Site
        Where.
    ear : Ear
        How it is woken.
    secrets : dict
        Values that tickets withhold, by run id; kept in memory only.
    """

    def __init__(self, site: Site, ear: Ear, secrets: dict[str, dict[bytes, bytes]]) -> None:
        self._site, self._ear, self._secrets = site, ear, secrets
        self._queue = site.queue
        self._jobs: dict[str, Job] = {}
        self._leaving = False
        self._swept_at = float("-inf")

    def adopt(self) -> None:
        """Take over what a launcher that died left behind."""
        for place in self._queue.running():
            if self._queue.is_held(place):
                continue  # a plugin has it worked on, and this process does not know that plugin
            orphan = Orphan(self._site, place, {})
            if orphan.resumed():
                self._jobs[place.ticket.run_id] = orphan
                orphan.begin()

    def work(self) -> None:
        """Work until nothing has come for `IDLE`."""
        last = time.monotonic()
        while not self._leaving:
            if self._step():
                last = time.monotonic()
            elif time.monotonic() - last > IDLE:
                return
            for message in self._ear.listen(self._pause()):
                self._take(message)

    def leave(self) -> None:
        """Keep what came at the last moment for whoever comes next: a closed ear hears nothing more."""
        for message in self._ear.close():
            self._take(message)

    @property
    def wanted(self) -> bool:
        """Whether something came while the launcher was leaving."""
        return not self._leaving and not self._queue.empty()

    def stop(self, *_: object) -> None:
        """Leave now; scripts that run go on, and the next launcher takes them over."""
        self._leaving = True
        self._ear.wake()

    def _pause(self) -> float:
        """Return how long nothing is due [s]."""
        due = min((job.due_at for job in self._jobs.values()), default=float("inf"))
        return max(0.0, min(BEAT, due - time.monotonic()))

    def _take(self, message: Message) -> None:
        if message.run_id:
            self._secrets[message.run_id] = message.secrets

    def _step(self) -> bool:
        """Do what can be done now; False when there is nothing to do."""
        self._jobs = {run_id: job for run_id, job in self._jobs.items() if not job.over}
        if not self._queue.folder.is_dir():  # somebody has deleted the workspace
            self._leaving = True
            return False
        self._sweep()
        self._cancel()
        slots = self._queue.slots
        while (place := self._next(slots)) is not None:
            if (claimed := self._queue.claim(place)) is not None:
                self._begin(claimed)
        for job in list(self._jobs.values()):
            job.tend()
            job.capture()
        return bool(self._jobs)

    def _next(self, slots: int) -> Place | None:
        running = [job.ticket for job in self._jobs.values() if not job.done]
        free = slots - sum(ticket.slots for ticket in running)
        return next_in_turn(self._queue.waiting(), running, free)

    def _begin(self, place: Place) -> None:
        run_id = place.ticket.run_id
        job = Job(self._site, place, self._secrets.pop(run_id, {}))
        self._jobs[run_id] = job
        job.begin()

    def _cancel(self) -> None:
        for run_id in self._queue.asked_to_cancel():
            if run_id in self._jobs:
                self._jobs[run_id].cancel("asked for")
                continue
            place = self._queue.find(run_id)
            if place is not None and place.path.parent == self._queue.waiting_folder:
                cancel_waiting(self._site, place)
            elif place is None:
                self._queue.canceled(run_id)  # it has ended meanwhile

    def _sweep(self) -> None:
        """Now and then, look for what a submitter left half done."""
        if time.monotonic() - self._swept_at > IDLE:
            self._swept_at = time.monotonic()
            for ticket in self._queue.abandoned():
                abandon(self._site, ticket)


def serve(root: Path, target: str, index: str | None = None) -> None:
    """Work off a queue until nothing is left to do; return at once where another launcher does.

    Parameters
    ----------
    root : Path
        The workspace's folder.
    target : str
        Name of the compute target.
    index : str, default=None
        Address of the workspace's index, where a plugin keeps it.
    """
    queue = Queue(root, target)
    lock = os.open(queue.made / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        secrets: dict[str, dict[bytes, bytes]] = {}
        while _taken_over(queue, lock) and _served(queue, index, secrets):
            pass
    finally:
        os.close(lock)


def _taken_over(queue: Queue, lock: int) -> bool:
    """Become the queue's launcher; False where another one listens."""
    until = time.monotonic() + TAKING_OVER
    while not host.try_lock(lock, exclusive=True):
        if send(queue, Message()) or time.monotonic() > until:
            return False
        time.sleep(0.01)
    os.truncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return True


def _served(queue: Queue, index: str | None, secrets: dict[str, dict[bytes, bytes]]) -> bool:
    """Work off a queue; True when something came while the launcher was leaving."""
    view = open_view(queue.root, index)
    ear = Ear(queue)
    site = Site(queue, view, Snapshots(queue.root / "snapshots"), Interpreters(), ear.wake, index)
    launcher = Launcher(site, ear, secrets)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):  # its shell may have it ignored, and so all below it
        signal.signal(number, launcher.stop)
    launcher.adopt()
    launcher.work()
    launcher.leave()
    site.interpreters.close()
    with contextlib.suppress(Exception):  # readers find what the index does not know yet
        view.settle_last()
    return launcher.wanted
