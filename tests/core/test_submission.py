"""A script and its folder go in, a run comes out; what cannot be run is one clear error and leaves no run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from queues import eventually

from azml_integrations.core import Environment, Model, Run, ScriptRunConfig
from azml_integrations.core.script_run import ScriptRun
from azml_integrations.errors import (
    ActivityFailedException,
    ExperimentStateError,
    RunExistsError,
    UserErrorException,
)
from azml_integrations.launch import channel

TRAIN = """
import argparse
import mylib
from azml_integrations import Run

parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float)
alpha = parser.parse_args().alpha
run = Run.get_context()
run.log("alpha", alpha)
run.log("mse", mylib.mse(alpha))
print("alpha is", alpha)
"""


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text(TRAIN)
    (folder / "mylib.py").write_text("def mse(alpha):\n    return (alpha - 1) ** 2\n")
    (folder / ".env").write_text("PASSWORD=x")
    return folder


@pytest.fixture
def config(project):
    environment = Environment("user-managed")
    environment.python.user_managed_dependencies = True
    return ScriptRunConfig(str(project), "train.py", arguments=["--alpha", 0.5], environment=environment)


def test_a_script_with_its_library(experiment, queue, config):
    """The classic: a folder, a script in it, a module beside it, arguments, metrics read back."""
    run = experiment.submit(config, tags={"kind": "first"})
    assert isinstance(run, ScriptRun)
    assert run.id.startswith("trials_")
    details = run.wait_for_completion()
    assert details["status"] == "Completed"
    assert details["runDefinition"]["arguments"] == ["--alpha", "0.5"]
    assert run.get_metrics() == {"alpha": 0.5, "mse": 0.25}
    assert run.tags == {"kind": "first"}
    assert run.type == "azureml.scriptrun"
    assert run.properties["ContentSnapshotId"] == run.get_snapshot_id()
    assert run.get_environment().python.user_managed_dependencies is True
    (warning,) = details["warnings"]
    assert warning["message"] == "left out of the snapshot: .env (it may hold secrets)"


def test_the_classic_name_of_the_log_answers_too(experiment, queue, config, tmp_path):
    run = experiment.submit(config)
    run.wait_for_completion()
    run.download_file("azureml-logs/70_driver_log.txt", tmp_path / "log.txt")
    assert (tmp_path / "log.txt").read_text() == "alpha is 0.5\n"


def test_a_config_may_be_changed_and_submitted_again(experiment, queue, config):
    """In a loop over arguments, as notebooks do it."""
    runs = []
    for alpha in (0.1, 0.2, 0.3):
        config.arguments = ["--alpha", alpha]
        runs.append(experiment.submit(config))
    assert [run.wait_for_completion() and run.get_metrics("alpha") for run in runs] == [
        {"alpha": 0.1},
        {"alpha": 0.2},
        {"alpha": 0.3},
    ]
    assert len({run.get_snapshot_id() for run in runs}) == 1


def test_what_is_changed_after_submitting_does_not_reach_the_run(experiment, queue, config, project):
    queue.choose_slots(1)
    blocking = experiment.submit(ScriptRunConfig(str(project), command="sleep 0.5"))
    run = experiment.submit(config)
    (project / "mylib.py").write_text("def mse(alpha):\n    return 99\n")
    config.arguments = ["--alpha", "7"]
    blocking.wait_for_completion()
    run.wait_for_completion()
    assert run.get_metrics()["mse"] == 0.25


def test_the_output_is_streamed_in_sdk_v1s_frame(experiment, queue, config, capsys):
    run = experiment.submit(config)
    run.wait_for_completion(show_output=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"RunId: {run.id}"
    assert lines[1].startswith("Web View: ")
    assert lines[2:7] == [
        "",
        "Streaming user_logs/std_log.txt",
        "===============================",
        "",
        "alpha is 0.5",
    ]
    assert lines[7:11] == ["", "Execution Summary", "=================", f"RunId: {run.id}"]


def test_submit_may_show_the_output(experiment, queue, config, capsys):
    """As the old documentation has it; a failure is told, and does not raise."""
    config.arguments = ["--alpha", "none"]
    run = experiment.submit(config, show_output=True)
    assert run.get_status() == "Failed"
    assert "invalid float value" in capsys.readouterr().out
    with pytest.raises(ActivityFailedException, match="exit code 2"):
        run.wait_for_completion()


def test_the_parting_words_of_a_script_are_in_its_error(experiment, queue, project):
    """`sys.exit("no such column")` says why, as an exception would."""
    (project / "train.py").write_text("import sys; sys.exit('no such column: é')")
    run = experiment.submit(ScriptRunConfig(str(project), "train.py"))
    error = run.wait_for_completion(raise_on_error=False)["error"]["error"]
    assert (error["code"], error["message"]) == ("ExitCode", "the script ended with exit code 1: no such column: é")


def test_mlflow_is_not_sent_to_a_run_that_its_store_has_not(experiment, queue, project):
    """`mlflow.start_run()` raises where MLFLOW_RUN_ID names a run that nobody made there: its runs are its own."""
    (project / "train.py").write_text("import os; print([name for name in os.environ if name.startswith('MLFLOW')])")
    run = experiment.submit(ScriptRunConfig(str(project), "train.py"))
    run.wait_for_completion()
    assert "[]" in next(iter(run.get_details_with_logs()["logFiles"].values()))


def test_the_environments_variables_reach_the_script(experiment, queue, project, monkeypatch):
    monkeypatch.setenv("FROM_HERE", "here")
    (project / "train.py").write_text(
        "import os; print(os.environ['FROM_HERE'], os.environ['MINE'], os.environ['MY_TOKEN'])"
    )
    environment = Environment("with-variables")
    environment.environment_variables = {"MINE": "mine", "MY_TOKEN": "hidden-value"}
    run = experiment.submit(ScriptRunConfig(str(project), "train.py", environment=environment))
    details = run.wait_for_completion()
    log = (experiment.workspace.view.folder(run.id) / "user_logs/std_log.txt").read_text()
    assert log == "here mine hidden-value\n"
    assert details["runDefinition"]["environment"]["environmentVariables"] == {"MINE": "mine", "MY_TOKEN": "***"}


def test_secret_arguments_are_not_in_the_definition(experiment, queue, project):
    (project / "train.py").write_text("import sys; print(sys.argv[1:])")
    run = experiment.submit(ScriptRunConfig(str(project), "train.py", arguments=["--api-key", "k-123", "--alpha", 1]))
    details = run.wait_for_completion()
    assert details["runDefinition"]["arguments"] == ["--api-key", "***", "--alpha", "1"]
    folder = experiment.workspace.view.folder(run.id)
    assert "k-123" in (folder / "user_logs/std_log.txt").read_text()  # the script has printed it itself
    eventually(queue.empty)  # a ticket holds the command line, and goes after the run
    held = [path for path in experiment.workspace.root.rglob("*") if path.is_file() and b"k-123" in path.read_bytes()]
    assert [path.name for path in held] == ["std_log.txt"]


def test_autolog_in_a_submitted_script_logs_into_that_run(experiment, queue, project):
    """There is one run, the submitted one."""
    (project / "train.py").write_text(
        "import azml_integrations\n"
        "azml_integrations.autolog(silent=True)\n"
        "from azml_integrations import current_run\n"
        "current_run().log('mse', 1.0)\n"
    )
    run = experiment.submit(ScriptRunConfig(str(project), "train.py"))
    run.wait_for_completion()
    assert [one.id for one in experiment.get_runs(include_children=True)] == [run.id]
    assert run.get_metrics() == {"mse": 1.0}


def test_a_submitted_script_registers_its_model(experiment, queue, project):
    """Right after it was written, and again from outside when the run is over."""
    (project / "train.py").write_text(
        "from azml_integrations import Run\n"
        "run = Run.get_context()\n"
        "open('outputs/model.pkl', 'w').write('weights')\n"
        "print(run.register_model('ridge', 'outputs/model.pkl', tags={'by': 'script'}).id)\n"
    )
    run = experiment.submit(ScriptRunConfig(str(project), "train.py"))
    run.wait_for_completion()
    again = run.register_model("ridge", "outputs/model.pkl")
    assert [model.version for model in Model.list(experiment.workspace, run_id=run.id)] == [2, 1]
    assert (
        Path(again.path).read_text()
        == Path(Model(experiment.workspace, "ridge", version=1).path).read_text()
        == "weights"
    )
    assert [name for name in run.get_file_names() if name.startswith("outputs")] == ["outputs/model.pkl"]


def test_a_child_is_submitted_from_within(experiment, queue, project):
    """A submitted script submits another one as its child, which gets its own environment."""
    (project / "train.py").write_text(
        "from azml_integrations.core import Run, ScriptRunConfig\n"
        "run = Run.get_context()\n"
        "child = run.submit_child(ScriptRunConfig('.', 'child.py'))\n"
        "print(child.wait_for_completion()['status'])\n"
    )
    (project / "child.py").write_text("from azml_integrations import Run\nRun.get_context().log('in_child', 1)\n")
    run = experiment.submit(ScriptRunConfig(str(project), "train.py"))
    run.wait_for_completion()
    (child,) = run.get_children()
    assert child.get_metrics() == {"in_child": 1}
    assert child.parent.id == run.id
    assert run.get_metrics() == {}


def test_what_waits_and_runs_on_a_target(experiment, queue, project):
    queue.choose_slots(1)
    first = experiment.submit(ScriptRunConfig(str(project), command="sleep 60"))
    second = experiment.submit(ScriptRunConfig(str(project), command="sleep 60"))
    eventually(lambda: first.get_status() == "Running")

    class Target:
        name, workspace = "local", experiment.workspace

    assert {run.id for run in Run.list_by_compute(Target)} == {first.id, second.id}
    assert [run.id for run in Run.list_by_compute(Target, status="Queued")] == [second.id]
    with pytest.raises(UserErrorException, match="got 'Completed'"):
        list(Run.list_by_compute(Target, status="Completed"))


# -- what cannot be run ------------------------------------------------------------------------------


def bad(project, **changes):
    words = {"source_directory": str(project), "script": "train.py"} | changes
    return ScriptRunConfig(**words)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"script": "trian.py"}, "trian.py"),
        ({"script": "../secret.py"}, "secret.py"),
        ({"source_directory": "nowhere"}, "nowhere"),
        ({"arguments": "--alpha 0.1"}, "list"),
    ],
)
def test_what_cannot_be_run_leaves_no_run(experiment, queue, project, changes, said):
    with pytest.raises(UserErrorException, match=said):
        experiment.submit(bad(project, **changes))
    assert list(experiment.get_runs()) == []
    assert queue.empty()


def test_an_archived_experiment_takes_no_script(experiment, queue, config):
    experiment.archive()
    with pytest.raises(ExperimentStateError, match="archived"):
        experiment.submit(config)
    assert queue.empty()


def test_an_id_that_is_taken(experiment, queue, config):
    experiment.submit(config, run_id="mine").wait_for_completion()
    with pytest.raises(RunExistsError):
        experiment.submit(config, run_id="mine")
    eventually(queue.empty)
    assert Run(experiment, "mine").get_status() == "Completed"


# -- deaths ------------------------------------------------------------------------------------------


SWEEP = """
import sys
from azml_integrations.core import Experiment, ScriptRunConfig, Workspace
experiment = Experiment(Workspace._at(__import__("pathlib").Path({root!r})), "trials")
for n in range(20):
    experiment.submit(ScriptRunConfig({project!r}, "train.py", arguments=["--alpha", n / 10]))
    print(n, flush=True)
