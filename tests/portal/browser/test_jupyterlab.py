"""The widget and the studio in a real JupyterLab: where one is installed, which CI does not do.

``AZML_JUPYTER`` names its program; azml_integrations with its studio and, for the second test, jupyter-server-proxy are
installed beside it.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect

JUPYTER = os.environ.get("AZML_JUPYTER") or shutil.which("jupyter-lab")
BEGIN = """from azml_integrations import Experiment, Workspace
from azml_integrations.widgets import RunDetails
run = Experiment(Workspace.create("lab"), "digits").start_logging(outputs=False, snapshot_directory=None)
RunDetails(run).show()"""
GO_ON = "for step in range(20):\n    run.log('loss', 1 / (step + 1), step=step)"
END = "run.complete()"
ASK = "print(run.get_portal_url())"

pytestmark = [
    pytest.mark.skipif(JUPYTER is None, reason="no JupyterLab here; AZML_JUPYTER names one"),
    pytest.mark.timeout(300),
]


class Lab:
    """A JupyterLab with one notebook."""

    def __init__(self, folder):
        self.notebook = folder / "notes" / "live.ipynb"
        self.notebook.parent.mkdir()
        cells = [
            {
                "cell_type": "code",
                "id": f"c{place}",
                "source": text,
                "metadata": {},
                "outputs": [],
                "execution_count": None,
            }
            for place, text in enumerate((BEGIN, GO_ON, END, ASK))
        ]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        told = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
        self.notebook.write_text(json.dumps(told))
        with socket.create_server(("127.0.0.1", 0)) as door:
            port = door.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--IdentityProvider.token=t"]
        names = dict.fromkeys(["HOME", "AZML_HOME"], str(folder)) | {
            "AZML_STUDIO_URL": f"{self.address}/proxy/{{port}}"
        }
        with (folder / "said").open("wb") as said:
            self._process = subprocess.Popen(
                [JUPYTER, *options, "--LabApp.news_url=", f"--ServerApp.root_dir={self.notebook.parent}"],
                env=os.environ | names,
                stderr=said,
                start_new_session=True,
            )
        until = time.monotonic() + 60
        while not self._answers():
            assert time.monotonic() < until, Path(folder / "said").read_text()
            time.sleep(0.2)

    def _answers(self):
        try:
            return urllib.request.urlopen(f"{self.address}/api?token=t", timeout=5).status == 200
        except OSError:
            return False

    def close(self):
        self._process.terminate()
        self._process.wait(timeout=30)


@pytest.fixture
def lab(tmp_path):
    """Start JupyterLab; it ends its kernels when it ends."""
    started = Lab(tmp_path)
    yield started
    started.close()


@pytest.fixture
def cells(chromium, lab):
    """Open the notebook; its kernel is ready."""
    page = chromium.new_page(viewport={"width": 1280, "height": 1400})
    opened(page, lab)
    expect(page.locator(".jp-Notebook-ExecutionIndicator").first).to_have_attribute("data-status", "idle")
    yield page.locator(".jp-Notebook .jp-CodeCell")
    page.close()


def opened(page, lab):
    page.goto("about:blank")
    page.goto(f"{lab.address}/lab/tree/live.ipynb?token=t&reset")
    expect(page.locator(".jp-Notebook .jp-CodeCell")).to_have_count(4)


def executed(cells, place, number):
    cells.nth(place).locator(".jp-InputArea-editor").click()
    cells.page.keyboard.press("Control+Enter")
    expect(cells.nth(place).locator(".jp-InputPrompt")).to_contain_text(f"[{number}]")


def test_the_widget_follows_its_run_and_its_end_is_saved(cells, lab):
    """It changes while later cells run; what it showed last is in the file, and there again when the file is opened."""
    seen = cells.nth(0).locator(".jp-OutputArea")
    executed(cells, 0, 1)
    expect(seen).to_contain_text("Running")
    executed(cells, 1, 2)
    expect(seen).to_contain_text("20 points")
    expect(seen.locator("svg")).not_to_have_count(0)
    executed(cells, 2, 3)
    expect(seen).to_contain_text("Completed")
    cells.page.keyboard.press("Control+s")
    until = time.monotonic() + 30
    while "Completed" not in lab.notebook.read_text():
        assert time.monotonic() < until, "it is not in the file"
        time.sleep(0.1)
    opened(cells.page, lab)
    expect(seen).to_contain_text("Completed")
    expect(seen).to_contain_text("20 points")


def test_the_address_of_a_run_leads_through_the_notebook_servers_proxy(cells, lab, chromium):
    """`get_portal_url()` starts a studio; its link is the proxy's, and the page and its charts come through it."""
    for place, number in ((0, 1), (1, 2), (3, 3)):
        executed(cells, place, number)
    output = cells.nth(3).locator(".jp-OutputArea-output")
    expect(output).to_contain_text("token=")
    link = re.search(r"http://\S+", output.inner_text())[0]
    assert link.startswith(f"{lab.address}/proxy/")
    page = cells.page
    outside = []
    page.on("request", lambda asked: asked.url.startswith(f"{lab.address}/proxy/") or outside.append(asked.url))
    page.goto(link.replace("?token=", "/metrics?token="))
    expect(page.locator("figure.chart")).to_have_attribute("data-drawn", "lines")
    page.get_by_role("link", name="Experiments", exact=True).first.click()
    expect(page.locator("h1")).to_have_text("Experiments")
    assert [one for one in outside if not one.startswith(("data:", "blob:"))] == []
