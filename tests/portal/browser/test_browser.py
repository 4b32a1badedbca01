"""The pages as a person sees them, in Chromium."""

import os
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from playwright.sync_api import expect
from served import Served

from azml_integrations.core import Experiment
from azml_integrations.hookspecs import hookimpl
from azml_integrations.offers import Panel
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
    assert "zoom=1000%7E1500%7Eloss" in page.url
    page.locator("#logx").check()
    page.reload()
    expect(page.locator("figure.chart .count")).to_have_text("501 points")
    ends = page.evaluate("document.querySelector('.plot').layout.xaxis.range.map((end) => Math.round(10 ** end))")
    assert ends == [1000, 1500]
    page.evaluate("Plotly.relayout(document.querySelector('.plot'), {'xaxis.autorange': true})")
    expect(page.locator("figure.chart .count")).to_contain_text("of 5,000 points")
    assert "zoom" not in page.url


def test_groups_are_drawn_as_bands(tab, served, ids):
    """Chosen from a list, kept in the address through a sort and a zoom; one band each, its runs in the legend."""
    page = tab(served, "/experiments/digits")
    drawn(page)
    page.get_by_label("mean over").select_option("equal optimizer")
    page.wait_for_url("**group=param.optimizer**")
    drawn(page)
    page.locator("#logy").check()
    overlay = page.locator("figure.chart", has_text="mean ± std over 3 runs")
    expect(overlay.locator(".legendtext")).to_have_text(["optimizer = adam · 2 runs", "optimizer = sgd · 1 run"])
    assert overlay.locator(".fills path, .js-fill").count() == 2
    page.get_by_role("columnheader", name="lr").get_by_role("link").click()
    page.wait_for_url("**sort=param.lr**")
    assert {"group=param.optimizer", "logy=1"} <= set(page.url.partition("?")[2].replace("%3D", "=").split("&"))


def test_charts_are_fetched_together_and_saved(tab, served, ids):
    """Five charts in sight are one request; below each stand its data and its picture."""
    page = tab(served, viewport={"width": 1280, "height": 4000})
    asked = []
    page.on("request", lambda request: "/chart" in request.url and asked.append(request.url))
    page.goto(f"{served.address}/runs/{ids['digits 0']}/metrics")
    count = drawn(page)
    assert (count, len(asked) <= 2) == (8, True)
    for words, ending in (("CSV", ".csv"), ("SVG", ".svg"), ("PNG", ".png")):
        with page.expect_download() as found:
            page.locator("figure.chart .saves").first.get_by_text(words).click()
        assert found.value.suggested_filename == f"loss{ending}"
        assert Path(found.value.path()).stat().st_size > 1000


def test_a_view_is_saved_from_its_page(own, tab, experiment):
    """Filter, save, go elsewhere, come back by its name; rename it, make it the one the table opens with."""
    for alpha in (1, 2):
        with experiment.start_logging(outputs=False, snapshot_directory=None) as run:
            run.log("mse", alpha)
    page = tab(own, f"/experiments/{experiment.name}?q=mse+%3C+2")
    page.locator(".views summary").click()
    page.get_by_label("Save this one as").fill("small errors")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="small errors").wait_for()
    page.on("dialog", lambda dialog: dialog.accept("the smallest" if dialog.type == "prompt" else None))
    page.get_by_role("button", name="rename").click()
    page.get_by_role("link", name="the smallest").wait_for()
    page.get_by_role("button", name="make default").click()
    expect(page.locator(".views .chip")).to_have_text("default")
    if Path() != SEEN:
        page.screenshot(path=SEEN / "views-light.png")
    page.goto(f"{own.address}/experiments/{experiment.name}")
    expect(page.locator("table.runs tbody tr")).to_have_count(1)
    page.locator(".views summary").click()
    page.get_by_role("button", name="Delete the view").click()
    expect(page.locator("#saved-views")).to_contain_text("No saved views yet")


@pytest.fixture
def pictured(experiment, tmp_path):
    """Give two runs with images: one at steps 0, 10 and 20 and one at 5 and 15, and in the first one without a step."""
    ids = []
    for steps in ((0, 10, 20), (5, 15)):
        with experiment.start_logging(outputs=False, snapshot_directory=None) as run:
            for step in steps:
                run.log_image("sample", plot=np.full((40, 60), step / 20), step=step)
            if not ids:
                run.log_image("late", plot=np.eye(40), step=20)
                run.log_image("overview", plot=np.eye(40))
        ids.append(run.id)
    return ids


def test_one_step_moves_all_images_of_a_run(own, tab, pictured):
    """Each shows its nearest image at or before, and says so; arrows and play move it, and the address keeps it."""
    page = tab(own, f"/runs/{pictured[0]}/images")
    seen = page.locator(".gallery figure:not([hidden]) figcaption, .until:not([hidden])")
    expect(seen).to_have_text(["step 20", "step 20", "image 0"])
    page.locator("h1").click()
    page.keyboard.press("ArrowLeft")
    expect(seen).to_have_text(["step 10", "none until step 20", "image 0"])
    assert page.url.endswith("?step=10")
    page.reload()
    expect(seen).to_have_text(["step 10", "none until step 20", "image 0"])
    page.get_by_role("slider", name="step of all images").press("ArrowLeft")
    expect(page.locator("#steps output")).to_have_text("0")
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(page.locator("#steps output")).to_have_text("20")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    assert "step=" not in page.url
    plain = tab(own, f"/runs/{pictured[0]}/images?step=15", java_script_enabled=False)
    expect(plain.locator(".gallery figure:visible figcaption")).to_have_text(["step 10", "image 0"])
    plain.locator("#steps select").select_option("20")
    plain.get_by_role("button", name="Show").click()
    expect(plain.locator(".gallery figure:visible figcaption")).to_have_text(["step 20", "step 20", "image 0"])


def test_one_step_moves_the_images_of_several_runs(own, tab, pictured):
    """Runs that logged at other steps stand beside each other at the same one, and each says its own."""
    page = tab(own, f"/compare?runs={pictured[0]}&runs={pictured[1]}&step=10")
    captions = page.locator(".side", has_text="sample").locator(".at")
    expect(captions).to_have_text([", step 10", ", step 5"])
    shown = page.locator(".side", has_text="sample").locator("img")
    before = [one.get_attribute("src") for one in shown.all()]
    page.get_by_role("slider", name="step of all images").fill("0")
    expect(captions).to_have_text([", step 0", ", none until step 5"])
    expect(shown.nth(1)).to_be_hidden()
    page.get_by_role("slider", name="step of all images").fill("4")
    expect(captions).to_have_text([", step 20", ", step 15"])
    assert [one.get_attribute("src") for one in shown.all()] != before
    page.wait_for_function("[...document.querySelectorAll('.side img')].every((one) => one.hidden || one.naturalWidth)")
    page.get_by_role("button", name="Difference").first.click()
    if Path() != SEEN:
        page.screenshot(path=SEEN / "steps-light.png", full_page=True)
    plain = tab(own, f"/compare?runs={pictured[0]}&runs={pictured[1]}&step=0", java_script_enabled=False)
    expect(plain.locator(".at").nth(1)).to_have_text(", none until step 5")
    plain.locator("#steps select").select_option("15")
    plain.get_by_role("button", name="Show").click()
    expect(plain.locator(".at").nth(1)).to_have_text(", step 15")
    assert plain.url.count("runs=") == 2


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
