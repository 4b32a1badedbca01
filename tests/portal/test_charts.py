"""Charts as facts, and what is left out of them."""

import math
import re
import time

import numpy as np
import pytest

from azml_integrations.portal import charts, drawing
from azml_integrations.records import Series


def series(values, kind="scalar", steps=None, times=None):
    n = len(values)
    return Series(kind, values, times or [100.0 + i for i in range(n)], steps or [None] * n)


def test_a_million_points_become_two_thousand_with_every_peak():
    """The lowest and the highest of each stretch are drawn, and both ends; the true count is said."""
    y = np.sin(np.arange(1_000_000) / 50_000)
    y[123_456], y[777_777] = 9.0, -9.0
    began = time.perf_counter()
    told = charts.line(series(y), "step")
    took = time.perf_counter() - began
    assert (told["count"], told["shown"] <= charts.MOST) == (1_000_000, True)
    assert (max(told["y"]), min(told["y"])) == (9.0, -9.0)
    assert (told["x"][0], told["x"][-1]) == (0, 999_999)
    assert told["x"] == sorted(told["x"])
    assert took < 5


@pytest.mark.parametrize("n", [0, 1, 2, 1999, 2000, 2001, 4001])
def test_any_length_keeps_its_ends_and_its_range(n):
    y = np.cos(np.arange(n) * 1.7)
    x, kept = charts.decimated(np.arange(n), y)
    assert len(kept) <= charts.MOST
    if n:
        assert (x[0], x[-1], kept.min(), kept.max()) == (0, n - 1, y.min(), y.max())


def test_nan_is_marked_and_breaks_no_line():
    """JSON has no NaN: the value is null, and its place is told beside the line."""
    told = charts.line(series([1.0, math.nan, math.inf, 4.0], steps=[0, 10, 20, 30]), "step")
    assert told["y"] == [1, None, None, 4]
    assert told["odd"] == [10, 20]


def test_the_x_axis_is_chosen():
    one = series([1.0, 2.0, 3.0], steps=[5, 10, 15], times=[100.0, 101.5, 104.0])
    assert charts.line(one, "step")["x"] == [5, 10, 15]
    assert charts.line(one, "time")["x"] == [0, 1.5, 4]
    assert charts.line(one, "wall")["x"] == [100, 101.5, 104]
    assert charts.line(series([1.0, 2.0]), "step")["x"] == [0, 1]


def test_a_line_is_drawn_against_the_epoch():
    """The epoch is a metric like others: what was logged at its steps gives the place of all that lies between."""
    loss = series([4.0, 3.0, 2.0, 1.0], steps=[0, 5, 10, 20])
    epochs = series([0, 1, 2], steps=[0, 10, 20])
    assert charts.line(charts.by_epoch(loss, epochs), "epoch")["x"] == [0, 0.5, 1, 2]
    assert charts.by_epoch(loss, series([math.nan])) is loss


