"""Our recording core with so many plugins installed: here none but its own."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from contestant import Timings, clock, serve

from azml_integrations.core import Experiment, Workspace

MODULE = """
from azml_integrations.hookspecs import hookimpl

@hookimpl
def azml_run_started(run):
    pass

@hookimpl
def azml_run_ended(record):
    pass
"""


class Plugged:
    """A process that logs, and one that looks for plugins, with `count` of them on the path.

    Parameters
    ----------
    home : Path
        Where the plugins lie, and the workspace.
    """

    count = 0

    def __init__(self, home: Path) -> None:
        self.home = home
        self.site = home / "site"
        for number in range(self.count):
            self.install(f"acme_{number}", MODULE)
        sys.path.append(str(self.site))

    def install(self, name: str, module: str) -> None:
        """Lay out what an installer leaves of a distribution, a long description included."""
        info = self.site / f"{name}-1.2.dist-info"
        if info.exists():
            return
        info.mkdir(parents=True)
        (self.site / f"{name}.py").write_text(module)
        about = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n" + "Classifier: one of many\n" * 40
        (info / "METADATA").write_text(about + "\n" + "A paragraph about what it does.\n" * 200)
        (info / "entry_points.txt").write_text(f"[azml_integrations]\n{name} = {name}\n")

    def ready(self) -> None:
        """Answer, now that everything is imported."""

    def start(self) -> str:
        """Begin a run."""
        experiment = Experiment(Workspace.create("bench", exist_ok=True), "bench")
        self.run = experiment.start_logging(outputs=False, snapshot_directory=None)
        return self.run.id

    def log(self, steps: range) -> Timings:
        """Log one float at each step."""
        for step in steps:
            began = clock()
            self.run.log("loss", 1.5 / (step + 1), step=step)
            yield clock() - began

    def finish(self) -> None:
        """End the run."""
        self.run.complete()

    def find(self) -> Timings:
        """Find the entry points, as the first thing of a process that asks for plugins."""
        began = clock()
        from azml_integrations.entries import entries

        found = entries("azml_integrations")
        yield clock() - began
        assert len(found) >= self.count

    def find_by_standard_library(self) -> Timings:
        """The same with `importlib.metadata`, names and versions included."""
        began = clock()
        from importlib.metadata import entry_points

        found = [(one.name, one.dist.name, one.dist.version) for one in entry_points(group="azml_integrations")]
        yield clock() - began
        assert len(found) >= self.count

    def load(self) -> Timings:
        """Find the plugins and import their modules."""
        time.sleep(0.1)
        began = clock()
        from azml_integrations.plugins import plugins

        facts = plugins().facts()
        yield clock() - began
        assert len(facts) >= self.count


if __name__ == "__main__":
    serve(Plugged)
