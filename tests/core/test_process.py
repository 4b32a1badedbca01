"""The run that this process is part of, when nobody hands one over."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from azml_integrations.core import (
    Experiment,
    Run,
    Workspace,
    current_run,
    implicit_child,
    implicit_experiment,
    implicit_run,
    process,
)
from azml_integrations.core import run as run_module
from azml_integrations.errors import AzmlWarning, RunEnvironmentException, RunExistsError, StoreError, StoreWarning
from azml_integrations.store import view
from azml_integrations.store.opening import index_path

SUBMITTED = {
    "AZUREML_RUN_ID": "submitted-1",
    "AZUREML_ARM_SUBSCRIPTION": "sub",
    "AZUREML_ARM_RESOURCEGROUP": "group",
    "AZUREML_ARM_WORKSPACE_NAME": "theirs",
    "AZUREML_ARM_PROJECT_NAME": "sweep",
    "AZUREML_RUN_TOKEN": "no token",
    "AZUREML_SERVICE_ENDPOINT": "http://127.0.0.1",
}


@pytest.fixture
def offline(azml_home, monkeypatch):
    """Stand in a process that nobody submitted."""
    monkeypatch.setenv("AZML_EXPERIMENT", "mine")
    return Run.get_context()


class Picture:
    def savefig(self, file):
        file.write(b"picture")


def script(text: str, tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own."""
    (tmp_path / "train.py").write_text(text)
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("AZML_", "AZUREML_", "RANK"))}
    clean |= {"AZML_HOME": str(tmp_path / "azml-home"), "AZML_PLUGINS": ""} | environment
    return subprocess.run([sys.executable, "train.py"], env=clean, capture_output=True, text=True, check=False)


def runs(experiment: str) -> list[Run]:
    return list(Experiment(Workspace.from_config(), experiment).get_runs(include_children=True))


# -- outside a submission ----------------------------------------------------------------------------


def test_it_answers_to_offline_run(offline):
    """Guard code of ten years: `isinstance`, the id, the text, the type."""
    assert isinstance(offline, run_module._OfflineRun)
    assert type(offline) is run_module._OfflineRun
    assert isinstance(offline, Run)
    assert offline.id.startswith("OfflineRun_")
    assert offline._run_id == offline.id
    assert "_OfflineRun" in str(offline)


def test_guard_code_works_without_its_guard(offline):
    """``run.experiment.workspace`` was missing offline: the oldest open complaint of all."""
    assert offline.experiment.name == "mine"
    assert offline.experiment.workspace.name == "default"


def test_no_folder_before_the_first_verb(offline, azml_home, tmp_path):
    """A library that asks at import leaves no empty run, no experiment and no ./outputs."""
    assert offline.get_status() == "Running"
    assert str(offline)
    offline.complete()
    assert list((azml_home / "default/runs").iterdir()) == []
    assert list((azml_home / "default/experiments").iterdir()) == []
    assert not (tmp_path / "outputs").exists()


def test_the_first_verb_brings_it_forth(offline, tmp_path):
    """A full run, with ./outputs as in SDK v1."""
    offline.log("loss", 0.5)
    assert (tmp_path / "outputs").is_dir()
    assert (offline.get_metrics(), offline.number, offline.status) == ({"loss": 0.5}, 1, "Running")
    (tmp_path / "outputs/model.pkl").write_text("model")
    offline.tag("a", "b")
    offline.complete()
    found = Run.get(offline.experiment.workspace, offline.id)
    assert (found.status, found.tags, found.get_file_names()) == ("Completed", {"a": "b"}, ["outputs/model.pkl"])


