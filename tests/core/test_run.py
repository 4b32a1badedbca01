"""A run: begun, told about, ended, found again."""
# ruff: noqa: T201 - what is printed is the story

import json
import logging
import pickle
import subprocess
import sys
import threading
import time
import warnings
from datetime import datetime
from pathlib import Path

import pytest

from azml_integrations.core import Experiment, Run, current_run, get_run
from azml_integrations.errors import (
    ActivityFailedException,
    AzmlWarning,
    ExperimentExecutionException,
    NameRefusedError,
    OptionError,
    PropertyError,
    RunNotFoundError,
    ServiceException,
    UserErrorException,
)
from azml_integrations.records import StatusChanged


def names(runs) -> list[str | None]:
    return [run.name for run in runs]


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        (Run.__init__, "experiment, run_id, outputs=None, **kwargs"),
        (Run.get_context, "allow_offline=True, used_for_context_manager=False, **kwargs"),
        (Run.get_submitted_run, "**kwargs"),
        (Run.get, "workspace, run_id"),
        (Run.list, "experiment, type=None, tags=None, properties=None, status=None, include_children=False"),
        (get_run, "experiment, run_id, rehydrate=True, clean_up=True"),
        (Run.child_run, "name=None, run_id=None, outputs=None"),
        (Run.create_children, "count=None, tag_key=None, tag_values=None"),
        (Run.get_children, "recursive=False, tags=None, properties=None, type=None, status=None"),
        (Run.get_metrics, "name=None, recursive=False, run_type=None, populate=False"),
        (Run.tag, "key, value=None"),
        (Run.set_tags, "tags"),
        (Run.remove_tags, "tags"),
        (Run.get_tags, ""),
        (Run.add_properties, "properties"),
        (Run.get_properties, ""),
        (Run.get_details, ""),
        (Run.get_details_with_logs, ""),
        (Run.get_detailed_status, ""),
        (Run.get_status, ""),
        (Run.get_portal_url, ""),
        (Run.start, ""),
        (Run.complete, "_set_status=True"),
        (Run.fail, "error_details=None, error_code=None"),
        (Run.cancel, ""),
        (Run.wait_for_completion, "show_output=False, wait_post_processing=False, raise_on_error=True"),
        (Run.clean, ""),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_signatures_are_those_of_sdk_v1(signature, verb, expected):
    """Old scripts call by position and by keyword."""
    assert signature(verb).startswith(expected)


# -- attaching and finding ---------------------------------------------------------------------------


def test_a_run_is_found_in_every_way(workspace, experiment, run):
    """The constructor, `Run.get`, `get_run`, and the workspace's own."""
    found = [
        Run(experiment, run.id),
        Run.get(workspace, run.id),
        get_run(experiment, run.id),
        workspace.get_run(run.id),
    ]
    assert found == [run] * 4
    assert {hash(other) for other in found} == {hash(run)}
    assert [other.experiment.workspace for other in found] == [workspace] * 4


def test_an_unknown_run_is_a_404(workspace, experiment):
    """SDK v1's ServiceException, and a KeyError for everybody else."""
    asks = [
        lambda: Run(experiment, "nobody"),
        lambda: Run.get(workspace, "nobody"),
        lambda: get_run(experiment, "nobody"),
    ]
    for ask in asks:
        with pytest.raises(ServiceException) as caught:
            ask()
        assert caught.value.status_code == 404
        assert isinstance(caught.value, (RunNotFoundError, KeyError))


def test_a_run_of_another_experiment_is_not_found(workspace, experiment, run):
    """The experiment is part of the question."""
    with pytest.raises(RunNotFoundError, match="it belongs to trials"):
        Run(Experiment(workspace, "other"), run.id)


def test_identity(run, experiment):
    """The attributes that scripts read, the private one too."""
    assert (run.id, run._run_id) == (run.id, run.id)
    assert (run.experiment, run.parent, run.number, run.type, run.description) == (experiment, None, 1, None, None)


