"""Several processes work on one study, and one run shows it."""

import atexit
import os
import subprocess
import sys

import optuna

WORKER = """
import sys, time
import azml_integrations, optuna
azml_integrations.autolog("optuna", log_images=False, on_error="raise")
optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.load_study(study_name="shared", storage=sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
study.optimize(lambda trial: time.sleep(0.02) or trial.suggest_float("x", 0, 1), n_trials=8)
"""


def test_two_workers_of_one_study_share_its_run(experiment, trials, tmp_path):
    """Nothing is written into the study for that: the run's id follows from its name and its first trial."""
    storage = f"sqlite:///{tmp_path}/shared.db"
    study = optuna.create_study(study_name="shared", storage=storage)
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    command = [sys.executable, script, storage]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = [subprocess.Popen(command, **pipes) for _ in range(2)]
    for worker in workers:
        worker.stdout.readline()
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    assert [worker.wait(60) for worker in workers] == [0, 0]
    for worker in workers:
        worker.stdin.close()
        worker.stdout.close()

    (run,) = experiment.get_runs()
    assert run.status == "Completed"
    assert [child.properties["trial"] for child in trials(run)] == [str(number) for number in range(16)]
    assert {child.status for child in trials(run)} == {"Completed"}
    assert sorted(run.get_metrics()["trials"]["number"]) == list(range(16))
    assert run.tags["best_trial"] == str(study.best_trial.number)
    assert study.user_attrs == {}
    assert study._storage.get_study_system_attrs(study._study_id) == {}


TAKES_OVER = """
import sys
import azml_integrations, optuna
from azml_optuna import recorded_study
recorded_study.LOOK_AGAIN = 0.0
azml_integrations.autolog("optuna", log_images=False, on_error="raise")
def objective(trial):
    print("in trial", trial.number, flush=True)
    sys.stdin.readline()
    return 1.0
optuna.load_study(study_name="shared", storage=sys.argv[1]).optimize(objective, n_trials=2)
"""


def test_a_study_goes_on_after_the_process_that_began_it(runs, trials, tmp_path):
    """The other process takes the run over, so that the page does not say Completed for hours."""
    storage = f"sqlite:///{tmp_path}/shared.db"
    script = tmp_path / "other.py"
    script.write_text(TAKES_OVER)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    others = []

    def objective(trial):
        others.append(subprocess.Popen([sys.executable, script, storage], **pipes))
        assert others[0].stdout.readline() == "in trial 1\n"
        return 2.0

    optuna.create_study(study_name="shared", storage=storage).optimize(objective, n_trials=1)
    assert runs()[0].status == "Completed"
    (other,) = others
    other.stdin.write("go on\n")
    other.stdin.flush()
    assert other.stdout.readline() == "in trial 2\n"
    assert runs()[0].status == "Running"
    other.communicate("go on\n", timeout=60)
    (run,) = runs()
    assert (other.returncode, run.status, run.tags["best_trial"]) == (0, "Completed", "1")
    assert [child.status for child in trials(run)] == ["Completed"] * 3


def test_forked_workers_optimize_what_their_parent_began(runs, trials, tmp_path):
    """They have the switch from their parent, and the study's run as well."""
    import multiprocessing

    storage = f"sqlite:///{tmp_path}/shared.db"
    study = optuna.create_study(study_name="shared", storage=storage)
    study.optimize(lambda trial: 1.0, n_trials=1)
    workers = [multiprocessing.get_context("fork").Process(target=_work, args=(storage,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert [worker.exitcode for worker in workers] == [0, 0]
    (run,) = runs()
    assert run.status == "Completed"
    assert [child.status for child in trials(run)] == ["Completed"] * 5


def _work(storage):
    optuna.load_study(study_name="shared", storage=storage).optimize(lambda trial: 1.0, n_trials=2)


def test_a_killed_worker_leaves_its_own_trial_failed(runs, trials, tmp_path):
    """Nobody has to wait for a heartbeat, and the others' trials are as they were."""
    storage = f"sqlite:///{tmp_path}/shared.db"
    script = tmp_path / "other.py"
    script.write_text(TAKES_OVER)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}

    def objective(trial):
        with subprocess.Popen([sys.executable, script, storage], **pipes) as other:
            assert other.stdout.readline() == "in trial 1\n"
            other.kill()
        return 2.0

    optuna.create_study(study_name="shared", storage=storage).optimize(objective, n_trials=1)

    (run,) = runs()
    assert run.status == "Completed"
    assert [child.status for child in trials(run)] == ["Completed", "Failed"]


def test_a_forked_child_ends_nothing_of_its_parents(runs, trials):
    """A child that leaves by the front door, in the middle of a trial, takes nothing along."""

    def objective(trial):
        if (child := os.fork()) == 0:
            atexit._run_exitfuncs()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert trials(runs()[0])[0].status == "Running"
        return 1.0

    optuna.create_study().optimize(objective, n_trials=1)
    assert trials(runs()[0])[0].status == "Completed"