def test_a_run_that_logs_its_epoch_offers_it(studio, run):
    for step in range(6):
        run.log("loss", 1.0 / (step + 1), step=step)
        run.log("epoch", step // 2, step=step)
    told = studio.get(f"/api/runs/{run.id}/chart?metric=loss&axis=epoch").json()
    assert (told["x"]["title"], told["series"][0]["x"]) == ("epoch", [0, 0, 1, 1, 2, 2])
    assert '<option value="epoch"' in studio.get(f"/runs/{run.id}/metrics").text


def test_a_zoom_fetches_its_part_in_full():
    """What was left out in the whole is seen in the part."""
    told = charts.line(series(np.arange(100_000.0)), "step", (500, 900))
    assert (told["count"], told["shown"], told["x"][0], told["x"][-1]) == (401, 401, 500, 900)


@pytest.mark.parametrize(
    ("one", "how"),
    [
        (series([0.5]), "value"),
        (series(["text"]), "value"),
        (series([0.5, 0.25]), "line"),
        (series(["a", "b"]), "table"),
        (series([[1, 2, 3]], "list"), "line"),
        (series([["a", "b"]], "list"), "table"),
        (series([{"x": 1, "y": 2}, {"x": 2, "y": 4}], "row"), "pairs"),
        (series([{"x": 1, "y": 2}], "row"), "table"),
        (series([{"x": 1, "y": "b"}, {"x": 2, "y": "c"}], "row"), "table"),
        (series([{"x": [1, 2], "y": [3, 4]}], "table"), "pairs"),
        (series([{"x": [1, 2], "y": [3, 4], "z": [5, 6]}], "table"), "table"),
        (series(["a.png"], "image"), "image"),
    ],
)
def test_a_shape_is_shown_as_the_first_portal_did(one, how):
    assert charts.shown_as(one) == how


def test_parallel_axes_scale_numbers_and_place_texts():
    told = charts.parallel(
        ["a", "b"], [("r1", "one", ["1", "x"]), ("r2", "two", ["3", "y"]), ("r3", "three", [None, "x"])]
    )
    assert [one["y"] for one in told["series"]] == [[0.0, 0.0], [1.0, 1.0], [None, 0.0]]
    assert told["axes"][0]["ends"] == ["1", "3"]


def test_parallel_axes_are_those_in_which_runs_differ(studio, experiment):
    """What only the parent has, or all share, would break or bundle every line."""
    with experiment.start_logging(outputs=False, snapshot_directory=None) as parent:
        parent.log("folds", 5)
        for alpha, error in ((0.1, 3.0), (1.0, 2.0)):
            with parent.child_run() as child:
                child.add_properties({"param.alpha": str(alpha), "param.solver": "auto"})
                child.log("error", error)
                child.log("constant", 1)
    path = f"/experiments/{experiment.name}"
    told = studio.get(f"/api{path}/chart?kind=parallel").json()
    assert [one["title"] for one in told["axes"]] == ["alpha", "error"]
    assert studio.get(f"/api{path}/chart.csv?kind=parallel").text.splitlines()[0] == "run_id,number,run,alpha,error"


@pytest.mark.parametrize(
    ("values", "log"),
    [([0.001, 0.01, 0.1], True), ([1, 2, 3], False), ([0, 1, 1000], False), (["0.001", "adam", "1"], False)],
)
def test_a_parameter_over_decades_has_a_log_axis(values, log):
    told = charts.scatter("lr", "loss", [(f"r{n}", f"r{n}", value, 1.0) for n, value in enumerate(values)])
    assert told["x"]["log"] is log
    ticks = re.findall(r"<text[^>]*>([\d.]+)</text>", drawing.svg(told).decode())
    assert ({"0.001", "0.01", "0.1"} <= set(ticks)) is log


def test_a_picture_of_parallel_axes_says_where_they_end():
    picture = drawing.svg(charts.parallel(["a", "b"], [("r1", "one", [1.5, "x"]), ("r2", "two", [3.5, "y"])])).decode()
    assert all(f">{end}<" in picture for end in ("1.5", "3.5", "x", "y"))


def test_every_kind_of_chart_is_drawn_without_a_browser(pages, ids):
    """The fallback says the same as the script's chart: an SVG that stands alone."""
    run = f"/runs/{ids['digits 0']}"
    for path in (
        *(
            f"{run}/chart.svg?metric={name}"
            for name in ("loss", "rates", "curve", "confusion", "residuals", "predicted", "accuracy")
        ),
        f"{run}/chart.svg?metric=accuracy&part=1",
        f"/runs/{ids['alphas']}/children/chart.svg",
        "/experiments/digits/chart.svg?kind=points&x=lr&y=loss",
        "/experiments/digits/chart.svg?kind=points&x=optimizer&y=loss",
        "/experiments/digits/chart.svg?kind=parallel",
        "/experiments/digits/chart.svg?kind=history&metric=loss",
        f"/compare/chart.svg?runs={ids['digits 0']}&runs={ids['digits 1']}&metric=loss",
    ):
        answer = pages.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml"), path
        assert answer.text.rstrip().endswith("</svg>")
        assert re.search(r"<path|<use", answer.text)
        assert "<script" not in answer.text


def test_a_chart_of_nothing_says_what_was_asked(pages, ids):
    for path in (
        f"/api/runs/{ids['digits 0']}/chart?metric=none",
        f"/api/runs/{ids['digits 0']}/chart?metric=per+class",
        f"/api/runs/{ids['digits 0']}/children/chart",
        "/api/experiments/digits/chart?kind=pie",
        "/api/experiments/digits/chart?kind=history&metric=none",
    ):
        answer = pages.get(path)
        assert (answer.status_code, bool(answer.json()["error"])) == (404, True)


def test_a_name_is_no_formula():
    """A metric named with dollars is drawn as it is spelt."""
    spec = charts.chart("$\\frac{", {"$a": series([1.0, 2.0])}, "step")
    assert b"</svg>" in drawing.svg(spec)
