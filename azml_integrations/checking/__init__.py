"""What becomes of code that was written for the Azure ML SDK v1: told from the code alone, which is never run."""

from pathlib import Path

from .facts import Fact, Finding, Room, Spot, Verdict
from .following import counts, findings
from .reading import files, programs
from .sdk import ROOMS
from .table import everything, fact, member, room_of

__all__ = [
    "ROOMS",
    "Fact",
    "Finding",
    "Room",
    "Spot",
    "Verdict",
    "check",
    "counts",
    "everything",
    "fact",
    "files",
    "findings",
    "member",
    "room_of",
]


def check(path: Path) -> list[Finding]:
    """Return what becomes of each use of a known name in a script or notebook.

    Parameters
    ----------
    path : Path
        The file; whatever is wrong with it, it is told and not raised.

    Returns
    -------
    findings : list of Finding
        In order.
    """
    return sorted(finding for program in programs(path) for finding in findings(program))
