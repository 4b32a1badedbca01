"""Whole sweeps: real scripts, a real queue, and deaths at every moment."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from queues import eventually

from azml_integrations import journal
from azml_integrations.core import Dataset, OutputFileDatasetConfig, Run, ScriptRunConfig
from azml_integrations.core.script_run import ScriptRun
from azml_integrations.errors import ActivityFailedException, AzmlWarning, UserErrorException
from azml_integrations.launch import channel
from azml_integrations.records import Cursor, StatusChanged
from azml_integrations.sweeps import (
    BanditPolicy,
    BayesianParameterSampling,
    GridParameterSampling,
    HyperDriveRun,
    RandomParameterSampling,
    choice,
    submission,
    uniform,
)
from azml_integrations.sweeps.ground import alone

ALPHAS = [round(0.05 * n, 2) for n in range(1, 21)]


def ids(run, count):
    return [f"{run.id}_{number}" for number in range(count)]


def log_of(run):
    return (run._folder / "azureml-logs/hyperdrive.txt").read_text()


def spans(run):
    """Return from when to when each child was Running or about to be, from their journals."""
    found = []
    for child in run.get_children():
        events = [
            event
            for path in journal.files(child._folder)
            for batch in journal.read(path, Cursor())
            for event in batch.events
            if isinstance(event, StatusChanged)
        ]
        moments = {str(event.status): event.at for event in events}
        found.append((moments["Queued"], max(moments.values())))
    return found


def most_at_once(found):
    return max(sum(begin <= moment < end for begin, end in found) for moment, _ in found)


def test_twenty_alphas_four_at_a_time(queue, experiment, config, started):
    """The classic sweep: every alpha once, the best found, everything where SDK v1's users look for it."""
    run = experiment.submit(config(ALPHAS, "--steps", 2), tags={"mine": "yes"})
    assert type(run) is HyperDriveRun
    assert run.id.startswith("HD_")
    assert run.wait_for_completion()["status"] == "Completed"

    assert sorted(started()) == sorted(ids(run, 20))
    assert most_at_once(spans(run)) <= 4
    children = list(run.get_children())
    assert {child.id for child in children} == set(ids(run, 20))
    assert {(child.type, child.get_status(), type(child)) for child in children} == {
        ("azureml.scriptrun", "Completed", ScriptRun)
    }
    assert all(child.parent == run for child in children)

    best = run.get_best_run_by_primary_metric()
    assert best.id == f"{run.id}_9"
    assert best.get_details()["runDefinition"]["arguments"] == ["--steps", "2", "--alpha", "0.5"]
    assert best.get_properties()["param.--alpha"] == "0.5"
    assert run.get_metrics()[best.id] == {"mse": [0.01, 0.01]}
    assert run.get_children_sorted_by_primary_metric(top=1) == [
        {
            "run_id": best.id,
            "hyperparameters": '{"--alpha": 0.5}',
            "best_primary_metric": 0.01,
            "status": "Completed",
        }
    ]
    told = run.get_properties()
    assert (told["best_child_run_id"], told["score"]) == (best.id, "0.01")
    assert told["primary_metric_config"] == '{"name": "mse", "goal": "minimize"}'
    assert told["ContentSnapshotId"] == best.get_properties()["ContentSnapshotId"]
    assert run.tags["mine"] == "yes"
    assert run.tags["max_concurrent_jobs"] == "4"
    assert list(Run.get(experiment.workspace, run.id).get_details()["logFiles"]) == ["azureml-logs/hyperdrive.txt"]
    assert f"best: {best.id} with mse 0.01" in log_of(run)
    improved = Run(experiment, run.id).metric_points("best_mse")
    assert [point.step for point in improved][-1] == 9
    assert [point.value for point in improved] == sorted((point.value for point in improved), reverse=True)

    config_again = run.hyperdrive_config
    assert config_again.max_total_runs == 100
    assert config_again.run_config.script == "train.py"
    assert config_again.run_config.arguments == ["--steps", "2"]


