"""A real browser: no contestant, but the eye before which two of them show their pages."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

from contestant import Contestant, serve
from playwright.sync_api import Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

_WATCH = """([selector, count]) => {
  const look = () => {
    if (document.querySelectorAll(selector).length < count) return requestAnimationFrame(look);
    const painted = new MessageChannel(); // its message comes when this frame has been painted
    painted.port1.onmessage = () => { window.seenAt = performance.now(); };
    painted.port2.postMessage(null);
  };
  requestAnimationFrame(look);
}"""

_FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage"]
_PATIENCE = 120_000
"""A page that is not there after so long is none [ms]."""

_QUIET = 5_000
"""So long what a page still fetches is waited for and counted [ms]."""


class Browser(Contestant):
    """Chromium without a window."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        path = os.environ.get("AZML_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
        if path is None:
            raise FileNotFoundError("there is no chromium; AZML_CHROMIUM names one")
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=path, args=_FLAGS)

    def visit(
        self, address: str, selector: str, count: int, cookies: list[dict[str, str]] = (), height: int = 900
    ) -> list[dict[str, float]]:
        """Open a page for the first time, with nothing kept, and then again.

        Each time: when something was painted first, and when so many elements of a selector had been [s from the
        beginning of the navigation]; how long scripts ran [s]; requests, and what came over the wire [bytes].
        """
        context = self._browser.new_context(viewport={"width": 1280, "height": height})
        context.set_default_timeout(_PATIENCE)
        context.add_cookies(cookies)
        try:
            page = context.new_page()
            page.add_init_script(f"({_WATCH})({[selector, count]!r})")
            return [_visited(page, address), _visited(page, address)]
        finally:
            context.close()


def _visited(page: Page, address: str) -> dict[str, float]:
    page.goto("about:blank")
    inspector = page.context.new_cdp_session(page)
    inspector.send("Performance.enable")
    inspector.send("Network.enable")
    arrived: list[float] = []
    inspector.on("Network.loadingFinished", lambda told: arrived.append(told["encodedDataLength"]))
    page.goto(address, wait_until="commit")
    until = time.monotonic() + _PATIENCE / 1e3
    while page.evaluate("window.seenAt") is None:  # wait_for_function would need `eval`, which our pages forbid
        if time.monotonic() > until:
            raise TimeoutError(f"only {page.evaluate('document.body.innerText')[:80]!r} is seen")
        time.sleep(0.1)
    told = {one["name"]: one["value"] for one in inspector.send("Performance.getMetrics")["metrics"]}
    seen, paint = page.evaluate(
        "[seenAt, performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? seenAt]"
    )
    with contextlib.suppress(PlaywrightTimeout):
        page.wait_for_load_state("networkidle", timeout=_QUIET)
    inspector.detach()
    return {
        "paint": paint / 1e3,
        "seen": seen / 1e3,
        "script": told["ScriptDuration"],
        "requests": len(arrived),
        "bytes": sum(arrived),
    }


if __name__ == "__main__":
    serve(Browser)