"""


def test_a_submitter_killed_in_the_middle_leaves_whole_runs_only(experiment, queue, project):
    """What it has submitted runs to its end; nothing is left half submitted, and nothing Running."""
    text = SWEEP.format(root=str(experiment.workspace.root), project=str(project))
    process = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True, start_new_session=True)
    for line in process.stdout:
        if line.strip() == "7":
            os.killpg(process.pid, signal.SIGKILL)
            break
    process.communicate()
    eventually(queue.empty)
    for partial in queue.folder.glob("*.partial"):
        os.utime(partial, (0, 0))
    runs = list(experiment.get_runs())
    assert len(runs) >= 8
    done = [run.wait_for_completion(raise_on_error=False)["status"] for run in runs if run.get_status() != "Queued"]
    assert done.count("Completed") >= 8


def test_a_launcher_that_was_killed_is_followed_by_whoever_waits(experiment, queue, config):
    run = experiment.submit(config)
    eventually(lambda: channel.launcher(queue) is not None)
    os.kill(channel.launcher(queue), signal.SIGKILL)
    assert run.wait_for_completion()["status"] == "Completed"


def test_a_working_copy_is_gone_when_the_run_has_ended(experiment, queue, config):
    run = experiment.submit(config)
    run.wait_for_completion()
    eventually(lambda: not (experiment.workspace.root / "work" / run.id).exists(), 5)


def test_a_ticket_is_readable_to_its_user_only(experiment, queue, project):
    """It holds the command line and the environment while the run waits."""
    queue.choose_slots(1)
    for _ in range(2):
        experiment.submit(ScriptRunConfig(str(project), command="sleep 60"))
    place = queue.waiting()[-1]
    assert place.path.stat().st_mode & 0o077 == 0
    assert time.time() - place.ticket.at < 60