def test_a_bandit_really_stops_some(queue, experiment, config):
    """Children far from the best are Canceled while they run, and say why; the good ones run to their end."""
    policy = BanditPolicy(evaluation_interval=1, slack_amount=0.05, delay_evaluation=2)
    run = experiment.submit(config([0.5, 0.6, 3.0, 4.0, 5.0], "--steps", 40, "--pause", 0.1, policy=policy))
    run.wait_for_completion()
    ended = {child.id: child for child in run.get_children()}
    statuses = [ended[name].get_status() for name in ids(run, 5)]
    assert statuses == ["Completed", "Completed", "Canceled", "Canceled", "Canceled"]
    stopped = ended[f"{run.id}_3"]
    assert 2 <= len(stopped.get_metrics()["mse"]) < 40
    assert stopped.tags["early_termination"].startswith("its best value at interval")
    assert [note.message for note in stopped._record().notes if note.source == "sweep"] == [
        stopped.tags["early_termination"]
    ]
    assert run.get_status() == "Completed"
    assert "child 3 is stopped: its best value at interval" in log_of(run)


def test_the_submitter_is_killed(queue, workspace, experiment, config, started, tmp_path):
    """The process that submitted the sweep is gone; the sweep goes on."""
    config([0.5])  # writes the script
    program = f"""
        import time
        from azml_integrations.core import Experiment, Workspace
        from azml_integrations.core.script_run_config import ScriptRunConfig
        from azml_integrations.sweeps import *
        script = ScriptRunConfig({str(tmp_path / "source")!r}, "train.py", arguments=["--steps", 2, "--pause", 0.1])
        sweep = GridParameterSampling({{"--alpha": choice({ALPHAS[:8]})}})
        goal = PrimaryMetricGoal.MINIMIZE
        config = HyperDriveConfig(sweep, "mse", goal, 20, 4, run_config=script, custom_run_id="HD_orphan")
        Experiment(Workspace.get("test"), "trials").submit(config)
        time.sleep(60)
    """
    submitter = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], start_new_session=True)
    eventually(lambda: len(started()) >= 2)
    os.killpg(submitter.pid, signal.SIGKILL)
    submitter.wait()
    run = workspace.get_run("HD_orphan")
    assert run.wait_for_completion()["status"] == "Completed"
    assert sorted(started()) == sorted(ids(run, 8))
    assert run.get_best_run_by_primary_metric().id in ids(run, 8)


@pytest.mark.parametrize("kind", ["grid", "random"])
def test_the_controller_is_killed_and_resumed(queue, experiment, config, started, kill_for_good, workspace, kind):
    """Its children go on; begun again, it starts none of them twice, and misses none."""
    sampling = (
        {"hyperparameter_sampling": RandomParameterSampling({"--alpha": uniform(0, 1)})} if kind == "random" else {}
    )
    run = experiment.submit(config(ALPHAS[:8], "--steps", 3, "--pause", 0.2, max_total_runs=8, **sampling))
    eventually(lambda: len(started()) >= 3)
    kill_for_good(run)
    with pytest.raises(ActivityFailedException, match="SIGKILL"):
        run.wait_for_completion()
    submission.resume(run)
    assert run.wait_for_completion()["status"] == "Completed"
    assert sorted(started()) == sorted(ids(run, 8))
    assert {child.get_status() for child in run.get_children()} == {"Completed"}
    assert "goes on after" in log_of(run)
    if kind == "random":
        expected = [run.hyperdrive_config.hyperparameter_sampling.draw(n, run.id, None) for n in range(8)]
        assert [eval(text) for text in run.get_hyperparameters().values()] == expected
    with pytest.raises(UserErrorException, match="has completed"):
        submission.resume(run)


def test_the_controller_is_killed(queue, experiment, config, started, kill_run):
    """The launcher begins it again, and it goes on: no child twice, none lost, and the sweep never looks Failed."""
    run = experiment.submit(config(ALPHAS[:8], "--steps", 3, "--pause", 0.2))
    for count in (2, 5):
        eventually(lambda count=count: len(started()) >= count)
        kill_run(run.id)
    assert run.wait_for_completion()["status"] == "Completed"
    assert sorted(started()) == sorted(ids(run, 8))
    assert {child.get_status() for child in run.get_children()} == {"Completed"}
    (first, second) = [note.message for note in run._record().notes if note.source == "launcher"]
    assert first == second
    assert first.startswith("the script was ended by SIGKILL")
    assert first.endswith("it is started again")


def test_the_launcher_is_killed(queue, experiment, config, started):
    """The controller lives on and calls another one; no child runs twice, none is lost."""
    run = experiment.submit(config(ALPHAS[:8], "--steps", 3, "--pause", 0.2))
    eventually(lambda: len(started()) >= 3)
    os.kill(channel.launcher(queue), signal.SIGKILL)
    assert run.wait_for_completion()["status"] == "Completed"
    assert sorted(started()) == sorted(ids(run, 8))
    assert {child.get_status() for child in run.get_children()} == {"Completed"}


