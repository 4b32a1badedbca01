"""`mlflow ui` before a SQLite store."""

from __future__ import annotations

import base64
import json
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable
from http.client import HTTPConnection
from pathlib import Path

import mlflow
import questions
from contestant import serve
from mlflow_ import Mlflow
from questions import line, told
from viewer import Viewer

#: The body of the search that its table sends, for each question that it has an equal of.
_ASKED = {
    questions.NEWEST: {},
    questions.SORTED: {"order_by": ["metrics.val_loss ASC"]},
    questions.BY_PARAMETER: {"order_by": ["params.learning_rate ASC"]},
    questions.FILTERED: {"filter": "metrics.val_accuracy > 0.9"},
    questions.BOTH: {
        "filter": "metrics.val_accuracy > 0.6 and params.optimizer = 'adam'",
        "order_by": ["metrics.val_loss ASC"],
    },
    questions.SEARCHED: {"filter": "attributes.run_name ILIKE '%harbour%'"},
    questions.DEEP: {
        "order_by": ["metrics.f1 DESC"],
        "page_token": base64.b64encode(json.dumps({"offset": 149 * questions.ROWS}).encode()).decode(),
    },
}

_STARTING = 120.0
"""So long the server may take to answer [s]."""


class Ui(Mlflow, Viewer):
    """Asked over its REST interface for what its page then draws."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._runs: dict[str, str] = {}

    def fill_table(self, runs: int) -> None:
        """Make one run by calls and the others with SQL: by calls they take an hour, and the rows are the same."""
        self._experiment = mlflow.set_experiment(questions.EXPERIMENT).experiment_id
        one = told(0)
        with mlflow.start_run(run_name=one.name) as run:
            mlflow.log_params(one.params)
            mlflow.log_metrics(one.metrics, step=0)
            mlflow.set_tags(one.tags)
        with sqlite3.connect(self.db) as db:
            rows = {table: _rows(db, table, run.info.run_id) for table in ("runs", "tags")}
            self._clone(db, rows, range(1, runs))

    def _clone(self, db: sqlite3.Connection, rows: dict[str, list[dict[str, object]]], numbers: range) -> None:
        (run,) = rows["runs"]
        tables: dict[str, list[dict[str, object]]] = {}
        for number in numbers:
            one, key = told(number), {"run_uuid": uuid.uuid4().hex}
            start = run["start_time"] + number
            tables.setdefault("runs", []).append(
                run | key | {"name": one.name, "start_time": start, "end_time": start + 1}
            )
            tags = {row["key"]: row["value"] for row in rows["tags"]} | {"mlflow.runName": one.name} | one.tags
            for table, pairs in (("tags", tags), ("params", one.params)):
                tables.setdefault(table, []).extend({"key": k, "value": v} | key for k, v in pairs.items())
            for table in ("metrics", "latest_metrics"):
                tables.setdefault(table, []).extend(_points(key, start, one.metrics.items()))
        for table, found in tables.items():
            _insert(db, table, found)

    def fill_charts(self, points: int, charts: int) -> None:
        mlflow.set_experiment(questions.CHARTS)
        for name, metrics, length in (
            ("long", ["loss"], points),
            ("many", [f"loss {n:02}" for n in range(charts)], 1000),
        ):
            with mlflow.start_run() as run:
                self._runs[name] = run.info.run_id
            key, start = {"run_uuid": run.info.run_id}, run.info.start_time
            with sqlite3.connect(self.db) as db:
                for number, metric in enumerate(metrics):
                    found = [
                        {"key": metric, "value": value + number, "timestamp": start + step, "step": step, "is_nan": 0}
                        | key
                        for step, value in enumerate(line(length))
                    ]
                    _insert(db, "metrics", found)
                    _insert(db, "latest_metrics", found[-1:])

    def serve(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        command = [Path(sys.executable).with_name("mlflow"), "ui", "--backend-store-uri", f"sqlite:///{self.db}"]
        options = ["--port", str(port), "--workers", "1"]  # of several, one that is busy for 5 s is killed by uvicorn
        self._server = subprocess.Popen([*command, *options], stdout=sys.stderr)
        self._connection = HTTPConnection("127.0.0.1", port)
        until = time.monotonic() + _STARTING
        while True:
            try:
                self.send(*self.request(questions.NEWEST))
            except OSError:
                self._connection.close()
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
            else:
                break

    def request(self, question: str) -> tuple[str, str, bytes | None]:
        run_id = self._runs.get("long")
        if question == questions.CHART:
            bulk = "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval"
            return "GET", f"{bulk}?run_ids={run_id}&metric_key=loss&max_results=2000", None
        if question == questions.WHOLE:
            return "GET", f"/api/2.0/mlflow/metrics/get-history?run_id={run_id}&metric_key=loss", None
        if question not in _ASKED:
            raise NotImplementedError
        body = {"experiment_ids": [self._experiment], "max_results": questions.ROWS} | _ASKED[question]
        return "POST", "/api/2.0/mlflow/runs/search", json.dumps(body).encode()

    def names(self, question: str) -> list[str]:
        self.connect()
        found = json.loads(self.send(*self.request(question), packed=False)).get("runs", [])
        return [run["info"]["run_name"] for run in found]

    def page(self, what: str) -> dict[str, object]:
        if what == "table":
            words = "orderByKey=metrics.%60val_loss%60&orderByAsc=true"
            address = f"{self.address}/#/experiments/{self._experiment}/runs?{words}"
            return {"address": address, "selector": "a[href*='/runs/']", "count": 20}
        run = mlflow.get_run(self._runs["many"]).info
        address = f"{self.address}/#/experiments/{run.experiment_id}/runs/{run.run_id}/model-metrics"
        return {"address": address, "selector": ".js-plotly-plot .scatterlayer .trace"}


def _rows(db: sqlite3.Connection, table: str, run_id: str) -> list[dict[str, object]]:
    found = db.execute(f"SELECT * FROM {table} WHERE run_uuid = ?", (run_id,))
    heads = [name for name, *_ in found.description]
    return [dict(zip(heads, row, strict=True)) for row in found]


def _points(key: dict[str, object], at: int, values: Iterable[tuple[str, float]]) -> list[dict[str, object]]:
    return [{"key": name, "value": value, "timestamp": at, "step": 0, "is_nan": 0} | key for name, value in values]


def _insert(db: sqlite3.Connection, table: str, rows: list[dict[str, object]]) -> None:
    names = list(rows[0])
    marks = ", ".join(f":{name}" for name in names)
    db.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)


if __name__ == "__main__":
    serve(Ui)
