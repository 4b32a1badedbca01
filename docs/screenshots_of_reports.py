"""Makes the pictures of reports in the documentation: a sweep is recorded, written as a file, and seen by a browser.

Run it after a change of how reports look, from the root of the repository, where Playwright and Chromium are
installed: ``python docs/screenshots_of_reports.py``.
"""

import math
import os
import shutil
import tempfile
from pathlib import Path

STATIC = Path(__file__).parent / "_static"
WIDTH, HEIGHT = 860, 760
"""Of what is seen [px]."""


def main() -> None:
    """Record, write, look."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["AZML_HOME"] = home
        report = Path(home) / "sweep.html"
        record_sweep(report)
        photograph(report, STATIC / "report-of-a-sweep.png")


def record_sweep(report: Path) -> None:
    """Record a sweep over alpha and write it as a file."""
    from azml_integrations.core import Experiment, Workspace

    experiment = Experiment(Workspace.create("documentation"), "ridge")
    goal = {"primary_metric_config": '{"name": "mean_squared_error", "goal": "minimize"}'}
    with experiment.start_logging(outputs=False, snapshot_directory=None, display_name="alphas of Ridge") as sweep:
        sweep.add_properties(goal)
        for power in (-30, -25, -20, -15, -12, -10, -5, 0, 5, 10):
            alpha = 10 ** (power / 10)
            with sweep.child_run() as child:
                child.add_properties({"param.alpha": f"{alpha:.3g}"})
                child.log("mean_squared_error", 3050 + 120 * (math.log10(alpha) + 1.2) ** 2)
                child.log("r2_score", 0.42 - 0.02 * (math.log10(alpha) + 1.2) ** 2)
    sweep.to_html(report)


def photograph(report: Path, target: Path) -> None:
    """See a file in Chromium and keep what is seen."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(report.as_uri())
        page.screenshot(path=target)
        browser.close()


if __name__ == "__main__":
    main()
