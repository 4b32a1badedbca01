"""MLflow with its SQLite store, the default since 3.7, used through its fluent calls."""

from __future__ import annotations

import sqlite3
import uuid
from pathlib import Path

import mlflow
from contestant import Contestant, Timings, clock, ranked, row, sample, serve
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient

#: Tables in which a run with one metric leaves rows, with the column that names the run.
TABLES = ("runs", "metrics", "latest_metrics", "tags")

#: The most metrics that one `log_batch` takes.
BATCH = 1000


class Mlflow(Contestant):
    """Each call is stored when it returns: `synchronous` is left as it is, true."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.db = home / "mlflow.db"
        mlflow.set_tracking_uri(f"sqlite:///{self.db}")

    def start(self) -> str:
        return mlflow.start_run().info.run_id

    def log(self, steps: range) -> Timings:
        for step in steps:
            value = sample(step)
            began = clock()
            mlflow.log_metric("loss", value, step=step)
            yield clock() - began

    def log_metrics(self, steps: range) -> Timings:
        for step in steps:
            values = row(step)
            began = clock()
            mlflow.log_metrics(values, step=step)
            yield clock() - began

    def finish(self) -> None:
        mlflow.end_run()

    def empty_runs(self, count: int) -> Timings:
        for _ in range(count):
            began = clock()
            mlflow.start_run()
            mlflow.end_run()
            yield clock() - began

    def fill_runs(self, count: int) -> None:
        """Clone one run's rows with SQL: by calls, 10,000 runs take minutes, and the rows are the same."""
        with mlflow.start_run() as run:
            mlflow.log_metric("loss", count + 1.0, step=0)
        with sqlite3.connect(self.db) as db:
            db.execute("CREATE TEMP TABLE clone (run_uuid TEXT, value REAL)")
            db.executemany("INSERT INTO clone VALUES (?, ?)", ((uuid.uuid4().hex, value) for value in ranked(count)))
            for table in TABLES:
                names = [name for _, name, *_ in db.execute(f"PRAGMA table_info({table})")]
                taken = ("run_uuid", "value") if "metrics" in table else ("run_uuid",)
                columns = ", ".join(f"clone.{name}" if name in taken else f"{table}.{name}" for name in names)
                db.execute(
                    f"INSERT INTO {table} SELECT {columns} FROM {table}, clone WHERE {table}.run_uuid = ?",
                    (run.info.run_id,),
                )

    def lowest(self, times: int) -> Timings:
        for _ in range(times):
            began = clock()
            (run,) = mlflow.search_runs(order_by=["metrics.loss ASC"], max_results=1, output_format="list")
            yield clock() - began
            assert run.data.metrics["loss"] == 1.0

    def fill_points(self, points: int) -> None:
        client, run_id = MlflowClient(), mlflow.active_run().info.run_id
        for first in range(0, points, BATCH):
            steps = range(first, min(first + BATCH, points))
            client.log_batch(run_id, [Metric("loss", sample(step), 0, step) for step in steps])

    def history(self, run_id: str, points: int, times: int) -> Timings:
        client = MlflowClient()
        for _ in range(times):
            began = clock()
            found = client.get_metric_history(run_id, "loss")
            yield clock() - began
            assert len(found) == points

    def stored(self, run_id: str) -> int:
        return len(MlflowClient().get_metric_history(run_id, "loss"))


if __name__ == "__main__":
    serve(Mlflow)
