"""Programs of tests that use gloo wait a moment before their interpreter ends; put on PYTHONPATH, spawned ranks too.

A worker thread of gloo that drops its last work takes the GIL; where the interpreter is ending, that aborts the
process (https://github.com/pytorch/pytorch/issues/190489; without anything of ours: 1 of about 90 spawned programs).
Leaving the process group first does not always help, and can hang. Once the workers have had the GIL, nothing is left
to abort.
"""

import atexit
import sys
import time


def _wait():
    if "torch.distributed" in sys.modules:
        time.sleep(0.25)


atexit.register(_wait)  # the first one that is registered is called last
