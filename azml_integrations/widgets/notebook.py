"""A run in a notebook's cell: HTML that a thread brings up to date until the run has ended.

Display handles need no front-end extension, so Jupyter, JupyterLab and VS Code show the same, and what is shown last
is what the saved notebook keeps. One thread looks at one run, however many cells show it.
"""

import atexit
import os
import sys
import threading
import time
from typing import Any

from ..core import Run
from ..report import GLANCE, Memory, account, fragment, text
from .pace import Pace

CELLS = 3
"""Cells that show the same run and are kept up to date; older ones keep what they have."""
STUMBLES = 5
"""So many looks in a row may fail before a thread gives up."""
FAREWELL = 1.0
"""How long the end of the kernel waits for a thread in the middle of a look [s]."""

_followers: dict[Run, "Follower"] = {}


def show(run: Run) -> None:
    """Show a run below the cell that is executed, and keep it up to date.

    Raises
    ------
    RunNotFoundError
        If the run is not there any more.
    """
    follower = _followers.get(run)
    if follower is None or not follower.is_alive():
        follower = Follower(run)
    follower.show()


class Follower(threading.Thread):
    """Looks at one run until it has ended.

    Parameters
    ----------
    run : Run
        The run.
    """

    def __init__(self, run: Run) -> None:
        super().__init__(name=f"azml RunDetails {run.id}", daemon=True)
        self._run = run
        self._memory = Memory()
        self._handles: list[Any] = []
        self._pace = Pace()
        self._over = threading.Event()
        self._looking = threading.Lock()
        self._shown = ""
        self._pid = os.getpid()

    def show(self) -> None:
        """Show the run in another cell; the first one begins the thread, where there is something to wait for."""
        from IPython import display as pages

        display: Any = pages.display
        with self._looking:
            bundle, ended = self._look()
            if not self._handles:  # older cells have not seen this yet
                self._shown = bundle["text/html"]
            self._handles = [*self._handles, display(bundle, raw=True, display_id=True)][-CELLS:]
        if not ended and not self.is_alive():
            _followers[self._run] = self
            _listen(self)
            self.start()

    def run(self) -> None:
        """Look again and again, until the run has ended or nobody can look any more."""
        stumbles, pause = 0, self._pace.pause(0.0)
        while not self._over.wait(pause) and stumbles < STUMBLES:
            began = time.perf_counter()
            try:
                self.refresh()
            except Exception:  # noqa: BLE001 - nobody is there to be told: the cell has ended, and keeps what it shows
                stumbles += 1
            else:
                stumbles = 0
            pause = self._pace.pause(time.perf_counter() - began)
        self._leave()

    def refresh(self) -> None:
        """Show what is new; the last time when the run has ended."""
        with self._looking:
            if self._over.is_set():
                return
            bundle, ended = self._look()
            if bundle["text/html"] != self._shown:
                for handle in list(self._handles):
                    handle.update(bundle, raw=True)
            self._shown = bundle["text/html"]
            if ended:
                self._over.set()

    def after_cell(self, *_: object) -> None:
        """Show the end of a run that a cell has ended, before the cell counts as done: a notebook may be saved then."""
        try:
            if self.is_alive() and self._run._final():  # noqa: SLF001 - a floor above
                self.refresh()
        except Exception:  # noqa: BLE001 - the user's cell is worth more than our picture of its run
            self._over.set()

    def stop(self) -> None:
        """End the thread, and wait for it a moment; a forked child has none, and locks that nobody opens."""
        if os.getpid() != self._pid:
            return
        self._over.set()
        if self.is_alive() and threading.current_thread() is not self:
            self.join(FAREWELL)

    def _look(self) -> tuple[dict[str, str], bool]:
        """Return what to show, and whether that is the last of it."""
        ended = self._run._final()  # noqa: SLF001 - a floor above; asked first: what is told afterwards is the end
        told = account(self._run, GLANCE, self._memory)
        return {"text/html": fragment(told), "text/plain": text(told)}, ended

    def _leave(self) -> None:
        if _followers.get(self._run) is self:
            del _followers[self._run]
        _unlisten(self)


def _listen(follower: Follower) -> None:
    """Let a follower know when a cell is done, and when the kernel ends."""
    shell = sys.modules["IPython"].get_ipython()
    shell.events.register("post_run_cell", follower.after_cell)
    atexit.register(follower.stop)


def _unlisten(follower: Follower) -> None:
    atexit.unregister(follower.stop)
    shell = sys.modules["IPython"].get_ipython()
    if shell is not None and follower.after_cell in shell.events.callbacks["post_run_cell"]:
        shell.events.unregister("post_run_cell", follower.after_cell)
