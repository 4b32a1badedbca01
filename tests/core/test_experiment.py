"""Experiments: got or made by name, tagged, archived, and the door through which runs begin."""

import pickle
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from azml_integrations.core import Experiment, Run, Workspace, current_run
from azml_integrations.core.experiment import ViewType
from azml_integrations.errors import (
    ExperimentExecutionException,
    ExperimentStateError,
    NameRefusedError,
    OptionError,
    RunExistsError,
    RunNotFoundError,
    StoreError,
    UserErrorException,
)


def names(runs) -> list[str | None]:
    return [run.name for run in runs]


# -- signatures --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        (
            Experiment.__init__,
            (
                "workspace=None, name=None, _skip_name_validation=False, _id=None, _archived_time=None, "
                "_create_in_cloud=True, _experiment_dto=None"
            ),
        ),
        (Experiment.submit, "config, tags=None, **kwargs"),
        (Experiment.start_logging, "name=None, run_id=None, outputs=None, snapshot_directory='.'"),
        (Experiment.get_runs, "type=None, tags=None, properties=None, include_children=False"),
        (Experiment.list, "workspace, experiment_name=None, view_type='ActiveOnly', tags=None"),
        (Experiment.delete, "workspace, experiment_id"),
        (Experiment.archive, ""),
        (Experiment.reactivate, "new_name=None"),
        (Experiment.tag, "key, value=None"),
        (Experiment.set_tags, "tags"),
        (Experiment.remove_tags, "tags"),
        (Experiment.refresh, ""),
        (Experiment.get_portal_url, ""),
        (Experiment.get_docs_url, ""),
        (Experiment.from_directory, "path, auth=None"),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_signatures_are_those_of_sdk_v1(signature, verb, expected):
    """Names, order and defaults; what is ours comes after."""
    assert signature(verb).startswith(expected)


# -- making ------------------------------------------------------------------------------------------


def test_an_experiment_is_got_or_made(workspace):
    """Two handles on one name are one experiment."""
    one, two = Experiment(workspace, "diabetes"), Experiment(workspace=workspace, name="diabetes")
    assert one == two
    assert one.id == two.id
    assert hash(one) == hash(two)
    assert (one.name, one.workspace, one.workspace_object) == ("diabetes", workspace, workspace)
    assert one.archived_time is None
    assert one.tags == {}


def test_the_keyword_of_2018_is_taken(workspace):
    """Old documentation says ``Experiment(workspace_object=ws, name=...)``."""
    assert Experiment(workspace_object=workspace, name="old") == Experiment(workspace, "old")


@pytest.mark.parametrize("name", ["", "-a", "a b", "a/b", "..", "x" * 256, None, 5])
def test_names_that_sdk_v1_refused_are_refused(workspace, name):
    """Before any folder is made."""
    with pytest.raises(UserErrorException) as caught:
        Experiment(workspace, name)
    assert isinstance(caught.value, NameRefusedError)
    assert list((workspace.root / "experiments").iterdir()) == []


def test_an_experiment_lies_in_a_workspace():
    """A string or nothing in its place is told at once."""
    for wrong in ("ws", None, 5):
        with pytest.raises(OptionError, match="expects a Workspace first"):
            Experiment(wrong, "a")


def test_an_unknown_keyword_is_refused(workspace):
    """A misspelt one must not be swallowed."""
    with pytest.raises(TypeError, match="does not know experiment_name"):
        Experiment(workspace, "a", experiment_name="b")


def test_reserved_names_of_other_platforms_are_experiments_too(workspace):
    """Their folders are called otherwise; nobody sees it."""
    Experiment(workspace, "con").tag("a", "b")
    assert list(workspace.experiments) == ["con"]
    assert Experiment(workspace, "con").tags == {"a": "b"}


# -- tags and archive --------------------------------------------------------------------------------


def test_tags_are_set_overwritten_and_removed(experiment):
    """The last word counts, and everybody reads it at once."""
    experiment.tag("stage", "draft")
    experiment.tag("stage", "final")
    experiment.tag("flag")
    experiment.set_tags({"seed": 7, "gone": "x"})
    experiment.remove_tags(["gone", "never there"])
    assert Experiment(experiment.workspace, "trials").tags == {"stage": "final", "flag": None, "seed": "7"}


