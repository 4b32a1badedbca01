"""Makes the pictures of the studio out of the runs that the examples leave in an empty home.

Run it after a change of a page, from the root of the repository: ``python docs/studio_pictures.py``. It wants Chromium,
the package playwright, and what the examples want.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

from pictures import COLORS, STATIC, azml, run_example
from PIL import Image
from playwright.sync_api import Page, sync_playwright

EXAMPLES = (
    "digits_by_fold",
    "ridge_alphas_by_grid_search",
    "ridge_alphas_by_loop",
    "ridge_diabetes",
    "roc_breast_cancer",
    "torch_digits_loop",
)
SIZE = {"width": 1180, "height": 760}
PAGES = {  # by picture: the page, its colours, and how much of it is shown [pixels]
    "studio-bands": ("runs/{digits_by_fold}/children?group=param.learning_rate&logy=1", "light", 540),
    "studio-experiment": (
        "experiments/ridge_alphas_by_loop?children=flat&sort=metric.mean_squared_error",
        "light",
        800,
    ),
    "studio-metrics": ("runs/{torch_digits_loop}/metrics", "dark", 700),
    "studio-run": ("runs/{ridge_alphas_by_loop}", "light", 760),
}


def main() -> None:
    """Run the examples in an empty home, serve it, and look at four pages."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["AZML_HOME"] = home
        os.chdir(home)
        for example in EXAMPLES:
            run_example(example)
        with subprocess.Popen(
            [sys.executable, "-m", "azml_integrations.cli", "studio", "--port", "0", "--no-browser"],
            stdout=subprocess.PIPE,
            text=True,
        ) as studio:
            try:
                look(
                    next(
                        found[0] for line in iter(studio.stdout.readline, "") if (found := re.search(r"http\S+", line))
                    )
                )
            finally:
                studio.terminate()


def look(link: str) -> None:
    """Take the pictures."""
    base = link.partition("?")[0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, (path, colours, height) in PAGES.items():
            page = browser.new_page(viewport=SIZE | {"height": height}, color_scheme=colours)
            page.goto(link)
            page.wait_for_url(base)
            page.goto(base + re.sub(r"\{(\w+)\}", lambda found: latest(found[1]), path))
            take(page, name)
        browser.close()


def latest(experiment: str) -> str:
    """Return the id of the last run of an experiment."""
    listed = azml("run", "list", "--experiment", experiment, "--limit", "1", "--output", "tsv")
    return listed.splitlines()[1].split("\t")[0]


def take(page: Page, name: str) -> None:
    """Wait for the charts and keep what is seen."""
    page.wait_for_load_state("networkidle")
    page.wait_for_selector("figure.chart[data-drawn]")
    page.wait_for_timeout(1500)
    target = STATIC / f"{name}.png"
    page.screenshot(path=target)
    with Image.open(target) as picture:
        picture.convert("RGB").quantize(COLORS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
            target, optimize=True
        )


if __name__ == "__main__":
    main()
