"""A run for unit tests is asked what a run is asked, and answers what a run answers."""

import inspect
import os

import pytest

from azml_integrations import Run
from azml_integrations.core import process
from azml_integrations.errors import MetricError, OptionError
from azml_integrations.testing import RecordingRun, recording


def test_every_verb_has_the_signature_of_a_run():
    """Else a test would pass with a call that a run refuses."""
    asked = recording.verbs()
    ours = {name for name, _ in inspect.getmembers(Run, inspect.isfunction) if not name.startswith("_")}
    assert ours - asked.keys() == {
        "add_type_provider",
        "get",
        "get_secret",
        "get_secrets",
        "list",
        "list_by_compute",
    }  # static
    for name, verb in asked.items():
        assert inspect.signature(verb) == inspect.signature(getattr(Run, name)), name
    with pytest.raises(TypeError, match="unexpected keyword argument 'stepp'"):
        RecordingRun().log("loss", 1.0, stepp=3)


def test_calls_are_told_in_order_with_what_was_given():
    """By name, also where the order was used; defaults and what verbs ask of each other are left out."""
    run = RecordingRun()
    run.log("loss", 0.5, "of training", 3)
    run.log_row("place", x=1, y=2)
    run.add_properties({"param.rate": "0.1"})
    run.get_metrics()

    assert [(call.verb, dict(call.arguments)) for call in run.calls] == [
        ("log", {"name": "loss", "value": 0.5, "description": "of training", "step": 3}),
        ("log_row", {"name": "place", "x": 1, "y": 2}),
        ("add_properties", {"properties": {"param.rate": "0.1"}}),
        ("get_metrics", {}),
    ]
    assert run.asked("log_table") == []


def test_it_answers_what_a_run_answers(experiment):
    """The same verbs on both, the same readings."""

    def use(run):
        for step, loss in enumerate([3.0, 2.0, 1.0]):
            run.log("loss", loss, step=step)
        run.log_metrics({"a": 1, "b": 2.5})
        run.log_list("list", [1, 2])
        run.log_table("table", {"x": [1, 2], "y": [3, 4]})
        run.tag("kind", "test")
        run.add_properties({"param.rate": "0.1"})
        run.note("toy", "model not stored")
        child = run.child_run("kid")
        child.log("score", 1.0)
        child.complete()
        run.complete()
        return (
            run.get_metrics(),
            [(point.value, point.step) for point in run.metric_points("loss")],
            run.get_tags(),
            run.get_properties()["param.rate"],
            run.get_status(),
            child.get_status(),
            [one.get_metrics() for one in run.get_children()],
            [note.message for note in run._record().notes],
        )

    assert use(RecordingRun()) == use(experiment.start_logging(outputs=None, snapshot_directory=None))


def test_it_refuses_what_a_run_refuses():
    """A wrong value is found by a unit test already."""
    run = RecordingRun()
    with pytest.raises(MetricError, match="log_list"):
        run.log("loss", [1, 2])
    with pytest.raises(OptionError, match="expected"):
        run.add_properties("no mapping")


def test_files_are_kept_in_memory(tmp_path):
    """And come back as they were."""
    run = RecordingRun()
    (tmp_path / "model.json").write_text("{}")
    run.upload_file("outputs/model.json", str(tmp_path / "model.json"))
    run.download_file("outputs/model.json", tmp_path / "again.json")

    assert run.files == {"outputs/model.json": b"{}"}
    assert run.get_file_names() == ["outputs/model.json"]
    assert (tmp_path / "again.json").read_text() == "{}"


def test_a_fault_is_raised_where_it_is_wanted():
    """How an observer bears it is what a test wants to know."""
    run = RecordingRun(faults={"log_image": OSError("disk full")})
    run.log("loss", 1.0)
    with pytest.raises(OSError, match="disk full"):
        run.log_image("curve", path="curve.png")
    assert [call.verb for call in run.calls] == ["log", "log_image"]


def test_nothing_is_written(tmp_path, azml_home):
    """No home, no folder, no line on the terminal."""
    run = RecordingRun()
    with run:
        run.log("loss", 1.0)
        assert process.current_run() is run
    assert run.get_status() == "Completed"
    assert run.over
    with pytest.raises(ZeroDivisionError), RecordingRun() as failing:
        1 / 0  # noqa: B018 - the fault
    assert failing.get_status() == "Failed"
    assert failing.get_details()["error"]["error"]["message"].endswith("division by zero")
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - names are all that is wanted