def test_list_filters_by_status_too(experiment):
    """Only `Run.list` has that argument; `get_runs` never had."""
    experiment.start_logging("good", outputs=False).complete()
    experiment.start_logging("bad", outputs=False).fail()
    assert names(Run.list(experiment, status="Failed")) == ["bad"]
    assert names(Run.list(experiment, None, None, None, "Completed")) == ["good"]
    assert names(Run.list(experiment)) == ["bad", "good"]


# -- life cycle --------------------------------------------------------------------------------------


def test_a_run_is_completed_once_and_again(run):
    """A second call is harmless."""
    assert (run.status, run.get_status()) == ("Running", "Running")
    run.complete()
    assert (run.status, run.get_status()) == ("Completed", "Completed")
    ended = run.get_details()["endTimeUtc"]
    run.complete()
    assert run.get_details()["endTimeUtc"] == ended


def test_a_status_is_a_plain_string(run):
    """Scripts compare, print and serialize it."""
    assert type(run.status) is str
    assert json.dumps(run.get_status()) == '"Running"'


def test_points_may_follow_completion(run):
    """Lightning finalizes, and then tests."""
    run.log("loss", 0.5)
    run.complete()
    run.log("test_loss", 0.6)
    run.tag("late", "yes")
    assert run.get_metrics() == {"loss": 0.5, "test_loss": 0.6}
    assert (run.status, run.tags) == ("Completed", {"late": "yes"})


@pytest.mark.parametrize(
    ("details", "code", "message", "told"),
    [
        (None, None, None, None),
        ("out of luck", None, "out of luck", "UserError"),
        ("out of luck", "Luck", "out of luck", "Luck"),
        (ValueError("no"), None, "User program failed with ValueError: no", "UserError"),
        ("\ud800 \0", None, "\\ud800 \\0", "UserError"),
    ],
)
def test_a_run_is_failed_with_a_reason(run, details, code, message, told):
    """A sentence or an exception; the JSON is SDK v1's."""
    run.fail(details, code)
    found = run.get_details()
    assert found["status"] == "Failed"
    assert (found.get("error") or {"error": {"message": None, "code": None}})["error"]["message"] == message
    if told is not None:
        assert found["error"]["error"]["code"] == told
        assert set(found["error"]["error"]) == {"code", "message", "messageParameters", "details", "debugInfo"}
        assert {"correlation", "environment", "location", "time", "componentName"} <= set(found["error"])


def test_a_reason_is_a_sentence_or_an_exception(run):
    """SDK v1 raised TypeError for anything else, and the run went on."""
    with pytest.raises(TypeError, match="expected a string or an exception"):
        run.fail(5)
    assert run.status == "Running"


def test_cancel(run):
    """American spelling, one l; after the end it changes nothing."""
    run.cancel()
    assert run.status == "Canceled"
    run.complete()
    assert run.status == "Canceled"


def test_cancel_after_the_end_is_harmless(run):
    """Notebooks cancel right after they waited."""
    run.complete()
    run.cancel()
    assert run.status == "Completed"


def test_start_is_for_runs_that_were_not_started(run):
    """A running one runs already."""
    run.start()
    assert run.status == "Running"


def test_waiting_returns_the_details(run):
    """Of a run that has ended, at once."""
    run.log("a", 1)
    run.complete()
    assert run.wait_for_completion() == run.get_details()
    assert run.wait_for_completion(True, False, True)["status"] == "Completed"


def test_waiting_ends_when_another_thread_ends_the_run(experiment, run):
    """Polled, with growing pauses; that this process owns the run is said, since a mistake would last for ever."""
    timer = threading.Timer(0.1, Run(experiment, run.id).complete)
    timer.start()
    began = time.monotonic()
    with pytest.warns(AzmlWarning, match="waiting for another thread"):
        assert run.wait_for_completion()["status"] == "Completed"
    assert 0.05 < time.monotonic() - began < 5
    timer.join()


