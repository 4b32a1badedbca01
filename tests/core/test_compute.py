"""Compute targets: the idioms of old scripts pass, and every one of them ends at this machine."""

import pickle

import pytest

from azml_integrations.core.compute import AmlCompute, ComputeTarget, LocalTarget
from azml_integrations.errors import AzmlError, ComputeTargetException

CONFIGURATION = AmlCompute.provisioning_configuration(
    vm_size="STANDARD_D2_V2", vm_priority="lowpriority", max_nodes=4, idle_seconds_before_scaledown=2400
)


def cluster_by_exception(ws, name):
    """The first half of the idiom is enough here; the second is tried beside it."""
    try:
        return ComputeTarget(workspace=ws, name=name)
    except ComputeTargetException:
        target = ComputeTarget.create(ws, name, CONFIGURATION)
        target.wait_for_completion(show_output=True)
        return target


def cluster_by_membership(ws, name):
    if name in ws.compute_targets:
        target = ws.compute_targets[name]
        assert type(target) is AmlCompute
    else:
        target = ComputeTarget.create(ws, name, CONFIGURATION)
        target.wait_for_completion(show_output=True, min_node_count=None, timeout_in_minutes=20)
    return target


@pytest.mark.parametrize("idiom", [cluster_by_exception, cluster_by_membership])
def test_create_the_cluster_if_it_is_missing(workspace, idiom, capsys):
    """Both spellings of the idiom pass, and the printed state is that of a cluster which is ready."""
    target = idiom(workspace, "cpu-cluster")

    assert type(target) is AmlCompute
    assert (target.name, target.type, target.provisioning_state) == ("cpu-cluster", "AmlCompute", "Succeeded")
    state = target.get_status().serialize()
    assert (state["provisioningState"], state["currentNodeCount"]) == ("Succeeded", 1)
    if idiom is cluster_by_membership:
        assert state["vmSize"] == "STANDARD_D2_V2"
        assert capsys.readouterr().out == "cpu-cluster: scripts run on this machine; nothing is rented\n"


def test_the_shelf_lists_this_machine_and_answers_to_every_name(workspace):
    """Membership and `get` find `local` alone, so that a missing cluster is made; an index finds every name."""
    targets = workspace.compute_targets
    assert list(targets) == ["local"]
    assert type(targets["local"]) is LocalTarget
    assert "gpu-cluster" not in targets
    assert targets.get("gpu-cluster") is None
    assert targets["gpu-cluster"] == ComputeTarget(workspace, "gpu-cluster")
    assert list(targets) == ["local"]
    assert workspace.get_default_compute_target("GPU") == targets["local"]


def test_a_name_that_runs_were_sent_to_is_listed(workspace):
    """As `azml compute list` does; so the second run of a script finds the cluster that the first one made."""
    assert workspace.queue("cpu-cluster").made.is_dir()
    assert list(workspace.compute_targets) == ["local", "cpu-cluster"]
    assert type(workspace.compute_targets["cpu-cluster"]) is AmlCompute


def test_what_scripts_do_to_a_cluster_is_harmless(workspace):
    """Nothing was made, so nothing is scaled or deleted."""
    target = AmlCompute(workspace, "cpu-cluster")
    target.refresh_state()
    target.update(min_nodes=1)
    target.detach()
    target.delete()
    assert len(target.list_nodes()) == 1
    assert target.serialize()["name"] == "cpu-cluster"
    assert ComputeTarget.attach(workspace, "cpu-cluster") == target
    assert ComputeTarget.list(workspace) == [ComputeTarget(workspace, "local")]
    assert AmlCompute.supported_vmsizes(workspace)[0]["vCPUs"] >= 1
    assert target.get_status().allocation_state == target.status.allocation_state == "Steady"


def test_a_target_keeps_what_was_asked_but_no_secret(workspace):
    """Tags are shown; an administrator's password is nobody's business."""
    asked = AmlCompute.provisioning_configuration(
        tags={"team": 1}, admin_user_password="hunter2", location="westeurope"
    )
    target = ComputeTarget.create(workspace, "c", asked)
    assert target.tags == {"team": "1"}
    assert "hunter2" not in repr(asked)
    assert asked.settings["location"] == "westeurope"


def test_a_target_travels(workspace):
    """To a worker, as its address."""
    target = ComputeTarget.create(workspace, "c", CONFIGURATION)
    again = pickle.loads(pickle.dumps(target))
    assert (again, hash(again), again.vm_size) == (target, hash(target), "STANDARD_D2_V2")
    assert repr(again) == "AmlCompute(workspace='test', name='c')"


@pytest.mark.parametrize("name", [None, "", 3])
def test_a_target_needs_a_name(workspace, name):
    """Old `except` clauses catch it."""
    with pytest.raises(ComputeTargetException) as caught:
        ComputeTarget(workspace, name)
    assert isinstance(caught.value, AzmlError)
