"""The JSON API: what the pages show, complete."""

import csv
import io
import math

import pytest


def test_the_description_names_every_route(pages):
    """OpenAPI says of each what it does."""
    told = pages.get("/api/openapi.json").json()
    routes = {route.path for route in pages.app.routes if route.path.startswith("/api/")}
    assert set(told["paths"]) == routes
    assert all(
        operation["summary"].endswith(".") or operation["summary"]
        for path in told["paths"].values()
        for operation in path.values()
    )
    assert "post" in told["paths"]["/api/runs/{run_id}"]


def test_runs_are_listed_as_the_page_has_them(pages):
    found = pages.get("/api/experiments/ridge/runs?children=flat&sort=metric.mse&per=2").json()
    assert (found["found"], found["pages"]) == (7, 4)
    assert found["runs"][0]["params"]["alpha"] == "0.3"
    assert found["runs"][0]["metrics"]["mse"]["last"] == pytest.approx(3000.105, abs=0.01)


def test_a_filter_that_cannot_be_read_is_an_error(pages):
    answer = pages.get("/api/experiments/ridge/runs?q=mse+%3C")
    assert (answer.status_code, answer.json()) == (400, {"error": "expected a value after < at the end"})


def test_the_export_is_complete(pages):
    """Every run, child, parameter and metric; not only the page that is seen."""
    answer = pages.get("/api/experiments/ridge/runs.csv?per=1&q=")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["content-disposition"] == 'attachment; filename="ridge.csv"'
    assert len(rows) == 7
    assert {row["params.alpha"] for row in rows} == {"0.01", "0.03", "0.1", "0.3", "1", "3", "10"}
    assert {"metrics.mse", "metrics.mse:min", "params.solver"} <= set(rows[0])


def test_a_metric_comes_with_every_point(pages, ids):
    address = f"/api/runs/{ids['digits 0']}/metric"
    found = pages.get(address, params={"name": "loss"}).json()
    rows = list(csv.reader(io.StringIO(pages.get(address, params={"name": "loss", "format": "csv"}).text)))
    table = list(csv.reader(io.StringIO(pages.get(address, params={"name": "curve", "format": "csv"}).text)))
    assert len(found["points"]) == 300
    assert (found["points"][50]["value"], found["points"][51]["step"]) == (None, 51)
    assert len(rows) == 301
    assert math.isnan(float(rows[51][2]))
    assert table[:3] == [["x", "y"], ["1", "1.0"], ["2", "4"]]
    assert pages.get(address, params={"name": "none"}).status_code == 404


def test_a_run_is_told_with_its_files_and_children(pages, ids):
    found = pages.get(f"/api/runs/{ids['digits 0']}").json()
    assert "outputs/history.csv" in [file["name"] for file in found["files"]]
    assert (found["status"], found["tags"], found["ended"]) == ("Completed", {"stage": "draft"}, True)
    assert len(pages.get(f"/api/runs/{ids['alphas']}").json()["children"]) == 6


def test_a_log_is_read_piece_by_piece(pages, ids):
    """A page that follows a log asks from where it stands; a character is never cut in two."""
    address = f"/api/runs/{ids['digits 0']}/log?file=logs/user_log.txt"
    whole = pages.get(address).json()
    rest = pages.get(f"{address}&from=8").json()
    end = pages.get(f"{address}&from={whole['following']}").json()
    assert whole["text"] == "epoch 1\nepoch 2 <b>bold</b> ä\n"
    assert rest["text"] == "epoch 2 <b>bold</b> ä\n"
    assert (end["text"], end["following"]) == ("", whole["size"])


def test_lists_beside_runs(pages):
    assert {one["name"] for one in pages.get("/api/experiments").json()} == {"digits", "ridge"}
    assert pages.get("/api/models").json()[0]["name"] == "digits"
    assert pages.get("/api/compute").json()[0]["name"] == "local"
    assert pages.get("/api/search?q=digits").json()["found"] == 3
    assert pages.get("/api/search?q=%3C").status_code == 400
