"""Sweeps over a real script, in a queue whose launcher ends with the test."""

import contextlib
import os
import signal
import textwrap
import time
from pathlib import Path

import pytest
from queues import dismiss

from azml_integrations.core import Run
from azml_integrations.core.script_run_config import ScriptRunConfig
from azml_integrations.records import TERMINAL
from azml_integrations.sweeps import GridParameterSampling, HyperDriveConfig, PrimaryMetricGoal, choice

TRAIN = """
    import argparse, time
    from azml_integrations.core import Run

    parser = argparse.ArgumentParser()
    parser.add_argument("--alpha", type=float)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--pause", type=float, default=0)
    asked = parser.parse_args()
    run = Run.get_context(allow_offline=False)
    with open(STARTED, "a") as file:
        file.write(f"{run.id}\\n")
    for step in range(asked.steps):
        run.log("mse", (asked.alpha - 0.5) ** 2 + 0.01)
        time.sleep(asked.pause)
    if asked.alpha < 0:
        raise ValueError("alpha is negative")
"""


@pytest.fixture
def queue(workspace, monkeypatch):
    """The queue of the local target with four slots; its launcher and all of its scripts are killed at the end."""
    queue = workspace.queue("local")
    queue.choose_slots(4)
    yield queue
    dismiss(queue)


def processes_of(run_id):
    """Return the ids of a run's processes."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"AZUREML_RUN_ID={run_id}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def kill(run_id):
    """End all processes of a run; return how many there were."""
    found = processes_of(run_id)
    for pid in found:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return len(found)


@pytest.fixture
def kill_for_good(experiment):
    """Kill a run until its launcher has given up."""

    def end(run):
        while Run(experiment, run.id).get_status() not in TERMINAL:
            kill(run.id)
            time.sleep(0.02)

    return end


@pytest.fixture
def kill_run():
    """Kill all processes of a run, as nobody would who is polite."""
    return kill


@pytest.fixture
def started(tmp_path):
    """Return the ids of the children whose script has started, in order, each as often as it has."""
    path = tmp_path / "started.txt"
    return lambda: path.read_text().split() if path.exists() else []


@pytest.fixture
def script(tmp_path):
    """Give the configuration of a script that logs the mse of an alpha."""

    def configure(*arguments, text=TRAIN):
        folder = tmp_path / "source"
        folder.mkdir(exist_ok=True)
        code = textwrap.dedent(text).replace("STARTED", repr(str(tmp_path / "started.txt")))
        (folder / "train.py").write_text(code)
        return ScriptRunConfig(str(folder), "train.py", arguments=list(arguments))

    return configure


@pytest.fixture
def config(script):
    """Give a sweep over alphas."""

    def configure(alphas, *arguments, concurrent=4, **changes):
        given = {
            "hyperparameter_sampling": GridParameterSampling({"--alpha": choice(list(alphas))}) if alphas else None,
            "primary_metric_name": "mse",
            "primary_metric_goal": PrimaryMetricGoal.MINIMIZE,
            "max_total_runs": 100,
            "max_concurrent_runs": concurrent,
            "run_config": script(*arguments) if "run_config" not in changes else None,
        }
        return HyperDriveConfig(**{**given, **changes})

    return configure
