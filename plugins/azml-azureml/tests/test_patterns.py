"""What old code relies on without a word in any documentation."""

import os
import subprocess
import sys
import threading

import pytest

from azureml.core import Experiment, Run, Workspace
from azureml.core.run import _OfflineRun
from azureml.exceptions import RunEnvironmentException, UserErrorException


def test_a_context_at_import_time_of_a_module(python, elsewhere):
    """A module that only asks for the run leaves no run behind; the first verb makes it, once, for all modules."""
    (elsewhere / "mymodule.py").write_text("from azureml.core import Run\nrun = Run.get_context()\n")
    program = """
    import mymodule
    from azureml.core import Run, Workspace
    ws = Workspace.from_config()
    assert not ws.find_runs()
    assert Run.get_context() is mymodule.run
    {verb}
    """
    python(program.format(verb=""), PYTHONPATH=path_with(elsewhere))
    assert Workspace.from_config().find_runs() == []

    python(program.format(verb="mymodule.run.log('a', 1)"), PYTHONPATH=path_with(elsewhere))
    (record,) = Workspace.from_config().find_runs()
    assert (record.status, record.run_id.startswith("OfflineRun")) == ("Completed", True)


def test_thousands_of_values_in_a_loop(workspace):
    """Each is there when the call has returned, in order, and the loop is not held up."""
    with Experiment(workspace, "exp").start_logging(outputs=False, snapshot_directory=None) as run:
        for step in range(5000):
            run.log("loss", 1 / (step + 1))
    assert run.get_metrics()["loss"] == [1 / (step + 1) for step in range(5000)]


NAMES = (
    *(
        "loss per epoch",
        "val/loss",
        "a:b",
        "trailing blank ",
        " leading",
        "Genauigkeit für Ä",
        "損失",
        "🙂",
        "..",
        "a\\b",
        "%s",
    ),
    *("CON", "x" * 300, "tab\there", "-", '"quoted"'),
)


MATRIX = {"class_labels": ["a"], "matrix": [[1]]}


@pytest.mark.parametrize("name", NAMES)
def test_odd_metric_names_come_back_as_they_went(workspace, name):
    """SDK v1 choked on a trailing blank; nobody should have to rename a metric."""
    run = Experiment(workspace, "exp").start_logging(outputs=False, snapshot_directory=None)
    run.log(name, 0.5)
    run.log(name, 0.25)
    run.log_row(name + " row", x=1, y=2)
    run.log_confusion_matrix(
        name + " matrix",
        {
            "schema_type": "confusion_matrix",
            "schema_version": "1.0.0",
            "data": {"class_labels": ["a"], "matrix": [[1]]},
        },
    )
    run.complete()
    assert run.get_metrics(name) == {name: [0.5, 0.25]}
    again = workspace.get_run(run.id).get_metrics()
    assert again[name + " row"] == {"x": 1, "y": 2}
    assert again[name + " matrix"].startswith("aml://artifactId/")


def test_how_scripts_find_out_that_they_are_offline(workspace):
    """Four ways, and all of them are in use."""
    run = Run.get_context()
    assert isinstance(run, _OfflineRun)
    assert type(run) is _OfflineRun
    assert run.id.startswith("OfflineRun")
    assert run._run_id == run.id
    assert "_OfflineRun" in str(run)
    assert "AZUREML_RUN_ID" not in os.environ
    assert getattr(run, "parent", None) is None
    with pytest.raises(RunEnvironmentException):
        Run.get_context(allow_offline=False)
    with pytest.raises(RunEnvironmentException):
        Run.get_submitted_run()


def test_an_offline_run_has_what_it_lacked(workspace):
    """The oldest open complaint: an experiment, a workspace, tags, metrics, steps."""
    run = Run.get_context()
    run.log("loss", 0.5, step=3)
    run.tag("stage", "draft")
    assert run.experiment.workspace == workspace
    assert run.tags == {"stage": "draft"}
    assert run.get_metrics() == {"loss": 0.5}
    assert run.number == 1


def test_a_child_of_an_offline_run(workspace):
    """Its id begins with its parent's."""
    run = Run.get_context()
    with run.child_run("fold") as child:
        child.log("acc", 0.5)
    assert child.id.startswith(f"{run.id}.")
    assert child.parent == run


def test_ranks_other_than_the_first_are_silent(python, workspace):
    """A script under torchrun asks in every process, and one run comes of it."""
    program = """
    from azureml.core import Run
    run = Run.get_context()
    run.log("loss", 0.5)
    run.upload_file("a.txt", __import__("io").BytesIO(b"a"))
    with run.child_run() as child:
        child.log("x", 1)
    run.complete()
    """
    for rank in range(4):
        assert python(program, RANK=str(rank), WORLD_SIZE="4").startswith(("", "azml_integrations: no config"))
    assert [record.parent_id for record in workspace.find_runs()].count(None) == 1


