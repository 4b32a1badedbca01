"""Our recording core, used as a script uses it."""

from __future__ import annotations

from pathlib import Path

from contestant import Contestant, Timings, clock, ranked, row, sample, serve

from azml_integrations import MetricOrder, RunQuery
from azml_integrations.core import Experiment, Run, Workspace
from azml_integrations.store.sqlite import SqliteStore
from azml_integrations.store.view import View


class Azml(Contestant):
    """A call is one line in this process's own journal, written when it returns."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._experiment: Experiment | None = None

    @property
    def experiment(self) -> Experiment:
        """Made at the first use, so that 16 processes meet in a workspace that does not exist yet."""
        if self._experiment is None:
            self._experiment = Experiment(Workspace.create("bench", exist_ok=True), "bench")
        return self._experiment

    def start(self) -> str:
        self.run = self.experiment.start_logging(outputs=False, snapshot_directory=None)
        return self.run.id

    def log(self, steps: range) -> Timings:
        for step in steps:
            value = sample(step)
            began = clock()
            self.run.log("loss", value, step=step)
            yield clock() - began

    def log_metrics(self, steps: range) -> Timings:
        for step in steps:
            values = row(step)
            began = clock()
            self.run.log_metrics(values, step=step)
            yield clock() - began

    def finish(self) -> None:
        self.run.complete()

    def empty_runs(self, count: int) -> Timings:
        for _ in range(count):
            began = clock()
            self.experiment.start_logging(outputs=False, snapshot_directory=None).complete()
            yield clock() - began

    def fill_runs(self, count: int) -> None:
        for value in ranked(count):
            self.start()
            self.run.log("loss", value)
            self.finish()
        self.experiment.workspace.find_runs()

    def lowest(self, times: int) -> Timings:
        workspace, query = self.experiment.workspace, RunQuery(order=MetricOrder("loss"), limit=1)
        for _ in range(times):
            began = clock()
            (run,) = workspace.find_runs(query)
            yield clock() - began
            assert workspace.get_run(run.run_id).get_metrics() == {"loss": 1.0}

    def fold(self, run_id: str) -> Timings:
        """Into a new index each time, as after a loss of the old one; then seal."""
        workspace = self.experiment.workspace
        for number in range(3):
            view = View(workspace.view.runs, SqliteStore(self.home / f"fold-{number}.db"))
            began = clock()
            view.of(run_id)
            yield clock() - began
            view.close()
        for path in self.home.glob("fold-*"):
            path.unlink()
        for _ in workspace.view.seal_all():
            pass

    def history(self, run_id: str, points: int, times: int) -> Timings:
        for _ in range(times):
            run = Run(self.experiment, run_id)
            began = clock()
            found = run.get_metrics("loss")
            yield clock() - began
            assert len(found["loss"]) == points

    def snapshots(self, times: int) -> Timings:
        for _ in range(times):
            began = clock()
            self.experiment.workspace.snapshots.take(self.home / "source")
            yield clock() - began

    def stored(self, run_id: str) -> int:
        found = Run(self.experiment, run_id).get_metrics("loss").get("loss", [])
        return len(found) if isinstance(found, list) else 1


if __name__ == "__main__":
    serve(Azml)
