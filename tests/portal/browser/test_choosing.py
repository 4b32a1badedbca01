"""Choosing rows, and what is done to all of them, in Chromium."""

import io
import os
from pathlib import Path

import pytest
from playwright.sync_api import expect
from served import Served

from azml_integrations.core import Dataset, Experiment, used

SEEN = Path(os.environ.get("AZML_SCREENSHOTS", ""))


@pytest.fixture
def runs(experiment):
    made = []
    for place in range(5):
        with experiment.start_logging(outputs=False, snapshot_directory=None, display_name=f"ridge {place}") as run:
            run.add_properties({"param.alpha": str(10**place)})
            run.log("mse", 3000 + 17.5 * place)
        made.append(run)
    return made


@pytest.fixture
def own(workspace, runs):
    studio = Served(workspace)
    yield studio
    studio.close()


def seen(page, name):
    """Keep a picture, if somebody wants to look at it, and demand that the page is not wider than the screen."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    if Path() != SEEN:
        page.screenshot(path=SEEN / f"{name}.png", full_page=True)


def boxes(page):
    return page.locator("tbody input[type=checkbox]")


def checked(page):
    return [place for place in range(boxes(page).count()) if boxes(page).nth(place).is_checked()]


def test_rows_are_chosen_in_ranges_and_by_keys(own, tab):
    """A click with Shift takes all between, `a` all of the page, `X` those since the last; the number is told."""
    page = tab(own, "/experiments/trials")
    page.wait_for_selector("html.scripted")
    boxes(page).nth(1).click()
    boxes(page).nth(3).click(modifiers=["Shift"])
    assert checked(page) == [1, 2, 3]
    expect(page.locator("#chosen")).to_have_text("3 chosen")
    page.keyboard.press("a")
    assert checked(page) == [0, 1, 2, 3, 4]
    page.keyboard.press("a")
    assert checked(page) == []
    for key in ("j", "x", "j", "j", "X"):
        page.keyboard.press(key)
    assert checked(page) == [0, 1, 2]
    page.get_by_label("all 5 found").check()
    expect(page.locator("#chosen")).to_have_text("all 5 found are chosen")
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_contain_text("delete those chosen")


@pytest.mark.parametrize("look", ["light", "dark", "narrow"])
def test_runs_go_and_come_back(own, tab, experiment, workspace, look):
    """Chosen in the table, deleted after a look, found in the trash, restored; and purged when it is typed."""
    living = experiment.start_logging(outputs=False, snapshot_directory=None, display_name="still running")
    narrow = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
    page = tab(own, "/experiments/trials", **{"dark": {"color_scheme": "dark"}, "narrow": narrow}.get(look, {}))
    page.wait_for_selector("html.scripted")
    page.keyboard.press("a")
    seen(page, f"chosen-{look}")
    page.keyboard.press("d")
    page.wait_for_url("**/bulk?runs=**action=delete**")
    assert page.locator("h1").inner_text() == "Move to the trash: 6 runs"
    seen(page, f"delete-{look}")
    page.get_by_role("button", name="Move to the trash").click()
    expect(page.locator("#bulk-result")).to_contain_text("5 runs moved to the trash, 1 refused.")
    expect(page.locator("#bulk-result li")).to_have_text(
        "still running #6: goes on: a process writes to it; end it first"
    )
    seen(page, f"deleted-{look}")

    page.get_by_role("link", name="Trash").first.click()
    seen(page, f"trash-{look}")
    boxes(page).nth(0).check()
    page.get_by_role("button", name="Restore those chosen").click()
    page.get_by_role("button", name="Restore").click()
    expect(page.locator("#bulk-result")).to_have_text("1 run restored, 0 refused.")

    page.get_by_role("link", name="Trash").first.click()
    page.get_by_label("Choose all").check()
    page.get_by_role("button", name="Delete those chosen for good").click()
    expect(page.get_by_text("They cannot be had back.")).to_be_visible()
    page.get_by_role("textbox", name="Type purge 4").fill("purge 4")
    seen(page, f"purge-{look}")
    page.keyboard.press("Enter")
    expect(page.locator("#bulk-result")).to_contain_text("4 runs deleted for good, 0 refused")
    assert len(workspace.trash) == 0
    assert len(workspace.find_runs()) == 2
    living.complete()


def test_what_is_long_stays_on_the_page(own, tab, workspace):
    """A name, a reason and a tag of many letters are broken or cut; what removes the tag is still in reach."""
    long = "y" * 200
    run = Experiment(workspace, "x" * 200).start_logging(outputs=False, snapshot_directory=None)
    run.tag("config", long)
    run.upload_file(f"outputs/{long}.txt", io.BytesIO(b"1"))
    run.fail(ValueError(long))
    page = tab(own, f"/runs/{run.id}", viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = page.get_by_role("button", name="Remove tag config").bounding_box()
    assert box["x"] + box["width"] <= 390
    page.goto(f"{own.address}/runs/{run.id}/outputs")
    cells = page.locator(".files tbody td").all()
    assert all(cell.bounding_box()["x"] + cell.bounding_box()["width"] <= 390 for cell in cells)


def test_a_page_of_a_run_that_is_deleted_says_so(own, tab, experiment):
    """It was seen as running, and would be for ever."""
    run = experiment.start_logging(outputs=False, snapshot_directory=None)
    page = tab(own, f"/runs/{run.id}")
    page.wait_for_selector("html.scripted")
    run.complete()
    run.delete()
    expect(page.locator("main")).to_contain_text("it lies in the trash")
    assert {status for _, status in tab.troubles if isinstance(status, int)} == {404}
    tab.troubles.clear()


def test_a_tag_is_given_to_all_that_a_filter_finds(own, tab, runs):
    """Two pages away nothing has to be chosen one by one."""
    page = tab(own, "/experiments/trials?q=mse%3E3020&per=1")
    page.get_by_label("all 3 found").check()
    page.get_by_role("button", name="Tag", exact=True).click()
    page.wait_for_url("**all=trials**action=tag**")
    page.get_by_label("Tag", exact=True).fill("stage")
    page.get_by_label("value").fill("prod")
    page.get_by_role("button", name="Tag").click()
    expect(page.locator("#bulk-result")).to_have_text("3 runs tagged, 0 refused.")
    assert [run.tags for run in runs] == [{}, {}, *[{"stage": "prod"}] * 3]


def test_without_a_script_the_command_is_told(own, tab, runs):
    """A plain form cannot send the header that a write wants; everything up to there works."""
    page = tab(own, "/experiments/trials", java_script_enabled=False)
    boxes(page).nth(0).check()
    boxes(page).nth(2).check()
    page.get_by_role("button", name="Delete").click()
    assert page.locator("h1").inner_text() == "Move to the trash: 2 runs"
    assert f"azml run delete {runs[4].id} {runs[2].id}" in page.locator("pre").inner_text()
    assert not page.locator("form.edit button").is_visible()
    seen(page, "delete-without-script")


@pytest.mark.parametrize("look", ["light", "dark", "narrow"])
def test_datasets_are_seen(own, tab, workspace, experiment, tmp_path, look):
    """From the list to the rows, to the run that used them, and back."""
    rows = ["sepal length,sepal width,petal length,kind"]
    rows += [f"{5 + n / 10:.1f},{3 + n % 7 / 10:.1f},{1.2 + n % 5 / 10:.1f},setosa" for n in range(20)]
    (tmp_path / "iris.csv").write_text("\n".join(rows) + "\n")
    iris = Dataset.Tabular.from_delimited_files(str(tmp_path / "iris.csv"))
    iris = iris.register(workspace, "iris", "Measured flowers of three kinds.", {"stage": "raw"})
    with experiment.start_logging(outputs=False, snapshot_directory=None, display_name="training") as run:
        told = {"name": "flowers", "id": iris.id, "mode": "direct", "dataset": "iris", "version": 1}
        run.add_properties(used.properties([told], []))
    narrow = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
    page = tab(own, "/datasets", **{"dark": {"color_scheme": "dark"}, "narrow": narrow}.get(look, {}))
    seen(page, f"datasets-{look}")
    page.get_by_role("link", name="iris").click()
    page.wait_for_selector("h1:has-text('iris')")
    assert page.get_by_role("columnheader", name="sepal length").count() == 1
    seen(page, f"dataset-{look}")
    page.get_by_role("link", name="training").click()
    page.get_by_role("link", name="flowers").click()
    page.wait_for_selector("h1:has-text('iris')")
