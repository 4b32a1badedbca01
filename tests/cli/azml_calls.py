"""What several tests of the command line share."""

import sys
from pathlib import Path

CALL = [sys.executable, "-W", "error", "-c", "from azml_integrations.cli import main; main()"]
"""The command in a process of its own; a warning that is not told in one line is an error there."""


def flip(path: Path, wanted: bytes, *, by: int = 0x80) -> int:
    """Flip a bit of the first byte of `wanted` in a file; return where [bytes]."""
    content = bytearray(path.read_bytes())
    place = content.index(wanted)
    content[place] ^= by
    path.write_bytes(content)
    return place