def test_waiting_for_a_failed_run_raises(run):
    """`Activity Failed:` and the error's JSON, as SDK v1."""
    run.fail("out of luck")
    with pytest.raises(ActivityFailedException) as caught:
        run.wait_for_completion()
    head, _, document = caught.value.message.partition("\n")
    assert head == "Activity Failed:"
    assert json.loads(document)["error"]["message"] == "out of luck"
    assert run.wait_for_completion(raise_on_error=False)["status"] == "Failed"


def test_waiting_for_a_canceled_run_returns(run):
    """That is no failure."""
    run.cancel()
    assert run.wait_for_completion()["status"] == "Canceled"


def test_waiting_for_oneself_is_refused(run):
    """Nobody else is there to end the run: better an error than a process that hangs."""
    assert threading.active_count() == 1
    with pytest.raises(UserErrorException, match=r"complete\(\) is called"):
        run.wait_for_completion()


def test_waiting_can_be_interrupted(experiment, run, monkeypatch):
    """Ctrl-C ends the waiting, not the run."""
    run = Run(experiment, run.id)  # as another process has it

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    with pytest.raises(ExperimentExecutionException, match="the run goes on") as caught:
        run.wait_for_completion()
    assert isinstance(caught.value.inner_exception, KeyboardInterrupt)
    assert run.status == "Running"


