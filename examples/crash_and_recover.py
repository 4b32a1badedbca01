"""Kill a training process in the middle: nothing that `run.log` acknowledged is lost, and the run says Failed."""

import os
import signal
import subprocess
import sys
import time

from azml_integrations.core import Workspace

TRAINING = """
from azml_integrations.core import Experiment, Workspace

run = Experiment(Workspace.from_config(), "crash-and-recover").start_logging()
print(run.id, flush=True)
step = 0
while True:
    run.log("loss", 1 / (1 + step), step=step)
    print(step, flush=True)
    step += 1
"""

process = subprocess.Popen([sys.executable, "-c", TRAINING], stdout=subprocess.PIPE, text=True)
run_id = process.stdout.readline().strip()
time.sleep(0.2)
os.kill(process.pid, signal.SIGKILL)
acknowledged = int(process.communicate()[0].split("\n")[-2])

run = Workspace.from_config().get_run(run_id)
stored = run.metric_points("loss")[-1].step
print(f"the process said {acknowledged} before it was killed; the run holds {stored}")
print(f"status: {run.status} ({run.get_details()['error']['error']['message']})")
assert acknowledged <= stored <= acknowledged + 1
