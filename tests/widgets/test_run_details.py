"""RunDetails, in text: what scripts call and what it prints."""

import subprocess
import sys
import threading

import pytest

from azml_integrations.core import Run
from azml_integrations.errors import OptionError
from azml_integrations.widgets import RunDetails


def test_a_run_of_this_process_is_told_once(run, capsys):
    """Waiting for a run that only this process can end would last for ever."""
    RunDetails(run).show()
    assert capsys.readouterr().out == f"trials {run.id}: Running\n"


def test_another_process_run_is_awaited(experiment, run, capsys):
    """A line for each change, and the call returns with the run's end."""
    watched = Run._handle(experiment, run.id)
    threading.Timer(0.3, run.complete).start()

    RunDetails(watched).show()

    assert capsys.readouterr().out == f"trials {run.id}: Running\ntrials {run.id}: Completed\n"


def test_nothing_is_awaited_in_a_notebook(experiment, run, capsys, monkeypatch):
    """The cell ends, and the next one waits."""
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    RunDetails(Run._handle(experiment, run.id)).show(render_lib=None, widget_settings={})
    assert capsys.readouterr().out.count("\n") == 1


def test_the_data_of_the_widget(run):
    """The keys that scripts read, with what was logged."""
    run.log("loss", 0.5)
    run.child_run().complete()
    data = RunDetails(run).get_widget_data()
    assert (data["status"], data["run_id"]) == ("Running", run.id)
    assert data["run_properties"]["run_number"] == run.number
    assert data["run_metrics"] == [{"name": "loss", "run_id": run.id, "series": [0.5]}]
    assert [child["status"] for child in data["child_runs"]] == ["Completed"]
    assert {"workbench_run_details_uri", "children_metrics", "run_logs", "graph", "widget_settings"} <= set(data)


def test_only_runs_have_details():
    """The message says what came."""
    with pytest.raises(OptionError, match="expects a Run, got a str"):
        RunDetails("run")


def test_the_face_brings_no_notebook():
    """Scripts on a server import it too."""
    program = (
        "import sys, azml_integrations.widgets; print([m for m in sys.modules if m.startswith(('IPython', 'ipy'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