def test_waiting_with_output_prints_sdk_v1s_frame(run, capsys):
    """Notebooks show it; nobody must be warned of a portal that is not there."""
    run.complete()
    run.wait_for_completion(show_output=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"RunId: {run.id}"
    assert lines[1].startswith("Web View: http")
    assert lines[2] == ""
    assert lines[-4:-1] == ["Execution Summary", "=================", f"RunId: {run.id}"]
    assert lines[-1].startswith("Web View: http")


# -- as a context manager ----------------------------------------------------------------------------


def test_a_clean_exit_is_completed(experiment):
    """The whole of most scripts."""
    with experiment.start_logging(outputs=False) as run:
        assert run.status == "Running"
        run.log("a", 1)
    assert run.status == "Completed"


def test_an_exception_propagates_and_fails_the_run(experiment):
    """The user's error leaves as it is; the run keeps its code, message and traceback."""
    error = ValueError("theirs")
    with pytest.raises(ValueError, match="theirs") as caught, experiment.start_logging(outputs=False) as run:
        raise error
    assert caught.value is error
    assert run.status == "Failed"
    told = run.get_details()["error"]["error"]
    assert (told["code"], told["message"]) == ("UserError", "User program failed with ValueError: theirs")
    assert (told["debugInfo"]["type"], told["debugInfo"]["message"]) == ("ValueError", told["message"])
    assert told["debugInfo"]["stackTrace"].startswith("Traceback (most recent call last):")
    assert "raise error" in told["debugInfo"]["stackTrace"]
    assert told["debugInfo"]["stackTrace"].rstrip().endswith("ValueError: theirs")


@pytest.mark.parametrize("code", [0, None])
def test_a_good_system_exit_is_swallowed(experiment, code):
    """SDK v1 counted it as success, and the notebook went on."""
    with experiment.start_logging(outputs=False) as run:
        sys.exit(code)
    assert run.status == "Completed"


@pytest.mark.parametrize("code", [1, "a message", -1])
def test_a_bad_system_exit_fails(experiment, code):
    """And propagates."""
    with pytest.raises(SystemExit) as caught, experiment.start_logging(outputs=False) as run:
        sys.exit(code)
    assert caught.value.code == code
    assert run.status == "Failed"


def test_ctrl_c_fails(experiment):
    """It is an exception like others."""
    with pytest.raises(KeyboardInterrupt), experiment.start_logging(outputs=False) as run:
        raise KeyboardInterrupt
    assert run.status == "Failed"


@pytest.mark.parametrize(("end", "status"), [("complete", "Completed"), ("fail", "Failed"), ("cancel", "Canceled")])
def test_a_run_that_was_ended_inside_stays_so(experiment, end, status):
    """The explicit word counts."""
    with experiment.start_logging(outputs=False) as run:
        getattr(run, end)()
        print("afterwards")
    assert run.status == status


def test_what_is_printed_is_kept(experiment, capsys):
    """Both streams, in `logs/user_log.txt`, and on the screen as ever."""
    with experiment.start_logging(outputs=False) as run:
        print("to stdout")
        print("to stderr", file=sys.stderr)
    print("after")
    assert run.get_file_names() == ["logs/user_log.txt"]
    assert run.get_details_with_logs()["logFiles"] == {"logs/user_log.txt": "to stdout\nto stderr\n"}
    assert capsys.readouterr() == ("to stdout\nafter\n", "to stderr\n")


def test_a_logger_that_took_the_stream_before_is_heard(experiment, capsys):
    """`logging.basicConfig` stands at the top of scripts, long before the run."""
    handler = logging.StreamHandler(sys.stderr)
    logger = logging.getLogger("test-a-logger")
    logger.addHandler(handler)
    with experiment.start_logging(outputs=False) as run:
        logger.warning("epoch 1")
    logger.warning("after")
    logger.removeHandler(handler)
    assert run.get_details_with_logs()["logFiles"]["logs/user_log.txt"] == "epoch 1\n"
    assert capsys.readouterr().err == "epoch 1\nafter\n"


def test_a_run_inside_a_run(experiment):
    """Both hear what the inner one prints; the outer one goes on."""
    with experiment.start_logging(outputs=False) as outer:
        print("one")
        with outer.child_run("inner") as inner:
            print("two")
            assert current_run() == inner
        assert current_run() == outer
        print("three")
    assert outer.get_details_with_logs()["logFiles"]["logs/user_log.txt"] == "one\ntwo\nthree\n"
    assert inner.get_details_with_logs()["logFiles"]["logs/user_log.txt"] == "two\n"
    assert (outer.status, inner.status, inner.parent) == ("Completed", "Completed", outer)


def test_a_failing_child_need_not_fail_its_parent(experiment):
    """Who catches the error goes on."""
    with experiment.start_logging(outputs=False) as outer:
        try:
            with outer.child_run() as inner:
                raise ValueError("inner")  # noqa: TRY301 - it leaves through the run
        except ValueError:
            pass
    assert (outer.status, inner.status) == ("Completed", "Failed")


def test_runs_overlap_in_threads(experiment):
    """Each thread has its own current run, and its own metrics."""
    barrier = threading.Barrier(4)
    seen = {}

    def work(n):
        with experiment.start_logging(f"run-{n}", outputs=False) as run:
            barrier.wait()
            for step in range(50):
                run.log("n", n, step=step)
            seen[n] = (Run.get_context() == run, run.get_metrics())
            barrier.wait()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {n: (True, {"n": [n] * 50}) for n in range(4)}
    assert {run.status for run in experiment.get_runs()} == {"Completed"}


def test_runs_may_end_in_any_order(experiment):
    """Not every overlap is a nesting."""
    one = experiment.start_logging("one", outputs=False)
    two = experiment.start_logging("two", outputs=False)
    assert Run.get_context() == two
    one.complete()
    assert Run.get_context() == two
    two.complete()
    assert current_run() is None


# -- tags, properties, names -------------------------------------------------------------------------


def test_tags(run):
    """Set, overwritten, without a value, removed."""
    run.tag("stage", "draft")
    run.tag("stage", "final")
    run.tag("flag")
    run.set_tags({"a": "1", "b": None, "c": "3"})
    run.remove_tags(["a", "never there"])
    assert run.tags == {"stage": "final", "flag": None, "b": None, "c": "3"}
    assert run.get_tags() == run.tags
    run.set_tags({})
    run.remove_tags([])
    assert len(run.tags) == 4


def test_tags_of_other_types_become_strings_with_a_warning(run):
    """As SDK v1 did."""
    with pytest.warns(AzmlWarning, match="tag 'epochs' got an int"):
        run.tag("epochs", 5)
    with pytest.warns(AzmlWarning, match="tag 'ok' got a bool"):
        run.set_tags({"ok": True})
    assert run.tags == {"epochs": "5", "ok": "True"}


def test_the_copy_of_tags_is_the_callers(run):
    """Changing it changes nothing."""
    run.tag("a", "b")
    run.tags["a"] = "c"
    run.properties["x"] = "y"
    assert run.tags == {"a": "b"}
    assert "x" not in run.properties


@pytest.mark.parametrize("verb", ["set_tags", "add_properties"])
def test_pairs_come_in_a_dict(run, verb):
    """One clear sentence for what would fail somewhere inside."""
    with pytest.raises(OptionError, match="expected a dict"):
        getattr(run, verb)([("a", "b")])
    for key in (5, "a\0", "x" * 5000):
        with pytest.raises(NameRefusedError):
            getattr(run, verb)({key: "x"})
    with pytest.raises(NameRefusedError):
        getattr(run, verb)({"a": "\ud800"})
    assert run.tags == {}


def test_properties_never_change(run):
    """That is what a parameter is."""
    run.add_properties({"param.alpha": 0.03, "param.solver": "svd"})
    with pytest.raises(PropertyError) as caught:
        run.add_properties({"param.new": "1", "param.alpha": "0.5"})
    assert (caught.value.key, caught.value.status_code) == ("param.alpha", 409)
    assert isinstance(caught.value, (ServiceException, ValueError))
    run.add_properties({"param.alpha": "0.03"})
    run.add_properties({})
    added = {key: value for key, value in run.get_properties().items() if key.startswith("param.")}
    assert added == {"param.alpha": "0.03", "param.solver": "svd"}
    assert run.properties == run.get_properties()


def test_another_handle_cannot_change_a_property_either(experiment, run):
    """What counts is what is stored."""
    run.add_properties({"a": "1"})
    with pytest.raises(PropertyError):
        Run(experiment, run.id).add_properties({"a": "2"})


def test_a_run_nobody_named_has_a_name_of_words(experiment, run):
    """Made from the id, so that it is the same for everybody."""
    assert run.display_name == Run(experiment, run.id).display_name
    assert run.display_name.count("_") == 2
    run.display_name = "Ridge"
    run.description = "first try"
    assert (Run(experiment, run.id).display_name, Run(experiment, run.id).description) == ("Ridge", "first try")
    run.description = None
    assert run.description == ""
    with pytest.raises(NameRefusedError):
        run.display_name = None


# -- children ----------------------------------------------------------------------------------------


def test_a_child_is_named_after_its_parent(experiment):
    """``parent>child``, with an id of its own, started."""
    parent = experiment.start_logging("sweep", outputs=False)
    child = parent.child_run("fold-1")
    assert (child.name, child.status, child.parent, child.experiment) == ("sweep>fold-1", "Running", parent, experiment)
    assert child.child_run("deep").name == "sweep>fold-1>deep"
    assert parent.child_run().name is None
    assert parent.child_run("x", "my-id").id == "my-id"
    assert len(list(parent.get_children())) == 3


def test_a_child_may_have_outputs_of_its_own(run, tmp_path):
    """Its third argument."""
    child = run.child_run("a", None, "child-outputs")
    (tmp_path / "child-outputs/x.txt").write_text("x")
    child.complete()
    assert child.get_file_names() == ["outputs/x.txt"]


def test_children_by_count(run):
    """Tagged with their numbers."""
    children = run.create_children(3)
    assert [child.tags for child in children] == [{"azureml.batch_child_number": n} for n in "012"]
    assert {child.status for child in children} == {"Running"}
    assert sorted(child.id for child in children) == sorted(child.id for child in run.get_children())
    assert run.create_children(0) == []
    for child in children:
        child.complete()


def test_children_by_tag_values(run):
    """One each."""
    children = run.create_children(tag_key="alpha", tag_values=["0.1", "0.2"])
    assert [child.tags for child in children] == [{"alpha": "0.1"}, {"alpha": "0.2"}]
    assert [child.tags for child in run.create_children(None, "alpha", ["0.3"])] == [{"alpha": "0.3"}]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"count": 2, "tag_key": "a", "tag_values": ["b"]},
        {"count": 2, "tag_key": "a"},
        {"tag_key": "a"},
        {"tag_values": ["b"]},
        {"count": 101},
        {"tag_key": "a", "tag_values": ["x"] * 101},
        {"count": -1},
    ],
    ids=lambda arguments: "+".join(arguments) or "nothing",
)
def test_other_ways_to_ask_for_children_are_refused(run, arguments):
    """Either a count or both tag arguments, and at most 100."""
    with pytest.raises(UserErrorException, match="create_children"):
        run.create_children(**arguments)
    assert list(run.get_children()) == []