def test_an_archived_experiment_takes_no_runs(experiment):
    """It is put away, not deleted: its runs can still be read."""
    experiment.start_logging(name="before", outputs=False).complete()
    experiment.archive()
    assert datetime.now(UTC) - experiment.archived_time < timedelta(minutes=1)
    with pytest.raises(ExperimentStateError, match="reactivate") as caught:
        experiment.start_logging(outputs=False)
    assert (caught.value.name, isinstance(caught.value, ExperimentExecutionException)) == ("trials", True)
    assert names(experiment.get_runs()) == ["before"]

    experiment.reactivate()
    assert experiment.archived_time is None
    experiment.start_logging(outputs=False).complete()


def test_an_experiment_keeps_its_name(experiment):
    """Its runs carry it; a rename would orphan them."""
    experiment.archive()
    with pytest.raises(ExperimentStateError, match="cannot be renamed"):
        experiment.reactivate("another")
    experiment.reactivate("trials")
    assert experiment.archived_time is None


def test_list_shows_what_is_asked_for(workspace):
    """Active, archived, all; one name; tags by key or by value."""
    for name in ("b", "a", "old"):
        Experiment(workspace, name)
    Experiment(workspace, "old").archive()
    Experiment(workspace, "a").tag("team", "red")
    Experiment(workspace, "b").tag("team", "blue")

    def listed(*args, **kwargs):
        return [experiment.name for experiment in Experiment.list(workspace, *args, **kwargs)]

    assert listed() == ["a", "b"]
    assert listed(view_type=ViewType.All) == ["a", "b", "old"]
    assert listed(view_type="ArchivedOnly") == ["old"]
    assert listed("b") == ["b"]
    assert listed(None, ViewType.ActiveOnly, "team") == ["a", "b"]
    assert listed(tags={"team": "red"}) == ["a"]


def test_only_an_empty_experiment_is_deleted(workspace, experiment):
    """SDK v1's service refused too: runs are deleted one by one, on purpose."""
    experiment.start_logging(outputs=False).complete()
    with pytest.raises(ExperimentStateError, match="still has 1 run"):
        Experiment.delete(workspace, experiment.id)

    empty = Experiment(workspace, "empty")
    Experiment.delete(workspace, empty.id)
    assert list(workspace.experiments) == ["trials"]
    with pytest.raises(ExperimentStateError, match="is not in workspace test"):
        Experiment.delete(workspace, "no such id")


def test_one_broken_folder_hides_no_other(workspace, experiment, capsys):
    """It is named on stderr."""
    broken = workspace.root / "experiments/broken"
    broken.mkdir()
    (broken / "experiment.json").write_text("{")
    assert list(workspace.experiments) == ["trials"]
    assert str(broken) in capsys.readouterr().err


# -- start_logging -----------------------------------------------------------------------------------


def test_start_logging_takes_sdk_v1s_positions(experiment, tmp_path):
    """``name, run_id, outputs, snapshot_directory``, as notebooks pass them."""
    (tmp_path / "src").mkdir()
    run = experiment.start_logging("ridge", "my-run-1", "results", "src")
    assert (run.name, run.id, run.status) == ("ridge", "my-run-1", "Running")
    assert (tmp_path / "results").is_dir()
    assert run.properties["azml.snapshot_directory"] == str(tmp_path / "src")
    run.complete()


def test_the_legacy_class_method_begins_a_run(experiment):
    """``Run.start_logging(experiment=exp)`` of 2018."""
    for run in (
        Run.start_logging(experiment=experiment, outputs=False),
        Run.start_logging(experiment, "n", None, False),
    ):
        assert (run.experiment, run.status) == (experiment, "Running")
        run.complete()


def test_a_run_has_a_guid_for_an_id_and_a_number(experiment):
    """Numbers count within the experiment, from 1."""
    runs = [experiment.start_logging(outputs=False) for _ in range(3)]
    assert [run.number for run in runs] == [1, 2, 3]
    assert all(len(run.id) == 36 and run.id.count("-") == 4 for run in runs)
    other = Experiment(experiment.workspace, "other").start_logging(outputs=False)
    assert other.number == 1
    for run in (*runs, other):
        run.complete()


def test_numbers_are_claimed_by_one_each(experiment):
    """Eight threads begin at once; nobody shares a number."""
    found = []

    def begin():
        run = experiment.start_logging(outputs=False)
        found.append(run.number)
        run.complete()

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_taken_run_id_is_refused(experiment):
    """Two runs must not meet in one folder; who wants to add to it attaches."""
    experiment.start_logging(run_id="mine", outputs=False).complete()
    with pytest.raises(RunExistsError, match="attach to it with Run") as caught:
        experiment.start_logging(run_id="mine", outputs=False)
    assert (caught.value.run_id, caught.value.status_code) == ("mine", 409)


