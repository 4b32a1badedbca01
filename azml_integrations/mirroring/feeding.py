"""Who feeds the mirrors: a thread for each of them in every process that begins a run, one of all at a time.

A mirror that fails is tried again, at first soon and at last every minute, from the batch that it did not take. The end
of a program waits for its mirrors for `END_ALLOWANCE` at most, and for one that is down not at all: what it lacks, the
next follower gives it, of whatever process.
"""

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from .. import host
from ..core import ending
from ..errors import PluginWarning, StoreError, warn_outside
from ..plugins import plugins, reach
from ..records import Mirror, Reflection
from ..store.mirrors import Ledger, MirrorState
from .delivery import Delivery

if TYPE_CHECKING:
    from ..core.run import Run
    from ..core.workspace import Workspace

POLL = 0.5
"""Pause between two looks at the runs under way [s]."""

LONGEST = 60.0
"""Longest pause before a mirror that fails is tried again [s]; the first one is `POLL`."""

END_ALLOWANCE = 1.0
"""Time that the end of a program waits for its mirrors, all of them together [s]."""


def mirrors() -> list[Mirror]:
    """Return the mirrors that the plugins offer; of two of one name, pluggy's order decides.

    Warns
    -----
    PluginWarning
        If a plugin answers with something else than mirrors.
    """
    known: dict[str, Mirror] = {}
    for who, mirror in plugins().offered("azml_mirrors", Mirror):
        if all(isinstance(part, str) for part in (mirror.name, mirror.activate)):
            known.setdefault(mirror.name, mirror)
        else:
            plugins().blame(who, "azml_mirrors", f"{mirror!r} is not made of strings")
    return list(known.values())


def ledgers(workspace: "Workspace") -> dict[str, tuple[Mirror, Ledger]]:
    """Return the mirrors that are installed, with what is kept about them, by name.

    Warns
    -----
    PluginWarning
        If a name cannot be used.
    """
    found = {}
    for mirror in mirrors():
        try:
            found[mirror.name] = mirror, Ledger(workspace.root, mirror.name)
        except ValueError as error:  # a refused name is one
            warn_outside(f"the mirror {mirror.name!r} is not followed: {error}", PluginWarning)
    return found