def test_children_are_found_by_what_they_are(run):
    """Newest first, filters ANDed, and the way down when asked for."""
    for name in "abc":
        child = run.child_run(name)
        child.set_tags({"letter": name, **({"vowel": None} if name == "a" else {})})
        child.add_properties({"p": str(name != "c")})
        grandchild = child.child_run(name * 2)
        grandchild.tag("letter", name)
        grandchild.complete()
        if name == "b":
            child.fail()
        else:
            child.complete()
    found = run.get_children()
    assert iter(found) is found
    assert names(found) == ["c", "b", "a"]
    assert names(run.get_children(tags="vowel")) == ["a"]
    assert names(run.get_children(tags={"letter": "b"})) == ["b"]
    assert names(run.get_children(properties={"p": "True"})) == ["b", "a"]
    assert names(run.get_children(status="Failed")) == ["b"]
    assert names(run.get_children(type="hyperdrive")) == []
    assert sorted(names(run.get_children(recursive=True))) == ["a", "a>aa", "b", "b>bb", "c", "c>cc"]
    assert sorted(names(run.get_children(True, {"letter": "b"}))) == ["b", "b>bb"]
    assert sorted(names(run.get_children(recursive=True, status="Completed"))) == ["a", "a>aa", "b>bb", "c", "c>cc"]


