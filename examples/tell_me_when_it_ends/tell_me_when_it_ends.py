"""Tell somebody when a run has ended, by the program that TELL_ME_WITH names: ``notify-send``, ``mail -s azml me`` ...

``pip install ./examples/tell_me_when_it_ends`` beside the core is all that it takes.
"""

import os
import shlex
import subprocess

from azml_integrations import hookimpl


@hookimpl
def azml_run_ended(record):
    """Start the program with one sentence; of a sweep only the whole is told."""
    program = shlex.split(os.environ.get("TELL_ME_WITH", ""))
    if program and record.parent_id is None:
        sentence = f"run {record.number} of {record.experiment} has ended: {record.status}"
        subprocess.Popen([*program, sentence], stdin=subprocess.DEVNULL)
