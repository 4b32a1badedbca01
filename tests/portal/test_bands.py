"""Many runs as few lines: means, bands, and what stands behind a chart."""

import csv
import io
import math

import numpy as np
import pytest

from azml_integrations.core import Experiment
from azml_integrations.portal import bands


def lines(*pairs):
    return [bands.rising(np.array(x, dtype=float), np.array(y, dtype=float)) for x, y in pairs]


def read_csv(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].startswith("attachment")
    return list(csv.reader(io.StringIO(answer.text)))


def test_runs_of_equal_steps_are_taken_together_step_by_step():
    """The sample standard deviation of 1, 2 and 6 is the root of 7; one run has none."""
    one = bands.over(lines(([0, 1], [1, 4]), ([0, 1], [2, math.nan]), ([0, 1], [6, math.nan])))
    assert one.x.tolist() == [0, 1]
    assert one.runs.tolist() == [3, 1]
    assert one.mean.tolist() == [3, 4]
    assert one.std.tolist() == pytest.approx([math.sqrt(7), 0])
    assert (one.low.tolist(), one.high.tolist()) == ([1, 4], [6, 4])


def test_between_its_points_a_run_is_a_straight_line_and_beyond_its_ends_nothing():
    """One run logs every second step, the other begins late: each step says how many it knows."""
    one = bands.over(lines(([0, 2, 4], [0, 2, 4]), ([3, 4, 5], [9, 9, 9])))
    assert one.x.tolist() == [0, 2, 3, 4, 5]
    assert one.runs.tolist() == [1, 1, 2, 2, 1]
    assert one.mean.tolist() == [0, 2, 6, 6.5, 9]


def test_beside_what_is_no_number_a_run_does_not_count():
    """A line is not drawn across a NaN, so no mean is either."""
    one = bands.over(lines(([0, 1, 2, 3], [1, math.nan, math.inf, 1]), ([0, 0.5, 1.5, 3], [3, 3, 3, 3])))
    assert one.runs.tolist() == [2, 1, 1, 1, 1, 2]
    assert one.mean.tolist() == [2, 3, 3, 3, 3, 2]


def test_the_later_of_two_points_at_one_step_counts_and_order_does_not():
    x, y = bands.rising(np.array([2.0, 1, 2, 0]), np.array([5.0, 1, 7, 0]))
    assert (x.tolist(), y.tolist()) == ([0, 1, 2], [0, 1, 7])
    assert bands.rising(np.array([1.0]), np.array([math.nan])) is None
    assert bands.rising(np.array([]), np.array([])) is None