def test_all_descendants_come_newest_first(run):
    """Not branch by branch."""
    one, two = run.child_run("1"), run.child_run("2")
    one.child_run("late")
    assert names(run.get_children(recursive=True)) == ["1>late", "2", "1"]
    two.complete()


def test_metrics_of_a_family(run):
    """Runs without metrics are left out; a type narrows."""
    run.log("loss", 1.0)
    child, empty = run.child_run(), run.child_run()
    grandchild = empty.child_run()
    child.log("loss", 2.0)
    grandchild.log_list("other", [3, 4])
    assert run.get_metrics() == {"loss": 1.0}
    assert run.get_metrics(recursive=True) == {
        run.id: {"loss": 1.0},
        child.id: {"loss": 2.0},
        grandchild.id: {"other": [3, 4]},
    }
    assert run.get_metrics("other", True) == {grandchild.id: {"other": [3, 4]}}
    assert run.get_metrics(recursive=True, run_type="hyperdrive") == {}
    assert run.get_metrics("nobody") == {}


# -- details -----------------------------------------------------------------------------------------


def test_details_speak_sdk_v1s_words(run):
    """The keys that notebooks read."""
    details = run.get_details()
    assert details["runId"] == run.id
    assert (details["target"], details["status"], details["services"]) == ("local", "Running", {})
    assert (details["inputDatasets"], details["outputDatasets"], details["logFiles"]) == ([], [], {})
    assert datetime.fromisoformat(details["startTimeUtc"]).tzinfo is not None
    assert details["properties"] == run.properties
    assert not {"endTimeUtc", "error"} & set(details)

    run.complete()
    details = run.get_details()
    assert details["status"] == "Completed"
    assert details["endTimeUtc"] >= details["startTimeUtc"]
    assert "error" not in details
    json.dumps(details)


