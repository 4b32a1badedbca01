"""`azml studio` before a workspace of ours."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import questions
from azml import Azml
from contestant import Timings, clock, sample, serve
from questions import line, told
from viewer import Viewer

from azml_integrations.core import Experiment

_COLUMNS = [
    *(f"param.{name}" for name in questions.PARAMS),
    *(f"tag.{name}" for name in questions.TAGS),
    *(f"metric.{name}" for name in questions.METRICS),
]

#: What the address of the table says behind its thirty columns.
_ASKED = {
    questions.NEWEST: {},
    questions.SORTED: {"sort": "metric.val_loss"},
    questions.BY_PARAMETER: {"sort": "param.learning_rate"},
    questions.FILTERED: {"q": "metrics.val_accuracy > 0.9"},
    questions.BOTH: {"q": 'metrics.val_accuracy > 0.6 and params.optimizer = "adam"', "sort": "metric.val_loss"},
    questions.SEARCHED: {"q": "harbour"},
    questions.DEEP: {"sort": "-metric.f1", "page": "150"},
    questions.DIFFERENT: {"differ": "1"},
}


class Studio(Azml, Viewer):
    """The page itself is what is asked for: finished HTML."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._runs: dict[str, str] = {}
        self._cookie = ""

    def fill_table(self, runs: int) -> None:
        experiment = Experiment(self.experiment.workspace, questions.EXPERIMENT)
        for number in range(runs):
            one = told(number)
            run = experiment.start_logging(outputs=False, snapshot_directory=None, display_name=one.name)
            run.add_properties({f"param.{name}": value for name, value in one.params.items()})
            run.set_tags(one.tags)
            run.log_metrics(one.metrics)
            run.complete()
        experiment.workspace.find_runs()

    def fill_charts(self, points: int, charts: int) -> None:
        experiment = Experiment(self.experiment.workspace, questions.CHARTS)
        with experiment.start_logging(outputs=False, snapshot_directory=None) as run:
            for step, value in enumerate(line(points)):
                run.log("loss", value, step=step)
        self._runs["long"] = run.id
        with experiment.start_logging(outputs=False, snapshot_directory=None) as run:
            for step, value in enumerate(line(1000)):
                run.log_metrics({f"loss {number:02}": value + number for number in range(charts)}, step=step)
        self._runs["many"] = run.id
        experiment.workspace.find_runs()

    def serve(self) -> None:
        root = self.experiment.workspace.root
        command = [sys.executable, "-m", "azml_integrations.cli", "--workspace", str(root), "studio"]
        self._server = subprocess.Popen(
            [*command, "--port", "0", "--no-browser", "--until-closed"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        link = urlsplit(next(text.strip() for text in self._server.stdout if b"token=" in text).decode())
        self.address = f"http://{link.netloc}"
        self._connection = HTTPConnection(link.netloc)
        self._connection.request("GET", f"/?{link.query}")
        answer = self._connection.getresponse()
        self._cookie = answer.headers["Set-Cookie"].partition(";")[0]
        answer.read()
        self.send("GET", "/")

    def headers(self) -> dict[str, str]:
        return {"Cookie": self._cookie}

    def request(self, question: str) -> tuple[str, str, None]:
        if question in (questions.CHART, questions.WHOLE):
            way = {questions.CHART: "chart?metric=loss", questions.WHOLE: "metric?name=loss"}[question]
            return "GET", f"/api/runs/{self._runs['long']}/{way}", None
        return "GET", f"/experiments/{questions.EXPERIMENT}?{self._words(question)}", None

    @staticmethod
    def _words(question: str) -> str:
        return urlencode([*(("col", one) for one in _COLUMNS), *_ASKED[question].items()])

    def names(self, question: str) -> list[str]:
        path = f"/api/experiments/{questions.EXPERIMENT}/runs?{self._words(question)}"
        self.connect()
        return [run["display_name"] for run in json.loads(self.send("GET", path, packed=False))["runs"]]

    def page(self, what: str) -> dict[str, object]:
        name, _, value = self._cookie.partition("=")
        where = {"cookies": [{"name": name, "value": value, "url": self.address}]}
        if what == "table":
            address = f"{self.address}{self.request(questions.SORTED)[1]}"
            return where | {"address": address, "selector": "#runs tbody tr", "count": questions.ROWS}
        address = f"{self.address}/runs/{self._runs['many']}/metrics"
        return where | {"address": address, "selector": "figure.chart[data-drawn]"}

    # -- a run that goes on --------------------------------------------------------------------------

    def log_gently(self, seconds: float) -> Timings:
        """Log into the run 100 times in about 50 ms, for so long [s]."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for step in range(100):
                value = sample(step)
                began = clock()
                self.run.log("loss", value)
                yield clock() - began
            time.sleep(0.05)

    def follow(self, run_id: str, seconds: float, every: float) -> int:
        """Do what a page of a run's charts does, so often [s]; return how many changes it has seen."""
        self.connect()
        until, seen, changes = time.monotonic() + seconds, None, 0
        while (now := time.monotonic()) < until:
            told = json.loads(self.send("GET", f"/api/runs/{run_id}/revision", packed=False))["revision"]
            if told != seen:
                changes, seen = changes + 1, told
                self.send("GET", f"/runs/{run_id}/metrics")
                self.send("GET", f"/api/runs/{run_id}/chart?metric=loss")
            time.sleep(max(0.0, min(until, now + every) - time.monotonic()))
        return changes


if __name__ == "__main__":
    serve(Studio)
