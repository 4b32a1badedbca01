"""A notebook that watches a run: executed as its reader does, then read back from the file that was saved."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """The notebook as it lies on the disk after it was executed: the outputs of each cell, by its first line."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AZML_HOME", str(tmp_path / "home"))
    notebook = nbformat.read(HERE / "watch_a_run.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=100, resources={"metadata": {"path": str(tmp_path)}}).execute()
    nbformat.write(notebook, tmp_path / "executed.ipynb")
    again = nbformat.read(tmp_path / "executed.ipynb", as_version=4)
    return {cell.source.split("\n")[-1]: cell.outputs for cell in again.cells if cell.cell_type == "code"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # nbclient 0.10 and jupyter_client 8 on Python 3.11
def test_the_saved_notebook_keeps_the_end_of_the_run(saved, tmp_path):
    """The cell returned while the script was running; what it shows is how the script ended, and nothing else."""
    (shown,) = saved["RunDetails(run).show()"]
    assert saved['run.wait_for_completion()["status"]'][0].data["text/plain"] == "'Completed'"
    assert shown.output_type == "display_data"
    page, words = shown.data["text/html"], shown.data["text/plain"]
    assert "azml-Completed" in page
    assert 'azml-Running"' not in page
    assert '<svg class="azml-chart"' in page
    assert "40 points" in page
    assert "step 30 done" in page
    assert "<script" not in page
    assert "Completed" in words.splitlines()[0]

    (sweep,) = saved["RunDetails(sweep).show()"]
    assert "mse against alpha" in sweep.data["text/html"]
    assert "3 runs: 3 Completed" in sweep.data["text/plain"]

    assert "40 points" in (tmp_path / "run.html").read_text()
    assert "mse against alpha" in (tmp_path / "sweep.html").read_text()