def test_launcher_and_controller_are_killed(queue, experiment, config, started, kill_run):
    """As a machine that loses its power would: what has not started yet starts, once, when the sweep is resumed."""
    run = experiment.submit(config(ALPHAS[:8], "--steps", 3, "--pause", 0.3))
    eventually(lambda: len(started()) >= 3)
    os.kill(channel.launcher(queue), signal.SIGKILL)
    kill_run(run.id)
    eventually(lambda: run.get_status() == "Failed")
    submission.resume(run)
    assert run.wait_for_completion()["status"] == "Completed"
    assert sorted(started()) == sorted(ids(run, 8))
    assert {child.get_status() for child in run.get_children()} == {"Completed"}


def test_a_sweep_that_runs_is_not_resumed(queue, experiment, config, started, monkeypatch):
    """Two controllers would begin children twice."""
    run = experiment.submit(config([0.5], "--steps", 100, "--pause", 0.1))
    eventually(lambda: len(started()) == 1)
    with pytest.raises(UserErrorException, match="is Running, so there is nothing to resume"):
        submission.resume(run)


def test_a_canceled_sweep_is_taken_up_again(queue, experiment, config, started):
    """The children that were canceled stay so; the others begin."""
    run = experiment.submit(config(ALPHAS[:5], "--steps", 3, "--pause", 0.3, concurrent=2))
    eventually(lambda: len(started()) >= 2)
    run.cancel()
    assert run.wait_for_completion()["status"] == "Canceled"
    eventually(lambda: all(child.get_status() == "Canceled" for child in run.get_children()))
    submission.resume(run)
    assert run.wait_for_completion()["status"] == "Completed"
    assert sorted(started()) == ids(run, 5)
    statuses = [Run(experiment, name).get_status() for name in ids(run, 5)]
    assert statuses == ["Canceled"] * 2 + ["Completed"] * 3


def test_a_controller_is_told_to_end_without_a_cancel(queue, experiment, config, started):
    """A machine that shuts down ends all processes: nothing of the sweep is canceled, and it can be resumed."""
    from azml_integrations.launch import processes

    run = experiment.submit(config(ALPHAS[:6], "--steps", 3, "--pause", 0.2))
    eventually(lambda: len(started()) >= 2)
    for pid in processes.members(run.id):
        os.kill(pid, signal.SIGTERM)
    with pytest.raises(ActivityFailedException, match="143"):
        run.wait_for_completion()
    assert "azml sweep resume" in log_of(run)
    submission.resume(run)
    assert run.wait_for_completion()["status"] == "Completed"
    assert {child.get_status() for child in run.get_children()} == {"Completed"}


@pytest.mark.parametrize("half", ["folder alone", "without a ticket", "failed by the launcher"])
def test_a_half_made_child_is_made_anew(queue, experiment, workspace, config, started, kill_for_good, half):
    """A controller that dies within the beginning of a child leaves one that never stood in the queue."""
    from azml_integrations.records import ErrorInfo, RunCreated

    run = experiment.submit(config([0.1, 0.2, 0.3], "--pause", 3, concurrent=1))
    eventually(lambda: len(started()) == 1)
    kill_for_good(run)
    with pytest.raises(ActivityFailedException):
        run.wait_for_completion()
    workspace._claim_folder(f"{run.id}_1")
    if half != "folder alone":
        torn = Run._handle(experiment, f"{run.id}_1")
        torn._append(RunCreated(torn.id, "trials", 99, time.time(), parent_id=run.id, type="azureml.scriptrun"))
        torn._append(StatusChanged("Queued", time.time()))
        if half == "failed by the launcher":
            torn._append(StatusChanged("Failed", time.time(), ErrorInfo("it died", "SubmitterDied")))
        torn._journal.close()
    submission.resume(run)
    assert run.wait_for_completion()["status"] == "Completed"
    assert sorted(started()) == ids(run, 3)
    assert [child["status"] for child in run.get_children_sorted_by_primary_metric()] == ["Completed"] * 3


def test_canceling_the_sweep_cancels_its_children(queue, experiment, config, started):
    """Those that run and those that wait; none begins afterwards; and it can be taken up again."""
    run = experiment.submit(config(ALPHAS, "--steps", 100, "--pause", 0.1, concurrent=6))
    eventually(lambda: len(started()) >= 4)
    assert run.cancel() is True
    assert run.wait_for_completion()["status"] == "Canceled"
    eventually(lambda: all(child.get_status() == "Canceled" for child in run.get_children()))
    assert len(list(run.get_children())) == 6
    assert len(started()) == 4
    assert run.cancel() is False