@pytest.fixture(scope="module")
def folds(world):
    """Six trainings of two learning rates, each on its fold, below one run."""
    with Experiment(world, "folds").start_logging(outputs=False, snapshot_directory=None) as parent:
        for number in range(6):
            with parent.child_run(f"fold {number}") as child:
                child.add_properties({"param.lr": ["0.1", "0.02"][number % 2]})
                child.tag("fold", str(number // 2))
                for step in range(40):
                    child.log("loss", 1.0 / (1 + step) + 0.1 * (number // 2), step=step)
    return parent.id


def test_children_are_drawn_as_the_mean_of_each_group(pages, folds):
    """The groups come in the order of their numbers; the legend says how many runs each has."""
    path = f"/api/runs/{folds}/children/chart?kind=history&metric=loss&group=param.lr"
    told = pages.get(path).json()
    assert [one["name"] for one in told["series"]] == ["lr = 0.02 · 3 runs", "lr = 0.1 · 3 runs"]
    first = told["series"][0]
    assert (first["x"][:3], first["runs"][:3]) == ([0, 1, 2], [3, 3, 3])
    assert first["y"][0] == pytest.approx(1.1)
    assert (first["low"][0], first["high"][0]) == pytest.approx((1.0, 1.2))  # 1, 1.1 and 1.2: the deviation is 0.1
    assert told["note"] == "mean ± std over 6 runs"
    assert "straight line" in told["rule"]
    ranged = pages.get(f"{path}&band=range&min=10&max=20").json()["series"][0]
    assert (ranged["x"][0], ranged["x"][-1]) == (10, 20)
    assert (ranged["low"][0], ranged["high"][0]) == pytest.approx((1 / 11, 1 / 11 + 0.2))


def test_a_group_stands_in_the_address_of_every_page_that_overlays(pages, folds, ids):
    """The same words on the pages of an experiment, of children and of a comparison; without scripts a picture."""
    both = f"runs={ids['digits 0']}&runs={ids['digits 1']}"
    for page, picture, runs in (
        ("/experiments/digits?history=loss&group=all&band=range", "/experiments/digits/chart.svg?kind=history&", 3),
        (f"/runs/{folds}/children?group=all&band=range", f"/runs/{folds}/children/chart.svg?kind=history&", 6),
        (f"/compare?{both}&group=all&band=range", f"/compare/chart.svg?{both}&", 2),
    ):
        text = pages.get(page).text.replace("&amp;", "&")
        assert '<option value="all" selected>' in text
        assert "metric=loss&group=all&band=range" in text
        svg = pages.get(f"{picture}metric=loss&group=all&band=range").text
        assert f"mean, min to max over {runs} runs" in svg


def test_runs_without_the_parameter_are_a_group(pages):
    told = pages.get("/api/experiments/digits/chart?kind=history&metric=loss&group=tag.none").json()
    assert [one["name"] for one in told["series"]] == ["no none · 3 runs"]
    wrong = pages.get("/api/experiments/digits/chart?kind=history&metric=note&group=all")
    assert wrong.status_code == 404


def test_a_group_that_means_nothing_is_as_if_it_were_not_there(pages):
    told = pages.get("/api/experiments/digits/chart?kind=history&metric=loss&group=evil&band=x&axis=y&min=z").json()
    assert len(told["series"]) == 3
    assert "band" not in told


def test_a_long_band_is_thinned_out_and_its_extremes_stay():
    """Of 100,000 steps some are looked at; the lowest and the highest of each stretch that is drawn stay in a range."""
    x = np.arange(100_000.0)
    y = np.sin(x / 5000)
    one = bands.over([(x, y), (x, y + 1)], most=bands.GRID)
    assert (len(one.x), one.places) == (bands.GRID, 100_000)
    told = bands._told("m", one, "range", 500)
    assert (told["shown"] <= 500, told["count"]) == (True, 100_000)
    assert (min(told["low"]), max(told["high"])) == pytest.approx((-1, 2), abs=1e-5)


# -- what stands behind a chart ------------------------------------------------------------------------


def test_every_chart_has_its_data_below_it(pages, ids, folds):
    """A link beside each chart, wherever it stands, leads to all that it is drawn from."""
    import re

    run = f"/runs/{ids['digits 0']}"
    for page in (
        f"{run}/metrics",
        f"/runs/{ids['alphas']}",
        f"/runs/{folds}/children",
        "/experiments/digits",
        f"/compare?runs={ids['digits 0']}&runs={ids['digits 1']}",
    ):
        text = pages.get(page).text.replace("&amp;", "&")
        figures = text.split('<figure class="chart')[1:]
        assert figures
        for figure in figures:
            (link,) = re.findall(r'href="([^"]*chart\.csv[^"]*)"', figure)
            depth = page.partition("?")[0].count("/") - 1
            assert link.startswith("../" * depth or "./")
            rows = read_csv(pages.get("/" + link.replace("../", "").removeprefix("./")))
            assert len(rows) > 1, link
            assert {len(row) for row in rows} == {len(rows[0])}


@pytest.mark.parametrize(
    ("metric", "head", "second"),
    [
        ("loss", ["step", "time", "value"], None),
        ("rates", ["index", "value"], ["0", "0.1"]),
        ("curve", ["x", "y"], ["1", "1.0"]),
        ("per class", ["label", "recall"], ["cat", "0.9"]),
        ("confusion", ["true", "predicted", "count"], ["cat", "cat", "50"]),
        ("residuals", ["bin_start", "bin_end", "count"], ["-3", "-1", "4"]),
        ("predicted", ["bin_start", "bin_end", "average", "error", "count"], ["0", "1", "0.4", "0.1", "10"]),
        (
            "accuracy",
            ["class", "by", "threshold", "tp", "fp", "tn", "fn"],
            ["no", "probability", "0.0", "60", "40", "0", "0"],
        ),
    ],
)
def test_the_numbers_of_every_kind_are_sent(pages, ids, metric, head, second):
    rows = read_csv(pages.get(f"/api/runs/{ids['digits 0']}/chart.csv", params={"metric": metric}))
    assert rows[0] == head
    assert second is None or rows[1] == second


def test_all_points_are_sent_and_not_those_that_are_drawn(pages, studio, run):
    for step in range(2500):
        run.log("loss", step, step=step)
    rows = read_csv(studio.get(f"/api/runs/{run.id}/chart.csv?metric=loss"))
    assert len(rows) == 2501
    rows = read_csv(pages.get("/api/experiments/digits/chart.csv?kind=history&metric=loss"))
    assert (rows[0], len(rows)) == (["run_id", "run", "step", "time", "value"], 901)
    rows = read_csv(pages.get("/api/experiments/digits/chart.csv?kind=history&metric=loss&group=all"))
    assert (rows[0], len(rows)) == (["group", "step", "runs", "mean", "std", "min", "max"], 301)
    assert pages.get("/api/experiments/digits/chart.csv?kind=pie").status_code == 404
    assert pages.get("/api/experiments/digits/chart.csv?kind=history&metric=none").status_code == 404


def test_many_charts_come_in_one_answer(pages, ids):
    """A page of small charts asks once; what is wrong with one is no matter of the others."""
    run = f"runs/{ids['digits 0']}/chart?metric="
    asked = [f"{run}loss", f"{run}none", "experiments/digits/chart?kind=points&x=lr&y=loss", "runs/x/log?a=b"]
    told = pages.get("/api/charts", params={"of": asked}).json()
    assert told[0] == pages.get(f"/api/{asked[0]}").json()
    assert "no metric 'none'" in told[1]["error"]
    assert told[2]["kind"] == "points"
    assert told[3]["error"] == "runs/x/log is no chart"


def test_a_chart_of_a_long_line_is_the_same_from_its_outline(studio, run, monkeypatch):
    """The count is true in every part, the peak is there, and time begins with the first point."""
    from azml_integrations.portal import histories
    from azml_integrations.store import outlines

    for step in range(9000):
        run.log("loss", 7.0 if step == 4567 else math.cos(step / 900), step=step)
    path = f"/api/runs/{run.id}/chart?metric=loss"
    plain = {axis: studio.get(f"{path}&axis={axis}").json() for axis in ("step", "time", "wall")}
    part = studio.get(f"{path}&min=100&max=8500").json()["series"][0]
    monkeypatch.setattr(histories, "LONG", 5000)
    monkeypatch.setattr(outlines, "DENSE", 5000)
    for axis, told in plain.items():
        one, other = told["series"][0], studio.get(f"{path}&axis={axis}").json()["series"][0]
        assert (other["count"], max(other["y"]), other["x"][0]) == (9000, 7, one["x"][0])
        assert other["x"][-1] == pytest.approx(one["x"][-1], abs=1e-5)
        assert 100 < other["shown"] < one["shown"]
    other = studio.get(f"{path}&min=100&max=8500").json()["series"][0]
    assert (other["count"], other["x"][0], other["x"][-1]) == (part["count"], 100, 8500) == (8401, 100, 8500)


def test_a_thinned_line_is_told_to_a_millionth_of_its_range():
    """Small values stay on a log axis, a small range beside a large offset stays a range."""
    from azml_integrations.portal.charts import _rounded

    told = _rounded(np.array([1e-9 * math.pi, math.pi, 1e6 * math.pi, 0, math.nan, -math.e]))
    assert repr(told.tolist()) == "[3.14159e-09, 3.14159, 3141590.0, 0.0, nan, -2.71828]"
    offset = np.array([1e6 + 0.123456789, 1e6 + 0.2])
    assert np.abs(_rounded(offset) - offset).max() < 1e-6
