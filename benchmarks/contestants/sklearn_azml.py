"""scikit-learn with our autolog, used as a script uses it."""

from __future__ import annotations

from contextlib import AbstractContextManager

from contestant import Timings, clock, serve
from trainer import Trainer

from azml_integrations import RunQuery, autolog
from azml_integrations.core import Experiment, Workspace


class Azml(Trainer):
    """Defaults, but for what a case names."""

    def listen(self, models: bool, images: bool, classifies: bool) -> None:
        autolog("sklearn", log_models=models, log_images=images)

    def run(self) -> AbstractContextManager[object]:
        return Experiment(Workspace.from_config(), "user").start_logging(outputs=False, snapshot_directory=None)

    def last_run(self) -> str:
        (run,) = Workspace.from_config().find_runs(RunQuery(limit=1))
        return run.run_id

    def read_search(self, times: int) -> Timings:
        for _ in range(times):
            began = clock()
            workspace = Workspace.from_config()
            run, children = workspace.get_run(self.last), workspace.find_runs(RunQuery(parent_id=self.last))
            facts = {child.run_id: (child.status, child.properties) for child in children}
            compared, metrics = run.fits(), run.get_metrics()
            yield clock() - began
            assert len(facts) == len(compared) == len(metrics["cv_results"]["param_alpha"])
            assert {status for status, _ in facts.values()} == {"Completed"}
            assert None not in compared.metrics["mean_test_score"]


if __name__ == "__main__":
    serve(Azml)