def test_a_sweep_that_waits_is_canceled(queue, experiment, config):
    """Before its controller has started: nothing ever begins."""
    queue.choose_slots(1)
    run = experiment.submit(config(ALPHAS, "--steps", 100, "--pause", 0.1))
    assert run.cancel() is True
    assert run.wait_for_completion()["status"] == "Canceled"


def test_children_that_fail_are_counted(queue, experiment, config):
    """The sweep goes on and completes."""
    run = experiment.submit(config([-1.0, 0.5, -2.0]))
    assert run.wait_for_completion()["status"] == "Completed"
    assert [child["status"] for child in run.get_children_sorted_by_primary_metric()] == [
        *("Completed", "Failed", "Failed")
    ]
    assert run.get_best_run_by_primary_metric(include_failed=False).id == f"{run.id}_1"


def test_a_sweep_whose_children_all_fail_has_failed(queue, experiment, config):
    """Its error names the first of them, and why."""
    run = experiment.submit(config([-1.0, -2.0]))
    with pytest.raises(ActivityFailedException, match=r"all 2 children failed; the first, .*: alpha is negative"):
        run.wait_for_completion()


def test_a_primary_metric_that_nobody_logs_is_told(queue, experiment, config):
    """In the sweep's own notes at its end, and when the best run is asked for."""
    run = experiment.submit(config([0.5], primary_metric_name="MSE"))
    run.wait_for_completion()
    with pytest.warns(AzmlWarning, match="has logged its primary metric 'MSE'; they logged 'mse'"):
        assert run.get_best_run_by_primary_metric() is None
    (note,) = [note for note in run._record().notes if note.source == "sweep"]
    assert note.message == "no child has logged the primary metric 'MSE'; they logged 'mse'"


def test_secrets_reach_children_and_no_disk(queue, experiment, script, config, monkeypatch):
    """A token of the submitting process is in the children's environment, and in no file of the workspace."""
    monkeypatch.setenv("MY_API_TOKEN", "tell-nobody-4711")
    text = """
        import os, sys
        from azml_integrations.core import Run
        Run.get_context().log("mse", float(len(os.environ["MY_API_TOKEN"])))
    """
    run = experiment.submit(config([0.5], run_config=script(text=text)))
    run.wait_for_completion()
    assert run.get_metrics() == {f"{run.id}_0": {"mse": 16.0}}
    for path in experiment.workspace.root.rglob("*"):
        if path.is_file():
            assert b"tell-nobody-4711" not in path.read_bytes(), path
    assert (run._folder / submission.TEMPLATE).stat().st_mode & 0o077 == 0


def test_the_source_is_that_of_the_submission(queue, experiment, script, config, tmp_path):
    """Editing the script while the sweep goes on changes nothing."""
    made = config([0.1, 0.2, 0.3], "--pause", 0.3, concurrent=1)
    run = experiment.submit(made)
    (tmp_path / "source" / "train.py").write_text("raise SystemExit(3)")
    assert run.wait_for_completion()["status"] == "Completed"
    assert {child.get_status() for child in run.get_children()} == {"Completed"}


def test_data_reach_every_child(queue, experiment, workspace, script, config, tmp_path, started, kill_for_good):
    """An input is there for each, also in a second life of the controller; each has an output of its own."""
    (tmp_path / "ages.csv").write_text("age\n31\n")
    ages = Dataset.File.from_files(tmp_path / "ages.csv").as_named_input("ages").as_mount()
    output = OutputFileDatasetConfig("found").register_on_complete("found")
    text = """
        import os, pathlib, sys, time
        from azml_integrations.core import Run
        run = Run.get_context()
        given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
        ages = pathlib.Path(given["--ages"])
        pathlib.Path(given["--found"], "id.txt").write_text(run.id)
        with open(STARTED, "a") as file:
            file.write(f"{run.id}\\n")
        time.sleep(0.5)
        run.log("mse", len(ages.read_text()) + float(given["--alpha"]))
    """
    script = script("--ages", ages, "--found", output, text=text)
    run = experiment.submit(config([0.5, 1.5, 2.5], run_config=script, concurrent=1))
    eventually(lambda: len(started()) == 1)
    kill_for_good(run)
    run.wait_for_completion(raise_on_error=False)
    submission.resume(run)
    assert run.wait_for_completion()["status"] == "Completed"
    assert run.get_metrics() == {name: {"mse": 7.5 + number} for number, name in enumerate(ids(run, 3))}
    versions = [Dataset.get_by_name(workspace, "found", version=n) for n in (1, 2, 3)]
    texts = sorted(Path(one.download(str(tmp_path / f"got-{n}"))[0]).read_text() for n, one in enumerate(versions))
    assert texts == ids(run, 3)
    assert list((workspace.root / "inputs").iterdir()) == []
    assert "azml.input_datasets" in Run(experiment, f"{run.id}_2").get_properties()


