"""Our queue, with two slots."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from contestant import Timings, clock, serve
from submitter import Submitter

from azml_integrations.core import Environment, Experiment, Run, ScriptRunConfig, Workspace
from azml_integrations.launch import channel


class Azml(Submitter):
    """Scripts are submitted by a process that has imported everything."""

    def prepare(self) -> None:
        super().prepare()
        self.workspace = Workspace.create("bench", exist_ok=True)
        self.experiment = Experiment(self.workspace, "bench")
        self.queue = self.workspace.queue("local")
        self.queue.choose_slots(2)
        self.environment = Environment("user-managed")
        self.environment.python.user_managed_dependencies = True
        self.submit(script="print.py").wait_for_completion()

    def submit(self, **what: str) -> Run:
        return self.experiment.submit(ScriptRunConfig(self.source, environment=self.environment, **what))

    def first_line(self, times: int, living: bool) -> Timings:
        for _ in range(times):
            if not living:
                self.dismiss()
            began = time.time_ns()
            run = self.submit(script="first.py")
            run.wait_for_completion()
            yield int((self.workspace.view.folder(run.id) / "user_logs" / "std_log.txt").read_text()) - began

    def dismiss(self) -> None:
        """End the launcher as it ends itself, and wait until it is gone."""
        while pid := channel.launcher(self.queue):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            time.sleep(0.02)

    def many(self, script: str, count: int, queued: bool) -> Timings:
        gate = self.home / "gate"
        gate.unlink(missing_ok=True)
        for _ in range(2 if queued else 0):  # they hold both slots
            self.submit(command=f"while [ ! -e {gate} ]; do sleep 0.02; done")
        began = clock()
        for _ in range(count):
            self.submit(script=f"{script}.py")
        if queued:
            time.sleep(1.0)
            began = clock()
            gate.touch()
        while not self.queue.empty():
            time.sleep(0.01)
        yield clock() - began


if __name__ == "__main__":
    serve(Azml)
