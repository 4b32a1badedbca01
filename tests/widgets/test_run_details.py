"""RunDetails: what scripts call, what it answers, and what it prints where nobody draws."""

import subprocess
import sys
import threading

import pytest

from azml_integrations.core import Run
from azml_integrations.errors import OptionError
from azml_integrations.widgets import RunDetails
from azml_integrations.widgets.pace import Pace


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


def test_a_run_of_the_past(experiment, run, capsys):
    """It is told at once, from any handle."""
    run.complete()
    RunDetails(Run(experiment, run.id)).show(render_lib=None, widget_settings={})
    assert capsys.readouterr().out == f"trials {run.id}: Completed\n"


def test_the_data_of_the_widget(run):
    """The keys that scripts read, with what was logged."""
    run.log("loss", 0.5)
    run.log("loss", 0.4)
    run.log_table("sine", {"x": [0, 1], "y": [0.0, 0.8]})
    run.child_run().complete()
    data = RunDetails(run).get_widget_data()
    assert (data["status"], data["run_id"]) == ("Running", run.id)
    assert data["run_properties"]["run_number"] == run.number
    assert data["run_metrics"] == [
        {"name": "loss", "run_id": run.id, "categories": [0, 1], "series": [{"data": [0.5, 0.4]}]},
        {
            "name": "sine",
            "run_id": run.id,
            "categories": [0, 1],
            "series": [{"name": "x", "data": [0, 1]}, {"name": "y", "data": [0.0, 0.8]}],
        },
    ]
    assert [child["status"] for child in data["child_runs"]] == ["Completed"]
    assert set(data) == {
        *("status", "workbench_run_details_uri", "run_id", "run_properties", "child_runs", "children_metrics"),
        *("run_metrics", "run_logs", "graph", "widget_settings"),
    }
    assert RunDetails(run).get_widget_data({"debug": True})["widget_settings"] == {"debug": True}


def test_the_data_of_a_sweep(run):
    """Children with their parameters and the primary metric, the best first."""
    run.add_properties({"primary_metric_config": '{"name": "mse", "goal": "minimize"}'})
    for alpha in (1.0, 0.1):
        child = run.child_run()
        child.add_properties({"param.alpha": str(alpha)})
        child.log("mse", alpha * 10)
        child.complete()
    data = RunDetails(run).get_widget_data()
    assert [(child["param_alpha"], child["metric"]) for child in data["child_runs"]] == [(0.1, 1.0), (1.0, 10.0)]
    assert list(data["children_metrics"].values()) == [{"mse": 1.0}, {"mse": 10.0}]


def test_a_hyperdrive_run_has_details_of_its_own(experiment):
    """Its verb `get_metrics` tells of its children; the widget tells of both."""
    parent = Run._create(experiment, run_type="hyperdrive")
    parent.tag("primary_metric_config", '{"name": "Accuracy", "goal": "maximize"}')
    parent.log("tried", 1)
    parent.log_residuals(
        "errors",
        {"schema_type": "residuals", "schema_version": "v1", "data": {"bin_edges": [0, 1], "bin_counts": [3]}},
    )
    child = parent.child_run()
    child.tag("hyperparameters", '{"--lr": 0.1}')
    for accuracy in (0.5, 0.9, 0.7):
        child.log("Accuracy", accuracy)
    sweep = experiment.workspace.get_run(parent.id)

    data = RunDetails(sweep).get_widget_data()

    assert type(sweep).__name__ == "HyperDriveRun"
    assert [one["name"] for one in data["run_metrics"]] == ["tried", "errors"]
    assert [(one["param_lr"], one["metric"]) for one in data["child_runs"]] == [(0.1, 0.9)]
    assert "errors" in sweep.to_html()
    assert "it cannot be read" not in sweep.to_html()


def test_only_runs_have_details():
    """The message says what came."""
    with pytest.raises(OptionError, match="expects a Run, got a str"):
        RunDetails("run")


def test_the_face_brings_no_notebook():
    """Scripts on a server import it too."""
    program = (
        "import sys, azml_integrations.widgets\n"
        "print([m for m in sys.modules if m.startswith(('IPython', 'ipy', 'numpy', 'matplotlib', 'rich'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# -- how often ---------------------------------------------------------------------------------------


def test_often_at_first_seldom_later(monkeypatch):
    """What goes wrong at once is seen at once; a training of a day is not looked at every second."""
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    pace = Pace()
    assert pace.pause(0.0) == 2.0
    now += 21.0
    assert pace.pause(0.0) == 10.0


def test_looking_is_never_more_than_a_fiftieth():
    """A run of many millions of points is looked at less often, so that its training notices nothing."""
    assert Pace().pause(1.0) == 50.0


@pytest.mark.parametrize(("wanted", "pause"), [("0.25", 0.25), ("often", 2.0), ("-1", 2.0), ("inf", 2.0)])
def test_sdk_v1_s_variable_chooses(monkeypatch, wanted, pause):
    """Nonsense in it changes nothing."""
    monkeypatch.setenv("AZUREML_OVERRIDE_ALL_WIDGET_REFRESH_TIME", wanted)
    assert Pace().pause(0.0) == pause