@pytest.mark.parametrize("run_id", ["../x", "a/b", "a b", "con"])
def test_a_run_id_is_a_folder_name(experiment, run_id):
    """Refused before anything is written."""
    with pytest.raises(NameRefusedError, match="run id"):
        experiment.start_logging(run_id=run_id, outputs=False)
    assert list(experiment.get_runs()) == []


@pytest.mark.parametrize(
    ("outputs", "folder"),
    [
        (None, "outputs"),
        (True, "outputs"),
        ("", "outputs"),
        ("results", "results"),
        (Path("deep/er"), "deep/er"),
        (False, None),
    ],
)
def test_the_outputs_folder_is_there_at_once(experiment, tmp_path, outputs, folder):
    """``joblib.dump(model, 'outputs/model.pkl')`` stands right after, in every notebook."""
    before = set(tmp_path.iterdir())
    run = experiment.start_logging(outputs=outputs)
    made = {path.name for path in set(tmp_path.iterdir()) - before}
    assert made == ({folder.split("/")[0]} if folder else set())
    assert folder is None or (tmp_path / folder).is_dir()
    run.complete()


def test_an_outputs_folder_that_cannot_be_made_leaves_no_run(experiment, tmp_path):
    """The id is still free for the next try."""
    (tmp_path / "outputs").write_text("a file in the way")
    with pytest.raises(StoreError, match="outputs"):
        experiment.start_logging(run_id="mine")
    (tmp_path / "outputs").unlink()
    run = experiment.start_logging(run_id="mine")
    assert run.number == 1
    run.complete()


def test_no_snapshot_leaves_no_property(experiment):
    """``snapshot_directory=None`` was the way around the 300 MB limit."""
    run = experiment.start_logging(outputs=False, snapshot_directory=None)
    assert "azml.snapshot_directory" not in run.properties
    run.complete()


def test_a_display_name_may_be_given(experiment):
    """SDK v1's keyword."""
    run = experiment.start_logging(outputs=False, display_name="Ridge, first try")
    assert run.display_name == "Ridge, first try"
    run.complete()


def test_an_unknown_keyword_of_start_logging_is_refused(experiment):
    """SDK v1 raised a TypeError too."""
    with pytest.raises(TypeError, match="does not know tags"):
        experiment.start_logging(tags={"a": "b"})
    with pytest.raises(OptionError, match="on_error is 'shrug'"):
        experiment.start_logging(on_error="shrug")
    assert list(experiment.get_runs()) == []


def test_bad_names_leave_no_run_behind(experiment):
    """What is refused was never begun."""
    for wrong in ({"name": "\0"}, {"display_name": "\ud800"}, {"name": 5}):
        with pytest.raises(NameRefusedError):
            experiment.start_logging(outputs=False, **wrong)
    assert list(experiment.get_runs()) == []


def test_what_is_no_config_cannot_be_submitted(experiment):
    """One clear sentence with the way out, in SDK v1's class."""
    with pytest.raises(ExperimentExecutionException, match="expected a ScriptRunConfig or a HyperDriveConfig"):
        experiment.submit(object(), tags={"a": "b"}, show_output=True)


# -- get_runs ----------------------------------------------------------------------------------------


def test_runs_come_newest_first(experiment):
    """A generator, as in SDK v1."""
    for name in "abc":
        experiment.start_logging(name, outputs=False).complete()
    found = experiment.get_runs()
    assert iter(found) is found
    assert names(found) == ["c", "b", "a"]


def test_filters_are_anded(experiment):
    """A string asks for a key, a dict for keys and values."""
    for name in "abc":
        run = experiment.start_logging(name, outputs=False)
        run.set_tags({"letter": name, **({"vowel": None} if name == "a" else {})})
        run.add_properties({"even": str(name == "b")})
        run.child_run("kid").complete()
        run.complete()
    assert names(experiment.get_runs(tags="vowel")) == ["a"]
    assert names(experiment.get_runs(tags={"letter": "b"})) == ["b"]
    assert names(experiment.get_runs(tags={"letter": "b", "vowel": "x"})) == []
    assert names(experiment.get_runs(properties={"even": "False"})) == ["c", "a"]
    assert names(experiment.get_runs(properties="even", tags={"letter": "c"})) == ["c"]
    assert names(experiment.get_runs("hyperdrive")) == []
    assert names(experiment.get_runs(include_children=True)) == ["c>kid", "c", "b>kid", "b", "a>kid", "a"]


