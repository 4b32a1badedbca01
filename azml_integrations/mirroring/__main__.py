"""Follow one submitted script's run, for as long as it is under way: its launcher starts this process beside it."""

import sys
import time
from pathlib import Path

from ..core.workspace import Workspace
from ..launch.queue import Queue
from .feeding import Follower, ledgers

POLL = 0.5
"""Pause between two looks [s]."""


def accompany(root: Path, target: str, run_id: str, index: str | None = None) -> None:
    """Feed all mirrors until they have the run whole; one that is down is given up when the script has ended.

    Parameters
    ----------
    root : Path
        The workspace's folder.
    target, run_id : str
        The compute target and the run.
    index : str, default=None
        Address of the workspace's index, where a plugin keeps it.
    """
    workspace, queue = Workspace._at(root, index), Queue(root, target)  # noqa: SLF001 - family
    several = [Follower(workspace, *one) for one in ledgers(workspace).values()]
    for follower in several:
        follower.ledger.open(run_id)
    due = dict.fromkeys(several, 0.0)
    while due:
        over = queue.find(run_id) is None  # asked before the look: what was written until then is delivered
        for follower, at in list(due.items()):
            if over or at <= time.monotonic():
                due[follower] = time.monotonic() + (follower.look() or POLL)
            if over and (follower.failing or run_id not in follower.ledger.live()):
                follower.release()
                del due[follower]
        if due:
            time.sleep(POLL)


if __name__ == "__main__":
    accompany(Path(sys.argv[1]), *sys.argv[2:5])
