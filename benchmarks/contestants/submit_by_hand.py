"""``python script.py``, two at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from contestant import Timings, clock, serve
from submitter import Submitter


class ByHand(Submitter):
    """The shortest program that keeps two scripts running."""

    def first_line(self, times: int, living: bool) -> Timings:
        for _ in range(times):
            began = time.time_ns()
            printed = subprocess.run([sys.executable, self.source / "first.py"], capture_output=True, check=True).stdout
            yield int(printed) - began

    def many(self, script: str, count: int, queued: bool) -> Timings:
        words, running = [sys.executable, self.source / f"{script}.py"], {}
        began = clock()
        for _ in range(count):
            if len(running) == 2:
                del running[os.wait()[0]]
            process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            running[process.pid] = process  # one that nobody holds would be waited for by the next Popen
        for process in running.values():
            process.wait()
        yield clock() - began


if __name__ == "__main__":
    serve(ByHand)
