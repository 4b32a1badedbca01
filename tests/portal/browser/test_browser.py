"""The pages as a person sees them, in Chromium."""

import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect
from served import Served

from azml_integrations.core import Experiment
from azml_integrations.hookspecs import Panel, hookimpl
from azml_integrations.plugins import plugins

SEEN = Path(os.environ.get("AZML_SCREENSHOTS", ""))
"""Where the pictures of the pages are kept, if somebody wants to look at them."""


@pytest.fixture
def own(workspace):
    """Give the studio of a test's own workspace."""
    studio = Served(workspace)
    yield studio
    studio.close()


def paths(ids):
    run = f"/runs/{ids['digits 0']}"
    return {
        "experiments": "/",
        "experiment": "/experiments/digits?sort=metric.loss",
        "sweep": f"/experiments/ridge?open={ids['alphas']}",
        "details": run,
        "failed": f"/runs/{ids['digits 2']}",
        "parent": f"/runs/{ids['alphas']}",
        "metrics": f"{run}/metrics",
        "images": f"{run}/images",
        "children": f"/runs/{ids['alphas']}/children",
        "outputs": f"{run}/outputs?file=outputs/history.csv",
        "logs": f"{run}/logs",
        "snapshot": f"{run}/snapshot?file=train.py",
        "compare": f"/compare?runs={ids['digits 0']}&runs={ids['digits 1']}",
        "computes": "/compute",
        "compute": "/compute/local",
        "models": "/models",
        "model": "/models/digits/1",
        "search": "/search?q=digits",
        "bulk": f"/bulk?action=delete&runs={ids['digits 0']}&runs={ids['alphas']}",
        "datasets": "/datasets",
        "trash": "/trash",
    }


def drawn(page):
    """Scroll to every chart, wait until it stands there, and return how many there are."""
    figures = page.locator("figure.chart")
    for place in range(figures.count()):
        figures.nth(place).scroll_into_view_if_needed()
        expect(figures.nth(place)).to_have_attribute("data-drawn", re.compile("."))
    page.evaluate("scrollTo(0, 0)")
    return figures.count()