def test_runs_of_another_experiment_stay_there(workspace, experiment):
    """Experiments are drawers."""
    Experiment(workspace, "other").start_logging("there", outputs=False).complete()
    experiment.start_logging("here", outputs=False).complete()
    assert names(experiment.get_runs()) == ["here"]


# -- odds and ends -----------------------------------------------------------------------------------


def test_its_lines_and_its_table(experiment):
    """``str`` as SDK v1 printed it; a one-row table in a notebook."""
    assert str(experiment) == "Experiment(Name: trials,\nWorkspace: test)"
    html = experiment._repr_html_()
    for word in ("Name", "Workspace", "Report Page", "Docs Page"):
        assert f"<th>{word}</th>" in html
    assert "<td>trials</td>" in html
    assert experiment.get_portal_url().endswith("/experiments/trials")
    assert Experiment.get_docs_url().startswith("https://")


def test_it_travels_by_its_address(experiment):
    """To another process, and back."""
    assert pickle.loads(pickle.dumps(experiment)) == experiment


def test_from_directory_is_named_like_the_folder(azml_home, tmp_path):
    """An attached project folder of old carries a config."""
    Workspace.create("mine").write_config(tmp_path / "my-project")
    experiment = Experiment.from_directory(tmp_path / "my-project")
    assert (experiment.name, experiment.workspace.name) == ("my-project", "mine")


def test_refresh_has_nothing_to_do(experiment):
    """Everything is read afresh, so another handle's tag is there already."""
    Experiment(experiment.workspace, "trials").tag("a", "b")
    experiment.refresh()
    assert experiment.tags == {"a": "b"}


# -- resuming ----------------------------------------------------------------------------------------


def test_a_run_goes_on_without_being_the_current_one(experiment):
    """An adapter resumes what it has begun itself, not what the user logs to."""
    first = experiment.start_logging(outputs=False, snapshot_directory=None)
    first.complete()
    run = experiment.resume_logging(first.id, current=False)
    assert (run.get_status(), run.owned, current_run()) == ("Running", True, None)
    run.complete()


@pytest.mark.parametrize("end", ["complete", "fail", "cancel"])
def test_a_run_that_has_ended_goes_on(experiment, end):
    """It is Running, this process's own and the current one; what it had stays, and its end is the new one's."""
    first = experiment.start_logging(outputs=False, snapshot_directory=None)
    first.log("loss", 2.0, step=0)
    getattr(first, end)()

    with experiment.resume_logging(first.id) as run:
        assert (run.get_status(), run.owned, current_run()) == ("Running", True, run)
        run.log("loss", 1.0, step=1)

    assert first.get_status() == "Completed"
    assert [(point.step, point.value) for point in first.metric_points("loss")] == [(0, 2.0), (1, 1.0)]
    assert "error" not in first.get_details()
    assert len(list(experiment.get_runs())) == 1


def test_a_run_whose_process_died_goes_on(experiment):
    """The verdict about the dead process is taken back; if the second one dies, the run is Failed again."""
    code = (
        "import os, sys; from azml_integrations.core import Experiment, Workspace;"
        "e = Experiment(Workspace.get('test'), 'trials'); i = sys.argv[1:];"
        "r = e.resume_logging(*i) if i else e.start_logging(outputs=False, snapshot_directory=None);"
        "r.log('x', 1); print(r.id, r.get_status(), flush=True); os.kill(os.getpid(), 9)"
    )
    run_id = None
    for _ in range(2):
        words = [run_id] if run_id else []
        said = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False).stdout
        run_id, status = said.split()
        assert status == "Running"
        assert Run(experiment, run_id).get_status() == "Failed"

    run = experiment.resume_logging(run_id)
    assert run.get_status() == "Running"
    run.complete()
    assert run.get_status() == "Completed"
    assert len(run.metric_points("x")) == 2


def test_a_running_run_is_not_resumed(experiment):
    """Two processes cannot own one run; the error says how to add to it."""
    run = experiment.start_logging(outputs=False, snapshot_directory=None)
    with pytest.raises(UserErrorException, match=r"is Running.*Run\(experiment"):
        experiment.resume_logging(run.id)
    run.complete()
    with pytest.raises(RunNotFoundError):
        experiment.resume_logging("nobody")