def test_what_went_wrong_beside_the_work_stands_in_the_details(run):
    """An adapter's note is a warning there."""
    run.note("sklearn", "model not stored: too large")
    assert run.get_details()["warnings"] == [{"source": "sklearn", "message": "model not stored: too large"}]


def test_log_files_are_addresses_or_contents(experiment):
    """Two verbs, two answers."""
    with experiment.start_logging(outputs=False) as run:
        print("hello")
    address = run.get_details()["logFiles"]["logs/user_log.txt"]
    assert address.startswith("file://")
    assert address.endswith("/logs/user_log.txt")
    assert run.get_details_with_logs()["logFiles"] == {"logs/user_log.txt": "hello\n"}


def test_the_status_with_its_details(run):
    """For who wants to know more than one word."""
    assert run.get_detailed_status() == {"status": "Running", "details": None}


def test_its_lines_and_its_table(run):
    """As SDK v1 printed them; nothing unescaped in HTML."""
    assert str(run) == f"Run(Experiment: trials,\nId: {run.id},\nType: None,\nStatus: Running)"
    html = run._repr_html_()
    for word in ("Experiment", "Id", "Type", "Status", "Details Page", "Docs Page"):
        assert f"<th>{word}</th>" in html
    assert f"<td>{run.id}</td>" in html


def test_the_portals_address_warns_once_where_nothing_serves_it(run):
    """The address is told all the same: notebooks print it."""
    with pytest.warns(AzmlWarning, match="no studio serves this page"):
        address = run.get_portal_url()
    assert address.endswith(f"/runs/{run.id}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run.get_portal_url() == address


def test_clean_has_nothing_to_do(run):
    """SDK v1 removed temporary files and listed them."""
    assert run.clean() == []


# -- travel ------------------------------------------------------------------------------------------


def test_a_run_travels_by_its_address(run):
    """A worker adds to the same run, as a guest."""
    there = pickle.loads(pickle.dumps(run))
    assert there == run
    there.log("loss", 0.5)
    assert run.get_metrics() == {"loss": 0.5}
    assert (run.owned, there.owned) == (True, False)
    there.complete()


def test_another_process_reads_and_writes_the_same_run(run, tmp_path):
    """Read-your-writes holds across processes, both ways."""
    run.log("loss", 0.5)
    (tmp_path / "handle.pkl").write_bytes(pickle.dumps(run))
    program = (
        "import pickle; run = pickle.load(open('handle.pkl', 'rb')); print(run.get_metrics(), run.status);"
        " run.log('acc', 0.9); run.tag('from', 'worker')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "{'loss': 0.5} Running\n"
    assert run.get_metrics() == {"loss": 0.5, "acc": 0.9}
    assert (run.tags, run.status) == ({"from": "worker"}, "Running")


def test_a_failure_without_words_has_no_dangling_colon(experiment):
    """Ctrl-C says nothing, and the traceback holds the user's frames only."""
    with pytest.raises(KeyboardInterrupt), experiment.start_logging(outputs=False, snapshot_directory=None) as run:
        raise KeyboardInterrupt
    error = run.get_details()["error"]["error"]
    assert error["message"] == "User program failed with KeyboardInterrupt"
    assert "azml_integrations" not in error["debugInfo"]["stackTrace"]
    assert Path(__file__).name in error["debugInfo"]["stackTrace"]


def test_a_moment_that_damage_made_up_hides_nothing(experiment, run):
    """A flipped byte can turn a time into any number; the rest of the run is still told."""
    run._append(StatusChanged("Completed", 1e300))
    details = Run(experiment, run.id).get_details()
    assert details["status"] == "Completed"
    assert details["endTimeUtc"] == "1e+300"


def test_a_run_of_something_else_than_an_experiment_is_refused(experiment, run):
    """`Run(workspace, run_id)` is easily written; `Run.get` is what takes a workspace."""
    with pytest.raises(OptionError, match=r"Run expects an Experiment first, got a Workspace; Run\.get"):
        Run(experiment.workspace, run.id)