@pytest.mark.parametrize("look", ["light", "dark", "narrow"])
def test_every_page_is_seen(tab, served, ids, look):
    """Charts are drawn, nothing is wider than the screen, the colours follow the system."""
    narrow = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
    options = {"dark": {"color_scheme": "dark"}, "narrow": narrow}.get(look, {})
    page = tab(served, **options)
    charts = 0
    for name, path in paths(ids).items():
        page.goto(served.address + path)
        charts += drawn(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert ground == ("rgb(21, 24, 30)" if look == "dark" else "rgb(251, 251, 250)")
        if Path() != SEEN:
            page.screenshot(path=SEEN / f"{name}-{look}.png", full_page=True)
    assert charts > 14


def test_a_chart_shows_its_points(tab, served, ids):
    """What plotly drew is what was logged: 7 fits, the lowest at 0.3."""
    page = tab(served, f"/runs/{ids['alphas']}")
    drawn(page)
    assert page.locator("figure.chart .scatterlayer .point").count() == 7
    assert page.locator("figure.chart .count").inner_text() == "7 runs"
    page.locator("figure.chart .scatterlayer .point").nth(3).hover(force=True)
    page.wait_for_selector(".hoverlayer .hovertext")
    assert "0.3" in page.locator(".hoverlayer").text_content()


def test_the_newcomers_way(tab, served):
    """From the printed link to the best alpha, by clicks alone."""
    page = tab(served)
    page.get_by_role("link", name="ridge").click()
    page.get_by_label("children as rows").check()
    page.get_by_role("button", name="Apply").click()
    page.get_by_role("columnheader", name="mse").get_by_role("link").click()
    page.wait_for_url("**sort=metric.mse**")
    first = page.locator("table.runs tbody tr").first
    assert "alpha 0.3" in first.inner_text()
    first.get_by_role("link").first.click()
    page.wait_for_selector("h1:has-text('alpha 0.3')")


def test_columns_are_chosen_and_stand_in_the_address(tab, served):
    page = tab(served, "/experiments/digits")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("loss min").check()
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**col=metric.loss%3Amin**")
    assert page.get_by_role("columnheader", name="loss min").count() == 1


def test_runs_are_compared_by_keys(tab, served):
    """`j` goes down, `x` chooses, `c` compares, `?` tells the keys."""
    page = tab(served, "/experiments/digits")
    page.wait_for_selector("html.scripted")
    page.keyboard.press("?")
    assert page.locator("dialog[open]").count() == 1
    page.keyboard.press("Escape")
    for key in "jxjxc":
        page.keyboard.press(key)
    page.wait_for_url("**/compare?runs=**")
    assert page.get_by_role("heading", name="Compare 2 runs").count() == 1
    for mode in ("Swipe", "Blink", "Difference", "Side by side"):
        page.get_by_role("button", name=mode).first.click()
    assert page.locator(".strip.stacked").count() == 0


def test_a_live_run_is_watched(own, tab, experiment):
    """The page follows: numbers, lines and status change, and asking ends with the run."""
    run = experiment.start_logging(outputs=False, snapshot_directory=None)
    for step in range(3):
        run.log("loss", 1.0 / (step + 1), step=step)
    page = tab(own, f"/runs/{run.id}/metrics")
    drawn(page)
    assert page.locator("figure.chart .count").inner_text() == "3 points"
    for step in range(3, 10):
        run.log("loss", 1.0 / (step + 1), step=step)
    expect(page.locator("figure.chart .count")).to_have_text("10 points", timeout=30_000)
    expect(page.locator("figure.chart .point")).to_have_count(10)
    for step in range(3):
        run.log("accuracy", step / 3, step=step)
    expect(page.locator("figure.chart[data-drawn]")).to_have_count(2, timeout=30_000)
    run.complete()
    page.wait_for_selector("#run-head .completed")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(3000)
    assert asked == []


def test_a_log_grows_on_its_page(own, tab, experiment, tmp_path):
    run = experiment.start_logging(outputs=False, snapshot_directory=None)
    log = own.app.state.studio.workspace.view.folder(run.id) / "user_logs" / "std_log.txt"
    log.parent.mkdir()
    log.write_text("epoch 1\n")
    page = tab(own, f"/runs/{run.id}/logs")
    with log.open("a") as out:
        out.write("epoch 2 <i>\n")
    expect(page.locator("#log")).to_have_text("epoch 1\nepoch 2 <i>\n")
    run.complete()


def test_a_page_acts(own, tab, experiment):
    """Tag, name and cancel from the page; the run knows."""
    run = experiment.start_logging(outputs=False, snapshot_directory=None)
    page = tab(own, f"/runs/{run.id}")
    page.get_by_text("Edit tags, name and description").click()
    page.get_by_placeholder("key").fill("stage")
    page.get_by_placeholder("value").fill("prod")
    page.get_by_role("button", name="Set").click()
    page.wait_for_selector("li.chip:has-text('stage: prod')")
    page.get_by_role("textbox", name="Name").fill("the best")
    page.get_by_role("button", name="Rename").click()
    page.wait_for_selector("h1:has-text('the best')")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_selector("#run-head .canceled")
    assert (run.tags, run.display_name, run.get_status()) == ({"stage": "prod"}, "the best", "Canceled")


def test_smoothing_and_log_axes_stand_in_the_address(tab, served, ids):
    page = tab(served, f"/runs/{ids['digits 0']}/metrics")
    drawn(page)
    page.locator("#smoothing").fill("0.9")
    page.locator("#logy").check()
    assert "smoothing=0.9" in page.url
    assert "logy=1" in page.url
    page.reload()
    drawn(page)
    assert page.locator("#smoothing").input_value() == "0.9"
    assert page.evaluate("document.querySelector('.plot').layout.yaxis.type") == "log"


def test_a_zoom_fetches_detail(own, tab, experiment):
    """5,000 points are drawn as fewer, and a part of them in full."""
    with experiment.start_logging(outputs=False, snapshot_directory=None) as run:
        for step in range(5000):
            run.log("loss", float(step % 7), step=step)
    page = tab(own, f"/runs/{run.id}/metrics")
    drawn(page)
    assert page.locator("figure.chart .count").inner_text().endswith("of 5,000 points")
    page.evaluate("Plotly.relayout(document.querySelector('.plot'), {'xaxis.range[0]': 1000, 'xaxis.range[1]': 1500})")
    expect(page.locator("figure.chart .count")).to_have_text("501 points")


def test_pages_are_read_without_a_script(tab, served, ids):
    """Pictures stand where charts would, controls that need a script are not shown."""
    page = tab(served, f"/runs/{ids['digits 0']}/metrics", java_script_enabled=False)
    pictures = page.locator("figure.chart img")
    assert pictures.count() == 8
    for place in range(8):
        pictures.nth(place).scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    assert not page.locator("#smoothing").is_visible()
    assert page.get_by_role("button", name="Draw").is_visible()


def test_many_tabs_never_hang(own, tab, experiment):
    """Eight tabs on a live run each get their answers: none holds a connection open."""
    run = experiment.start_logging(outputs=False, snapshot_directory=None, display_name="watched")
    page = tab(own, f"/runs/{run.id}")
    others = [page.context.new_page() for _ in range(7)]
    for other in others:
        other.goto(f"{own.address}/runs/{run.id}", timeout=30_000)
        assert other.locator("h1").inner_text().startswith("watched")
    run.complete()


def test_panels_of_plugins_are_fetched_afterwards(tab, own, workspace):
    """The page is there first; what a plugin draws comes into its place, and again when the run has changed."""

    @hookimpl
    def azml_panels():
        return [Panel("loss", "Last loss", f"{__name__}:last_loss"), Panel("broken", "Broken", "no_such_module:draw")]

    run = Experiment(workspace, "panels").start_logging(outputs=False, snapshot_directory=None)
    run.log("loss", 2.0)
    plugins().register(SimpleNamespace(azml_panels=azml_panels), "acme")
    page = tab(own, f"/runs/{run.id}")
    panel = page.locator('section[data-panel$="/loss"]')

    expect(panel).to_contain_text("the last loss is 2.0")
    expect(page.locator('section[data-panel$="/broken"] .problem')).to_contain_text("plugin 'acme'")
    run.log("loss", 1.0)
    run.tag("half", "way")
    expect(panel).to_contain_text("the last loss is 1.0")
    run.complete()


def last_loss(run):
    """Draw a panel."""
    return f"the last loss is {run.metric_points('loss')[-1].value}"
