"""What tests of submitted scripts share: waiting for something, and ending what was started."""

import contextlib
import os
import signal
import time
from pathlib import Path

from azml_integrations.launch import channel


def eventually(true, seconds=60.0):
    """Wait until something is true."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.02)


def gone(pid):
    """Tell whether a process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def dismiss(queue):
    """End a queue's launcher and the scripts that it started."""
    for place in queue.waiting():
        queue.remove(place)
    for place in queue.running():
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if place.ticket.run_id.encode() in (entry / "environ").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)
    until = time.monotonic() + 10
    while (pid := channel.launcher(queue)) and time.monotonic() < until:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