class Follower:
    """Feed one mirror of one workspace; see `followers` for those of this process.

    Parameters
    ----------
    workspace : Workspace
        Given to the mirror's function.
    mirror : Mirror
        Which.
    ledger : Ledger
        What is kept about it.
    """

    def __init__(self, workspace: "Workspace", mirror: Mirror, ledger: Ledger) -> None:
        self.ledger = ledger
        self._workspace, self._mirror = workspace, mirror
        self._reflection: Reflection | None = None
        self._failures = 0
        self._told = False
        self._refresh()
        host.abandon_in_child(self)

    def _refresh(self) -> None:
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._wake = threading.Event()
        self._closing = False

    def abandon(self) -> None:
        """In a forked child: leave the mirror to the parent, and begin afresh when a run begins here."""
        self.ledger.release()
        self._reflection = None
        self._refresh()

    @property
    def failing(self) -> bool:
        """Whether the last try failed."""
        return self._failures > 0

    def follow(self, run_id: str) -> None:
        """Feed the mirror with a run that begins, from a thread of its own.

        Raises
        ------
        StoreError
            If the disk refuses.
        """
        if self.ledger.state() is None:
            self.ledger.say(MirrorState(self._mirror.name, time.time()))
        self.ledger.open(run_id)
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._follow, name=f"azml mirror {self._mirror.name}", daemon=True
                )
                self._thread.start()
        self._wake.set()

    def close(self) -> None:
        """Have the thread look once more and end; a mirror that is down is not waited for."""
        self._closing = True
        self._wake.set()

    def join(self, timeout: float) -> None:
        """Wait for the thread to end, but not for a mirror that is down [s]."""
        if self._thread is not None and not self._failures:
            self._thread.join(max(0.0, timeout))

    def _follow(self) -> None:
        pause: float | None = 0.0
        while True:
            closing = self._closing
            if not (closing and self._failures):
                pause = self.look()
            if closing:
                break
            self._wake.wait(pause) if not self._failures else self._sleep(pause or POLL)
            self._wake.clear()
        self._let_go()

    def _sleep(self, seconds: float) -> None:
        """Wait for the next try, or for the end: a run that begins is no reason to try sooner."""
        until = time.monotonic() + seconds
        while not self._closing and (left := until - time.monotonic()) > 0:
            self._wake.wait(left)
            self._wake.clear()

    def look(self) -> float | None:
        """Give the mirror what is new, if no other process does; never raises.

        Returns
        -------
        pause : float or None
            When to look again [s]; None when nothing is under way.
        """
        try:
            if not self.ledger.live():
                self._let_go()
                return None
            if not self.ledger.acquire():
                return POLL
            self.deliver()
        except KeyboardInterrupt:  # of whoever follows in the foreground
            self._let_go()
            raise
        except BaseException as error:  # noqa: BLE001 - a stranger's code, in a thread of ours
            return self._failed(error)
        self._succeeded()
        return POLL

    def deliver(self) -> int:
        """Give the mirror what is new, and return how many batches that were; the ledger is held.

        Raises
        ------
        Exception
            Whatever the mirror raises.
        """
        if self._reflection is None:
            self._reflection = reach(self._mirror.activate)(self._workspace)
        return Delivery(self.ledger, self._reflection).all()

    def release(self) -> None:
        """Close the mirror, and let other processes follow."""
        self._let_go()

    def _failed(self, error: BaseException) -> float:
        self._failures += 1
        self._told = True
        fault = f"{type(error).__name__}: {error.message if isinstance(error, StoreError) else error}"
        self.ledger.say(MirrorState(self._mirror.name, time.time(), fault, self._failures))
        self._let_go()  # where this process fails, another may not
        if self._failures == 1:
            with contextlib.suppress(Exception):  # a filter may make an error of it; here nobody could catch it
                warn_outside(
                    f"mirror {self._mirror.name!r}: {fault}; nothing is lost, it is tried again, and `azml mirror "
                    f"--once` gives it what it lacks",
                    PluginWarning,
                )
        return float(min(LONGEST, POLL * 2 ** min(self._failures, 10)))

    def _succeeded(self) -> None:
        if not self._told or self._failures:  # another process may have left a fault there
            self._failures, self._told = 0, True
            self.ledger.say(MirrorState(self._mirror.name, time.time()))

    def _let_go(self) -> None:
        reflection, self._reflection = self._reflection, None
        with contextlib.suppress(BaseException):  # as above
            getattr(reflection, "close", lambda: None)()
        self.ledger.release()


class Followers:
    """The followers of one process, by workspace."""

    def __init__(self) -> None:
        self._known: dict[object, list[Follower]] = {}

    def of(self, workspace: "Workspace") -> list[Follower]:
        """Return those of a workspace, one for each mirror that is installed."""
        if workspace.root not in self._known:
            self._known[workspace.root] = [Follower(workspace, *one) for one in ledgers(workspace).values()]
        ending.watch().at_last(self.end)  # each time: a forked child has an end of its own
        return self._known[workspace.root]

    def end(self) -> None:
        """Let every mirror have what can be given to it within `END_ALLOWANCE`, and begin afresh."""
        several = [follower for followers in self._known.values() for follower in followers]
        self._known = {}
        until = time.monotonic() + END_ALLOWANCE
        for follower in several:
            follower.close()
        for follower in several:
            follower.join(until - time.monotonic())


_followers = Followers()


def followers() -> Followers:
    """Return those of this process."""
    return _followers


def follow(run: "Run") -> None:
    """Feed all mirrors with a run that this process has begun.

    Raises
    ------
    StoreError
        If the disk refuses.
    """
    for follower in _followers.of(run.experiment.workspace):
        follower.follow(run.id)
