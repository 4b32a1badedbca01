"""Plugins add sections to a run's page, and break nothing of it."""

import sys
import threading
import time
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from guides import followed, parts
from starlette.testclient import TestClient

from azml_integrations.core import Experiment
from azml_integrations.hookspecs import hookimpl
from azml_integrations.offers import Links, Panel, Picture, Table, Text
from azml_integrations.plugins import plugins
from azml_integrations.portal import panels

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">'


@pytest.fixture
def run(workspace):
    run = Experiment(workspace, "lifts").start_logging(outputs=False, snapshot_directory=None)
    run.log("lift", 2.5)
    yield run
    run.complete()


@pytest.fixture
def offer(monkeypatch, workspace):
    """Register a plugin whose panel draws so; its module is made for it."""

    def one(draw, name="lift", plugin="acme", **more):
        module = ModuleType(f"panels_of_{plugin}_{name}".replace("-", "_"))
        module.draw = draw
        monkeypatch.setitem(sys.modules, module.__name__, module)

        @hookimpl
        def azml_panels():
            return [Panel(name, "Lift of the model", f"{module.__name__}:draw", **more)]

        plugins().register(SimpleNamespace(azml_panels=azml_panels), plugin)

    return one


def shown(studio, run, name="lift"):
    answer = studio.get(f"/runs/{run.id}/panels/{name}")
    assert answer.status_code == 200
    return answer.text.partition('<div id="panel">')[2].partition("</div></section>")[0]


def test_the_page_comes_first_and_leads_to_the_panel(studio, run, offer):
    """Nothing of it is drawn for the page: a script fetches it, and without one there is a link."""
    offer(lambda _: pytest.fail("drawn"))

    page = studio.get(f"/runs/{run.id}").text

    section = page.partition(f'<section data-panel="../runs/{run.id}/panels/lift"')[2].partition("</section>")[0]
    assert "Lift of the model</h2>" in section
    assert f'<a href="../runs/{run.id}/panels/lift">Show it</a>' in section
    assert "from plugin acme" in section


def test_a_panel_holds_text_tables_pictures_and_links(studio, run, offer):
    """It gets the run; what it returns are facts, and the page writes the HTML."""
    run.upload_file("outputs/lift.csv", __file__)

    def draw(its):
        value = its.get_metrics()["lift"]
        return [
            "a line",
            Text(f"lift is {value}"),
            Table(["decile", "lift", "who"], [[1, np.float64(value), None], [2, float("nan"), "a"], [2**80]]),
            Picture(PNG, "the lift curve"),
            Links({"file": "outputs/lift.csv", "site": "https://example.org/?a=1&b=2"}),
        ]

    offer(draw)
    text = shown(studio, run)

    assert '<p class="description">a line</p>' in text
    assert "lift is 2.5" in text
    assert '<th scope="col" class="n">decile</th>' in text
    assert '<td class="n" title="2.5">2.5</td>' in text
    assert '<td title="nan">nan</td>' in text
    assert '<img src="data:image/png;base64,iVBOR' in text
    assert 'alt="the lift curve"' in text
    assert f'<a href="../../../runs/{run.id}/files/outputs/lift.csv" download>file</a>' in text
    assert '<a href="https://example.org/?a=1&amp;b=2" rel="noopener noreferrer">site</a>' in text


def test_nothing_that_it_says_becomes_a_part_of_the_page(studio, run, offer):
    """Words, cells, heads, names of links and what an image shows: all are text."""
    offer(
        lambda _: [
            EVIL,
            Table([EVIL], [[EVIL]]),
            Picture(b"<svg>" + EVIL.encode(), EVIL),
            Links({EVIL: "https://" + EVIL}),
        ]
    )
    text = shown(studio, run)
    assert "<script" not in text
    assert 'onerror="' not in text
    assert text.count("&lt;script&gt;") >= 5


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"html": EVIL}, "TypeError: it returned dict, expected Text, Table, Picture, Links"),
        (Links({"click": "javascript:alert(1)"}), "expected http://, https://, or the name of a file of the run"),
        (Links({"click": "../../etc/passwd"}), "expected http://"),
        (Links({"click": "//evil.org"}), "expected http://"),
        (Picture(b"<html>", ""), "its picture is not the bytes of a PNG"),
        (Picture(PNG + bytes(panels.LARGEST_PICTURE), ""), "at most 2,097,152 are shown"),
        (Table(3, 4), "TypeError"),
        (Text, "expected Text"),
    ],
)
def test_what_it_may_not_hold_is_one_line(studio, run, offer, answer, said):
    """The plugin is named, and the page is whole."""
    offer(lambda _: answer)
    text = shown(studio, run)
    assert '<p class="problem">the panel &#39;lift&#39; of plugin &#39;acme&#39; cannot be shown: ' in text
    assert said in text.replace("&#39;", "'")
    assert "panel 'lift'" in next(fact.reason for fact in plugins().facts() if fact.name == "acme")