def test_a_command_gets_its_hyperparameters(queue, experiment, config, tmp_path):
    """Behind the line for the shell, each as one word."""
    (tmp_path / "source").mkdir()
    line = f"{sys.executable} -c 'import sys; print(sys.argv[1:])' --fixed 1"
    command = ScriptRunConfig(str(tmp_path / "source"), command=line)
    sampling = GridParameterSampling({"--name": choice("two words", "$HOME")})
    run = experiment.submit(config([], hyperparameter_sampling=sampling, run_config=command))
    run.wait_for_completion()
    logs = [(Run(experiment, name)._folder / "user_logs/std_log.txt").read_text() for name in ids(run, 2)]
    assert logs == ["['--fixed', '1', '--name', 'two words']\n", "['--fixed', '1', '--name', '$HOME']\n"]


def test_one_controller_at_a_time(experiment, run):
    """A second one waits for the first to end."""
    (run._folder / "about").mkdir(exist_ok=True)
    first, order = alone(run._folder), []

    def come_second():
        fd = alone(run._folder)
        order.append("second")
        os.close(fd)

    second = threading.Thread(target=come_second)
    second.start()
    second.join(0.3)
    order.append("first")
    os.close(first)
    second.join(10)
    assert order == ["first", "second"]


def test_max_duration_ends_a_sweep(queue, experiment, config):
    """What then runs is canceled, and the sweep is Completed."""
    run = experiment.submit(config(ALPHAS, "--pause", 60, max_duration_minutes=0.02))
    assert run.wait_for_completion()["status"] == "Completed"
    assert {child.get_status() for child in run.get_children()} == {"Canceled"}
    notes = [note.message for note in next(run.get_children())._record().notes]
    assert "the sweep has lasted 0.02 minutes, max_duration_minutes" in notes


def test_a_bayesian_sweep_learns_from_an_earlier_one(queue, experiment, config):
    """`resume_from`: its children are the later one's elders, and one of them may be the best."""
    pytest.importorskip("optuna", reason="the extra [sweep]")
    first = experiment.submit(config([0.5, 0.9]))
    first.wait_for_completion()
    sampling = BayesianParameterSampling({"--alpha": uniform(5, 6)})
    with pytest.warns(AzmlWarning, match="at its best from 20"):
        made = config([], hyperparameter_sampling=sampling, max_total_runs=2, resume_from=first)
    second = experiment.submit(made)
    second.wait_for_completion()
    assert second.get_best_run_by_primary_metric().id == f"{first.id}_0"
    assert second.get_best_run_by_primary_metric(include_resume_from_runs=False).id.startswith(second.id)


def test_children_of_an_earlier_sweep_run_again(queue, experiment, config):
    """`resume_child_runs`: the same hyperparameters, before others."""
    first = experiment.submit(config([0.5, 0.9]))
    first.wait_for_completion()
    again = sorted(first.get_children(), key=lambda child: child.id)[1:]
    second = experiment.submit(config([0.1], resume_child_runs=again))
    second.wait_for_completion()
    assert list(second.get_hyperparameters().values()) == ['{"--alpha": 0.9}', '{"--alpha": 0.1}']


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(5))
def test_a_controller_that_is_killed_again_and_again(queue, experiment, config, started, kill_run, seed):
    """At moments that nobody has chosen: every child starts once, and all of them do."""
    chance = random.Random(seed)
    run = experiment.submit(config(ALPHAS, concurrent=6))
    kills = 0
    while (status := run.get_status()) != "Completed":
        if status == "Failed":
            submission.resume(run)
        time.sleep(chance.uniform(0.0, 1.0))
        kills += kill_run(run.id)
        assert kills < 60
    assert sorted(started()) == sorted(ids(run, 20))
    assert {child.get_status() for child in run.get_children()} == {"Completed"}
    assert kills > 1
