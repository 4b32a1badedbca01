"""Reports in a real browser: nothing is asked for, nothing runs, everything is seen, light and dark and on a phone."""

import os
import shutil
from contextlib import ExitStack

import pytest

PLAYWRIGHT = pytest.importorskip("playwright.sync_api", reason="no playwright in this environment of tox")
SEEN = """() => [...document.querySelectorAll('.azml-line,.azml-dot,.azml-bars')]
    .filter(mark => { const box = mark.getBoundingClientRect(); return box.width + box.height > 0 }).length"""
CONTRAST = """() => {
    const square = Object.assign(document.createElement('canvas'), {width: 1, height: 1})
    const canvas = square.getContext('2d', {willReadFrequently: true})
    const channels = colour => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1)
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data
        return [r, g, b, a / 255]
    }
    const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0)
    const ground = channels(getComputedStyle(document.body).backgroundColor)
    const over = ([r, g, b, a]) => [r, g, b].map((c, i) => a * c + (1 - a) * ground[i])
    const below = light(ground)
    const words = document.querySelectorAll('h1,h2,p,b,a,th,td,dt,dd,summary,figcaption,.azml-soft')
    return Math.min(...[...words].map(e => {
        const ink = light(over(channels(getComputedStyle(e).color)))
        return (Math.max(ink, below) + 0.05) / (Math.min(ink, below) + 0.05)
    }))
}"""


@pytest.fixture(scope="module")
def browser():
    program = (
        os.environ.get("AZML_CHROMIUM")
        or shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if program is None:
        pytest.skip("no browser here: chromium is not installed")
    with ExitStack() as stack:
        playwright = stack.enter_context(PLAYWRIGHT.sync_playwright())
        flags = ["--no-sandbox", "--disable-background-networking"]
        yield stack.enter_context(playwright.chromium.launch(executable_path=program, args=flags))


@pytest.fixture
def opened(browser, tmp_path):
    """Open a run's file; nothing may be said on the console, and nothing asked for but the file itself."""
    amiss = []

    def of(run, scheme="light", width=1100):
        run.to_html(tmp_path / "run.html")
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.on("console", lambda message: amiss.append(message.text))
        page.on("pageerror", lambda error: amiss.append(str(error)))
        page.on("dialog", lambda dialog: (amiss.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: amiss.append(request.url) if not request.url.startswith("data:") else None)
        page.goto((tmp_path / "run.html").as_uri(), wait_until="load")
        assert amiss.pop(0) == (tmp_path / "run.html").as_uri()
        return page

    yield of
    assert amiss == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_hostile_names_are_only_words(opened, rich, scheme):
    """No script of a name, a log or a picture has run, and nothing was fetched for them."""
    page = opened(rich, scheme)
    assert page.title().startswith("net <script>")
    assert page.evaluate("() => document.scripts.length") == 0
    assert page.evaluate(SEEN) > 30
    assert page.evaluate("() => [...document.images].every(image => image.naturalWidth > 0)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read(opened, rich, sweep, scheme):
    """WCAG AA for every word, whichever way the reader's screen is set."""
    for run in (rich, sweep):
        assert opened(run, scheme).evaluate(CONTRAST) >= 4.5


def test_dark_is_dark(opened, sweep):
    """The reader's own setting decides."""
    grounds = [
        opened(sweep, scheme).evaluate("() => getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]
    assert grounds == ["rgb(255, 255, 255)", "rgb(21, 24, 28)"]


def test_a_phone_is_wide_enough(opened, rich, sweep):
    """Tables scroll inside themselves, the page does not."""
    for run in (rich, sweep):
        page = opened(run, width=390)
        assert page.evaluate("() => document.documentElement.scrollWidth") == 390


def test_the_keyboard_reaches_what_scrolls_and_unfolds(opened, rich):
    """Links, folded parts and wide tables are stops of the tab key."""
    page = opened(rich)
    stops = set()
    for _ in range(20):
        page.keyboard.press("Tab")
        stops.add(page.evaluate("() => document.activeElement.tagName"))
    assert {"A", "SUMMARY", "PRE"} <= stops