@pytest.mark.parametrize("error", [ZeroDivisionError(EVIL), SystemExit("bye"), KeyError("\ud800")])
def test_a_panel_that_raises_is_one_line(studio, run, offer, error):
    def draw(its):
        raise error

    offer(draw)
    text = shown(studio, run)
    assert f"cannot be shown: {type(error).__name__}" in text
    assert "<script" not in text
    assert studio.get(f"/runs/{run.id}").status_code == 200


def test_one_that_cannot_be_imported_is_one_line(studio, run, workspace):
    @hookimpl
    def azml_panels():
        return [Panel("gone", "Gone", "no_such_module:draw"), Panel("odd", "\ud800", 3, needs=["lift"])]

    plugins().register(SimpleNamespace(azml_panels=azml_panels), "acme")
    assert "ModuleNotFoundError" in shown(studio, run, "gone")
    assert studio.get(f"/runs/{run.id}/panels/odd").status_code == 404  # it needs what no run has


def test_a_slow_panel_is_one_line_and_is_not_begun_twice(studio, run, offer, monkeypatch):
    """Who looks again waits for the first; no thread is added to one that hangs."""
    monkeypatch.setattr(panels, "PATIENCE", 0.2)
    begun, go_on = [], threading.Event()

    def draw(its):
        begun.append(its)
        go_on.wait(20)
        return "late"

    offer(draw, name="slow")
    began = time.monotonic()
    assert "it takes longer than 0.2 s" in shown(studio, run, "slow")
    assert "it is still busy with an earlier visit" in shown(studio, run, "slow")
    assert (time.monotonic() - began, len(begun)) < (10, 2)
    go_on.set()
    monkeypatch.setattr(panels, "PATIENCE", 20)
    assert "late" in shown(studio, run, "slow")


def test_a_panel_may_need_something_of_the_run(studio, run, offer):
    """A run of another framework has no empty sections."""
    offer(lambda _: None, name="of-all")
    offer(lambda _: None, name="of-metric", plugin="metric", needs="lift")
    offer(lambda _: None, name="of-nobody", plugin="nobody", needs="depth")

    names = {one["name"] for one in studio.get(f"/api/runs/{run.id}/panels").json()}

    assert names == {"of-all", "of-metric"}
    assert "of-nobody" not in studio.get(f"/runs/{run.id}").text
    assert "Nothing to show of this run." in shown(studio, run, "of-all")
    assert studio.get(f"/runs/{run.id}/panels/of-nobody").status_code == 404


def test_names_are_one_panel_each(studio, run, offer):
    """A second one of the name, and what is no name, are left out; their plugins are named."""
    offer(lambda _: "second", plugin="second")
    offer(lambda _: "first", plugin="first")  # asked first: the last registered
    offer(lambda _: "odd", name="no/name", plugin="odd")

    assert [one["plugin"] for one in studio.get(f"/api/runs/{run.id}/panels").json()] == ["first"]
    reasons = {fact.name: fact.reason for fact in plugins().facts()}
    assert "plugin 'first' has a panel of that name" in reasons["second"]
    assert "small letters" in reasons["odd"]


def test_long_things_are_cut(studio, run, offer):
    """A page stays a page."""
    offer(lambda _: ["x" * 30_000, Table([str(n) for n in range(80)], [range(80)] * 1000), *["y"] * 40])
    text = shown(studio, run)
    assert "The first 200 of 1000 rows." in text
    assert "22 more are not shown" in text
    assert len(text) < 2_000_000


def test_the_api_has_the_same(studio, run, offer):
    """A program reads what the page shows."""
    offer(lambda its: Table(["lift"], [[its.get_metrics()["lift"]]]))
    told = {"name": "lift", "title": "Lift of the model", "plugin": "acme"}
    assert studio.get(f"/api/runs/{run.id}/panels").json() == [told]
    parts = [{"kind": "table", "columns": ["lift"], "rows": [[2.5]], "count": 1}]
    assert studio.get(f"/api/runs/{run.id}/panels/lift").json() == {**told, "parts": parts, "trouble": ""}
    assert studio.get(f"/api/runs/{run.id}/panels/none").status_code == 404
    assert isinstance(studio, TestClient)


def test_the_guide_does_what_it_says(studio, workspace, tmp_path, monkeypatch):
    """Its panel stands on the page of its run, and on no other's."""
    monkeypatch.setenv("AZML_WORKSPACE", str(workspace.root))
    with followed(parts("how-to/extend-azml.md")["A panel on a run's page"], tmp_path) as world:
        text = shown(studio, world["run"], "residuals")
        assert "largest error: 3" in text
        assert "<td" in text
        bare = Experiment(workspace, "other").start_logging(outputs=False, snapshot_directory=None)
        assert studio.get(f"/api/runs/{bare.id}/panels").json() == []
        bare.complete()