@pytest.mark.parametrize(
    "verb",
    [
        lambda run: run.log("a", 1),
        lambda run: run.log_metrics({"a": 1}),
        lambda run: run.log_list("a", [1]),
        lambda run: run.log_row("a", x=1),
        lambda run: run.log_table("a", {"x": [1]}),
        lambda run: run.tag("a"),
        lambda run: run.add_properties({"a": "b"}),
        lambda run: run.upload_file("a", __file__),
        lambda run: run.log_image("a", plot=Picture()),
        lambda run: run.__enter__().complete(),
        lambda run: run.child_run(),
        lambda run: run.create_children(1),
        lambda run: run.number,
        lambda run: run.tags,
        lambda run: run.get_details(),
        lambda run: run.get_metrics(),
        lambda run: run.display_name,
        lambda run: run.fail("x"),
        lambda run: run.cancel(),
    ],
)
def test_any_verb_may_be_the_first(offline, verb):
    """All that SDK v1's offline run lacked is there."""
    verb(offline)
    assert Run.get(offline.experiment.workspace, offline.id).experiment.name == "mine"


def test_there_is_one_per_process(offline):
    """Every call answers the same, from every thread."""
    found = []
    thread = threading.Thread(target=lambda: found.append(Run.get_context()))
    thread.start()
    thread.join()
    assert [Run.get_context(), *found] == [offline, offline]
    assert Run.get_context() is offline
    assert current_run() is offline


def test_after_its_end_there_is_a_new_one(offline):
    """A notebook goes on."""
    offline.log("a", 1)
    offline.complete()
    assert Run.get_context() != offline


def test_inside_a_run_that_run_is_the_context(offline, experiment):
    """`start_logging`, with or without `with`; afterwards the process's own again."""
    with experiment.start_logging(outputs=False) as run:
        assert Run.get_context() is run
        with run.child_run() as child:
            assert Run.get_context() is child
        assert Run.get_context() is run
    assert Run.get_context() is offline
    bare = experiment.start_logging(outputs=False)
    assert Run.get_context() is bare
    bare.complete()
    assert Run.get_context() is offline


def test_without_offline_there_must_be_a_submission(azml_home, experiment):
    """`allow_offline=False` and its name of 2018 raise, also inside a run."""
    for ask in (lambda: Run.get_context(allow_offline=False), lambda: Run.get_context(False), Run.get_submitted_run):
        with pytest.raises(RunEnvironmentException, match="AZUREML_RUN_ID") as caught:
            ask()
        assert isinstance(caught.value, RuntimeError)
    with experiment.start_logging(outputs=False), pytest.raises(RunEnvironmentException):
        Run.get_submitted_run()


@pytest.mark.parametrize("missing", sorted(SUBMITTED))
def test_one_missing_variable_is_no_submission(azml_home, monkeypatch, missing):
    """All seven stand around a submitted script."""
    for name in set(SUBMITTED) - {missing}:
        monkeypatch.setenv(name, SUBMITTED[name])
    assert Run.get_context().id.startswith("OfflineRun_")


def test_children_of_it_are_named_after_it(offline):
    """``<parent>.<guid>``, as in SDK v1."""
    child = offline.child_run("fold")
    assert child.id.startswith(f"{offline.id}.")
    assert (child.parent, child.name) == (offline, "fold")
    child.complete()


def test_many_threads_may_log_first(offline):
    """One of them brings the run forth; nobody's value is lost."""
    barrier = threading.Barrier(8)
    trouble = []

    def work(n):
        barrier.wait()
        try:
            offline.log("n", n)
        except Exception as error:  # noqa: BLE001 - any is a finding
            trouble.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trouble == []
    assert sorted(offline.get_metrics()["n"]) == list(range(8))


def test_a_refused_first_verb_may_be_tried_again(offline):
    """An archived experiment takes no run; reactivated it takes this one."""
    experiment = Experiment(offline.experiment.workspace, "mine")
    experiment.archive()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="archived"):
            offline.log("a", 1)
    experiment.reactivate()
    offline.log("a", 2)
    assert offline.get_metrics() == {"a": 2}