def test_ranks_of_a_submission_log_to_its_run(python, workspace):
    """With the variables of a submission around them, every rank is part of it."""
    run = Experiment(workspace, "exp").start_logging(outputs=False, snapshot_directory=None)
    around = {
        "AZUREML_RUN_ID": run.id,
        "AZUREML_ARM_SUBSCRIPTION": workspace.subscription_id,
        "AZUREML_ARM_RESOURCEGROUP": workspace.resource_group,
        "AZUREML_ARM_WORKSPACE_NAME": workspace.name,
        "AZUREML_ARM_PROJECT_NAME": "exp",
        "AZUREML_RUN_TOKEN": "none",
        "AZUREML_SERVICE_ENDPOINT": "none",
        "AZML_WORKSPACE": str(workspace.root),
    }
    program = """
    import os
    from azureml.core import Run
    run = Run.get_submitted_run()
    run.log("rank", int(os.environ["RANK"]))
    run.complete()  # the exit code decides, not this
    assert run.get_status() == "Running"
    """
    for rank in range(3):
        python(program, RANK=str(rank), **around)
    assert sorted(run.get_metrics()["rank"]) == [0, 1, 2]
    run.complete()


def test_threads_log_into_one_run(workspace):
    """Every value of every thread is there."""
    run = Experiment(workspace, "exp").start_logging(outputs=False, snapshot_directory=None)

    def work(number: int) -> None:
        for step in range(200):
            run.log(f"thread {number}", step)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.complete()
    assert run.get_metrics() == {f"thread {number}": list(range(200)) for number in range(8)}


POOL = """
import multiprocessing, sys
from azureml.core import Experiment, Workspace

def work(job):
    run, number = job
    for step in range(50):
        run.log(f"worker {number}", step)
    return number

if __name__ == "__main__":
    run = Experiment(Workspace.from_config(), "exp").start_logging(outputs=False, snapshot_directory=None)
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        assert pool.map(work, [(run, number) for number in range(4)]) == [0, 1, 2, 3]
    run.complete()
    assert run.get_metrics() == {f"worker {number}": list(range(50)) for number in range(4)}
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_log_into_the_run_that_is_handed_to_them(workspace, elsewhere, method):
    """By pickle or by fork."""
    (elsewhere / "pool.py").write_text(POOL)
    # Python 3.12 warns of a fork beside threads; here there are none but the pool's own
    done = subprocess.run([sys.executable, "pool.py", method], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr


def test_compute_idiom(workspace, capsys):
    """The cell that stands in a hundred notebooks, in both of its spellings."""
    from azureml.core.compute import AmlCompute, ComputeTarget
    from azureml.core.compute_target import ComputeTargetException

    name, made = "cpu-cluster", []
    configuration = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=4)
    try:
        target = ComputeTarget(workspace=workspace, name=name)
    except ComputeTargetException:
        made.append(ComputeTarget.create(workspace, name, configuration))
    assert not made
    assert type(target) is AmlCompute

    if name in workspace.compute_targets:
        target = workspace.compute_targets[name]
    else:
        target = ComputeTarget.create(workspace, name, configuration)
        target.wait_for_completion(show_output=True, min_node_count=None, timeout_in_minutes=20)
    assert type(target) is AmlCompute
    assert target.get_status().serialize()["provisioningState"] == "Succeeded"
    assert capsys.readouterr().out.endswith("nothing is rented\n")


def test_signing_in(workspace):
    """Taken, and forgotten."""
    from azureml.core.authentication import InteractiveLoginAuthentication, ServicePrincipalAuthentication

    auth = ServicePrincipalAuthentication(tenant_id="t", service_principal_id="p", service_principal_password="s")
    assert Workspace.from_config(auth=auth) == workspace
    assert Workspace.get("default", auth=InteractiveLoginAuthentication(force=True)) == workspace


def test_old_except_clauses_catch(workspace):
    """Whichever class of the SDK the author chose."""
    from azureml._common.exceptions import AzureMLException
    from azureml._restclient.exceptions import ServiceException

    run = Run.get_context()
    run.log("a", 1)
    for expected in (UserErrorException, AzureMLException, Exception):
        with pytest.raises(expected, match=r"Message: "):
            run.download_file("outputs/none.pkl")
    with pytest.raises(ServiceException) as caught:
        Run(run.experiment, "unknown")
    assert caught.value.status_code == 404


def test_the_parent_logs_what_a_sweep_reports(workspace):
    """Children reach the run above them, as fastai's callback and many scripts do."""
    run = Experiment(workspace, "exp").start_logging(outputs=False, snapshot_directory=None)
    child = run.child_run("candidate")
    child.log("loss", 0.5)
    child.parent.log("best loss", 0.5)
    child.complete()
    run.complete()
    assert run.get_metrics() == {"best loss": 0.5}


def path_with(folder: object) -> str:
    return os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(folder)])
