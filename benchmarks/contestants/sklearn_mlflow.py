"""scikit-learn with MLflow's autolog and its SQLite store, the default since 3.7."""

from __future__ import annotations

import csv
from contextlib import AbstractContextManager
from pathlib import Path

import mlflow
from contestant import Timings, clock, serve
from mlflow.artifacts import download_artifacts
from trainer import Trainer


class Mlflow(Trainer):
    """Defaults, but for what a case names."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        mlflow.set_tracking_uri(f"sqlite:///{home / 'mlflow.db'}")

    def listen(self, models: bool, images: bool, classifies: bool) -> None:
        """A classifier's images go with its metrics only: no images is less than ours then; a regressor has none."""
        mlflow.sklearn.autolog(log_models=models, log_post_training_metrics=images or not classifies)

    def run(self) -> AbstractContextManager[object]:
        return mlflow.start_run()

    def last_run(self) -> str:
        return mlflow.last_active_run().info.run_id

    def read_search(self, times: int) -> Timings:
        for _ in range(times):
            began = clock()
            run_id, client = self.last, mlflow.MlflowClient()
            experiment = client.get_run(run_id).info.experiment_id
            children = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{run_id}'")
            facts = {run.info.run_id: (run.info.status, run.data.params, run.data.metrics) for run in children}
            with Path(download_artifacts(run_id=run_id, artifact_path="cv_results.csv")).open() as file:
                table = list(csv.DictReader(file))
            yield clock() - began
            assert facts
            assert table


if __name__ == "__main__":
    serve(Mlflow)
