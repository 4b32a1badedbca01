"""A real browser before a real studio; what goes wrong in it fails the test."""

import os
import shutil

import pytest
from served import Served

CHROMIUM = os.environ.get("AZML_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage"]


@pytest.fixture(scope="session")
def chromium():
    """Give the browser; it starts once."""
    if CHROMIUM is None:
        pytest.skip("no browser here: neither chromium nor AZML_CHROMIUM is there; apt-get install chromium")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)  # [ms], on two cores that others use too
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def served(world):
    """Give the studio of the workspace that is only read."""
    studio = Served(world)
    yield studio
    studio.close()


@pytest.fixture
def tab(chromium):
    """Give a maker of tabs that note what went wrong; at the end nothing may have.

    A test names it behind its studio: a page whose studio has gone notes that too.
    """
    troubles, contexts = [], []

    def open_tab(studio, path="/", **options):
        context = chromium.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: said.type in ("error", "warning") and troubles.append((page.url, said.text)))
        page.on("pageerror", lambda error: troubles.append((page.url, str(error))))
        page.on("response", lambda answer: answer.status >= 400 and troubles.append((answer.url, answer.status)))
        page.on(
            "request",
            lambda asked: (
                asked.url.startswith((studio.address + "/", "data:", "blob:"))
                or troubles.append(("foreign", asked.url))
            ),
        )
        page.goto(studio.link(path))
        page.wait_for_url(lambda url: "token=" not in url)
        page.wait_for_load_state()
        return page

    open_tab.troubles = troubles  # for a test that expects one
    yield open_tab
    for context in contexts:
        context.close()
    assert troubles == []