def test_it_ends_with_the_program(azml_home, tmp_path):
    """Completed at a clean end, called after the script, and announced once."""
    done = script("from azml_integrations.core import Run\nrun = Run.get_context()\nrun.log('a', 1)\n", tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "no config.json found" in done.stderr
    (run,) = runs("train")
    assert (run.status, run.get_metrics()) == ("Completed", {"a": 1})


def test_a_program_that_only_asks_leaves_nothing(azml_home, tmp_path):
    """Also when it crashes."""
    done = script("from azml_integrations.core import Run\nRun.get_context()\nraise ValueError('x')\n", tmp_path)
    assert "ValueError: x" in done.stderr
    assert list((azml_home / "default/runs").iterdir()) == []


def test_forked_children_may_log_first(azml_home, tmp_path):
    """One run for the family; it ends with the parent, though the parent logged nothing itself."""
    for last in ("", "run.log('n', 9)\n"):
        done = script(
            "import os\nfrom azml_integrations.core import Run\nrun = Run.get_context()\n"
            "for n in range(3):\n"
            "    if os.fork() == 0:\n        Run.get_context().log('n', n)\n        os._exit(0)\n"
            "    assert os.wait()[1] == 0\n"
            "    print(run.get_status())\n" + last,
            tmp_path,
            AZML_EXPERIMENT="parent-logs" if last else "parent-silent",
        )
        assert (done.returncode, done.stdout) == (0, "Running\n" * 3), done.stderr
    (silent,), (logging,) = runs("parent-silent"), runs("parent-logs")
    assert (silent.status, sorted(silent.get_metrics()["n"])) == ("Completed", [0, 1, 2])
    assert (logging.status, sorted(logging.get_metrics()["n"])) == ("Completed", [0, 1, 2, 9])


# -- workers that are not the first ------------------------------------------------------------------


def test_a_worker_that_is_not_the_first_is_silent(azml_home, monkeypatch, tmp_path):
    """`RANK` > 0: every verb is taken, nothing is stored, so four GPUs are not four runs."""
    monkeypatch.setenv("RANK", "1")
    for run in (Run.get_context(), implicit_run()):
        run.log("a", 1)
        run.tag("a", "b")
        run.upload_file("a", __file__)
        with run, run.child_run() as child:
            child.log("b", 2)
        assert run.get_metrics() == {}
        run.complete()
    assert list((azml_home / "default/runs").iterdir()) == []
    assert not (tmp_path / "outputs").exists()


def test_the_first_worker_speaks(azml_home, monkeypatch):
    """`RANK=0` is the one."""
    monkeypatch.setenv("RANK", "0")
    run = Run.get_context()
    run.log("a", 1)
    assert run.get_metrics() == {"a": 1}


# -- runs for adapters -------------------------------------------------------------------------------


def test_the_experiment_of_implicit_runs_is_known_before_there_is_one(azml_home, monkeypatch, tmp_path):
    """A logger tells its name without a folder being made."""
    monkeypatch.setenv("AZML_EXPERIMENT", "mine")
    experiment = implicit_experiment()
    assert experiment.name == "mine"
    assert not list(azml_home.glob("**/mine"))
    run = implicit_run()
    assert run.experiment == experiment
    run.complete()


def test_an_implicit_run_touches_nothing_of_the_users(azml_home, monkeypatch, tmp_path):
    """No ./outputs, nothing copied; the current run until it ends."""
    monkeypatch.setenv("AZML_EXPERIMENT", "auto")
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs/theirs.txt").write_text("theirs")
    run = implicit_run(name="Ridge.fit")
    assert (run.name, run.experiment.name, run.status) == ("Ridge.fit", "auto", "Running")
    assert current_run() is run
    assert Run.get_context() is run
    run.complete()
    assert current_run() is None
    assert run.get_file_names() == []


def test_several_processes_meet_in_a_run_whose_id_they_compute(azml_home):
    """Whoever comes second is told, and finds the run of the first; it need not be the current one."""
    run = implicit_run(name="study", run_id="study_1", current=False)
    assert current_run() is None
    with pytest.raises(RunExistsError):
        implicit_run(run_id="study_1")
    child = implicit_child(run, name="trial 0", run_id="study_1_0")
    with pytest.raises(RunExistsError):
        implicit_child(run, run_id="study_1_0")
    assert (child.id, child.name) == ("study_1_0", "study>trial 0")
    assert run.experiment.workspace.get_run("study_1") == run


def test_a_run_of_an_adapter_is_canceled_without_a_look_at_the_index(azml_home, monkeypatch):
    """A study cancels hundreds of trials; each is this process's own, so there is nothing to ask."""
    run = implicit_run()
    with monkeypatch.context() as patch:
        patch.setattr(Run, "get_status", lambda self: pytest.fail("asked"))
        run.cancel()
    assert run.get_status() == "Canceled"


def indexed(workspace) -> dict[str, tuple[str, bool]]:
    """What any SQL tool finds: status of each run, and whether readers may skip it."""
    with contextlib.closing(sqlite3.connect(index_path(workspace.root))) as db:
        return {
            run_id: (status, bool(done))
            for run_id, status, done in db.execute("SELECT run_id, status, settled FROM runs")
        }


def test_runs_that_nobody_asked_for_come_into_the_index_together(azml_home, monkeypatch):
    """The first at once, more of them in one go a little later; every reader sees all of them all the same."""
    monkeypatch.setattr(view, "PATIENCE", 60)
    monkeypatch.setattr(view, "ALLOWANCE", 60)
    ids = []
    for number in range(view.COMPANY + 3):
        run = implicit_run(name=f"fit {number}")
        run.log("mse", number)
        run.complete()
        ids.append(run.id)
        if number == 0:
            assert indexed(run.experiment.workspace) == {run.id: ("Completed", True)}
    found = indexed(run.experiment.workspace)
    assert found == dict.fromkeys(ids[: view.COMPANY + 1], ("Completed", True))
    other = Experiment(Workspace.from_config(), run.experiment.name)
    assert {seen.id: seen.get_metrics()["mse"] for seen in other.get_runs()} == dict(
        zip(ids, range(len(ids)), strict=True)
    )
    assert {*indexed(run.experiment.workspace).values()} == {("Completed", True)}


def test_a_program_leaves_no_run_behind_the_index(azml_home, tmp_path):
    """At its end all are there for any SQL tool, also one that the program left open."""
    done = script(
        "from azml_integrations import implicit_run\n"
        "for _ in range(5):\n"
        "    implicit_run().complete()\n"
        "implicit_run().log('x', 1)\n",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert [*indexed(Workspace.from_config()).values()] == [("Completed", True)] * 6


def test_one_that_somebody_else_wrote_to_is_looked_at_as_a_whole(azml_home):
    """A guest's points are there, and its open file keeps readers looking."""
    implicit_run().complete()
    run = implicit_run()
    guest = Run(Experiment(Workspace.from_config(), run.experiment.name), run.id)
    guest.log("x", 1)
    run.complete()
    run.experiment.workspace.view.settle_ended()
    assert indexed(run.experiment.workspace)[run.id] == ("Completed", False)
    assert run.get_metrics() == {"x": 1}


def test_a_run_whose_end_could_not_be_stored_is_not_settled(azml_home, monkeypatch):
    """Its end is not in the journal, so readers go on asking whether its process lives."""
    implicit_run().complete()
    run = implicit_run()
    run._on_error = "warn"
    monkeypatch.setattr(
        run._journal, "append", lambda _: (_ for _ in ()).throw(StoreError("disk", OSError(28, "full")))
    )
    with pytest.warns(StoreWarning):
        run.complete()
    run.experiment.workspace.view.settle_ended()
    assert indexed(run.experiment.workspace)[run.id] == ("Running", False)
    assert run.get_status() == "Failed"


def test_the_index_gets_no_more_time_than_any_verb_may_spend(azml_home, monkeypatch):
    """What is not folded by then, the points of a long training say, is left to readers."""
    monkeypatch.setattr(view, "_TOGETHER", 1)
    monkeypatch.setattr(view, "ALLOWANCE", 0.001)
    run = implicit_run()
    for step in range(20_000):
        run.log("loss", step)
    run.complete()
    assert not indexed(run.experiment.workspace).get(run.id, ("", False))[1]
    assert len(run.get_metrics()["loss"]) == 20_000


def test_an_implicit_child_is_a_child_like_any_other(azml_home):
    """Named after its parent; no current run, and its own end."""
    parent = implicit_run(name="mine")
    child = implicit_child(parent, name="Ridge")
    assert current_run() is parent
    child.complete()
    assert [found.id for found in parent.get_children()] == [child.id]
    assert (child.name, child.get_status(), parent.get_status()) == ("mine>Ridge", "Completed", "Running")


def test_there_is_no_current_run_until_somebody_begins_one(azml_home):
    """An adapter asks before it begins its own."""
    assert current_run() is None
    mine = Run.get_context()
    assert current_run() is mine
    process.forget()
    assert current_run() is None


# -- inside a submission -----------------------------------------------------------------------------


@pytest.fixture
def submitted(azml_home, monkeypatch):
    """Stand in the process of a script that somebody submitted."""
    workspace = Workspace("sub", "group", "theirs")
    Experiment(workspace, "sweep").start_logging(run_id="submitted-1", outputs=False)
    process.forget()
    for name, value in SUBMITTED.items():
        monkeypatch.setenv(name, value)
    process._submitted_run.cache_clear()
    yield Run.get_context()
    process._submitted_run.cache_clear()


def test_the_submissions_run_is_the_context(submitted):
    """One handle, with allow_offline or without."""
    assert (submitted.id, submitted.experiment.name) == ("submitted-1", "sweep")
    assert submitted.experiment.workspace.name == "theirs"
    assert submitted.experiment.workspace.subscription_id == "sub"
    assert Run.get_context(allow_offline=False) is submitted
    assert Run.get_submitted_run() is submitted
    assert current_run() is submitted
    assert not isinstance(submitted, run_module._OfflineRun)


def test_a_script_registers_what_it_has_just_written(submitted):
    """Whoever submitted it collects ``./outputs`` at the end only; nothing else of the folder is touched before."""
    Path("outputs").mkdir()
    Path("outputs/model.pkl").write_bytes(b"weights")
    Path("outputs/other.pkl").write_bytes(b"half writ")
    model = submitted.register_model("ridge", "outputs/model.pkl")
    assert Path(model.path).read_bytes() == b"weights"
    assert submitted.get_file_names() == ["outputs/model.pkl"]


def test_a_script_logs_into_it(submitted):
    """As into any run."""
    submitted.log("loss", 0.5)
    assert submitted.get_metrics() == {"loss": 0.5}
    assert submitted.parent is None


def test_its_status_is_the_runners(submitted):
    """`complete` sets none, `cancel` warns, `fail` tells why; the exit code decides."""
    submitted.complete()
    with pytest.warns(AzmlWarning, match=r"sys\.exit"):
        submitted.cancel()
    submitted.fail("out of luck")
    assert submitted.status == "Running"
    assert submitted.get_details()["error"]["error"]["message"] == "out of luck"
    submitted.log("still", "open")


def test_a_with_block_around_it_ends_nothing(submitted):
    """An exception is recorded and propagates; the status stays the runner's."""
    with submitted as run:
        assert run is submitted
    with pytest.raises(ValueError, match="theirs"), submitted:
        raise ValueError("theirs")
    assert submitted.status == "Running"
    assert "User program failed with ValueError: theirs" in submitted.get_details()["error"]["error"]["message"]


def test_its_datasets_come_from_the_environment(submitted, monkeypatch):
    """``name:mode`` in one variable, the paths in others."""
    assert (submitted.input_datasets, submitted.output_datasets) == ({}, {})
    monkeypatch.setenv("AZUREML_DATASET_ENVIRONMENT_VARS", "train:mount,test:download")
    monkeypatch.setenv("train", "/data/train")
    monkeypatch.setenv("test", "/data/test")
    assert submitted.input_datasets == {"train": "/data/train", "test": "/data/test"}


def test_a_handed_down_workspace_is_used(azml_home, monkeypatch, tmp_path):
    """`AZML_WORKSPACE` says where the runs lie, whatever the names say."""
    monkeypatch.setenv("AZML_WORKSPACE", str(tmp_path / "elsewhere"))
    for name, value in SUBMITTED.items():
        monkeypatch.setenv(name, value)
    process._submitted_run.cache_clear()
    assert Run.get_context().experiment.workspace.root == tmp_path / "elsewhere"
    process._submitted_run.cache_clear()
