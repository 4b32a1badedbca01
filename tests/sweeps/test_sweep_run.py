"""A sweep as a run: SDK v1's shapes, over children made by hand."""

import json
import math

import pytest

from azml_integrations.core import Run
from azml_integrations.errors import AzmlWarning, HyperDriveNotImplementedException, UserErrorException
from azml_integrations.sweeps import (
    GridParameterSampling,
    HyperDriveRun,
    NoTerminationPolicy,
    PrimaryMetricGoal,
    choice,
)
from azml_integrations.sweeps.definition import Sweep, child_id, child_number

MIN, MAX = PrimaryMetricGoal.MINIMIZE, PrimaryMetricGoal.MAXIMIZE


@pytest.fixture
def sweep(experiment):
    """Make a sweep and its children: each a number of values, and how it ended."""

    def make(children, goal=MAX, metric="accuracy", run_id="HD_a", **changes):
        parent = Run._create(experiment, run_id=run_id, run_type="hyperdrive")
        space = GridParameterSampling({"--lr": choice(0.1, 0.2)})
        Sweep(space, metric, goal, 10, 2, **changes).keep(parent._folder)
        for number, (values, end) in enumerate(children):
            child = parent.child_run(run_id=child_id(parent.id, number))
            child.tag("hyperparameters", json.dumps({"--lr": number / 10}))
            for value in values:
                child.log("accuracy", value)
            getattr(child, end)()
        parent.complete()
        return experiment.workspace.get_run(parent.id)

    return make


CHILDREN = [
    ([0.5, 0.9, 0.7], "complete"),
    ([0.8], "complete"),
    ([0.2, 0.95], "fail"),
    ([1.0], "cancel"),
    ([], "complete"),
]


def test_a_sweep_comes_back_as_one(experiment, sweep):
    """With SDK v1's type, wherever it is looked up."""
    run = sweep(CHILDREN)
    assert type(run) is HyperDriveRun
    assert run.type == HyperDriveRun.RUN_TYPE == "hyperdrive"
    assert HyperDriveRun(experiment, run.id) == run
    assert [type(one) for one in experiment.get_runs(type="hyperdrive")] == [HyperDriveRun]


@pytest.mark.parametrize(
    ("goal", "options", "expected"),
    [
        (MAX, {}, "HD_a_3"),
        (MAX, {"include_canceled": False}, "HD_a_2"),
        (MAX, {"include_canceled": False, "include_failed": False}, "HD_a_0"),  # 0.9 on its way, not its last 0.7
        (MIN, {}, "HD_a_2"),
        (MIN, {"include_failed": False}, "HD_a_0"),
    ],
)
def test_the_best_run_is_that_of_the_best_value_ever_logged(sweep, goal, options, expected):
    """Over each child's whole list, for either goal."""
    assert sweep(CHILDREN, goal).get_best_run_by_primary_metric(**options).id == expected


def test_of_equal_children_the_first_is_the_best(sweep):
    """An answer that does not depend on the index."""
    assert sweep([([0.5], "complete"), ([0.5], "complete")]).get_best_run_by_primary_metric().id == "HD_a_0"


def test_values_that_are_no_numbers_are_never_the_best(sweep):
    """NaN and the infinities; a child that has nothing else has no best value."""
    run = sweep([([math.inf, 0.3], "complete"), ([0.4, math.nan], "complete"), ([math.nan], "complete")])
    assert run.get_best_run_by_primary_metric().id == "HD_a_1"
    values = {child["run_id"]: child["best_primary_metric"] for child in run.get_children_sorted_by_primary_metric()}
    assert values == {"HD_a_1": 0.4, "HD_a_0": 0.3, "HD_a_2": None}


def test_a_logged_list_is_a_list(experiment):
    """`log_list` counts each of its items."""
    parent = Run._create(experiment, run_id="HD_a", run_type="hyperdrive")
    Sweep(GridParameterSampling({"--lr": choice(1)}), "loss", MIN, 10, 2).keep(parent._folder)
    for number, values in enumerate([[3.0, 1.0], [2.0]]):
        with parent.child_run(run_id=child_id("HD_a", number)) as child:
            child.log_list("loss", values)
    run = experiment.workspace.get_run(parent.id)
    parent.complete()
    assert run.get_best_run_by_primary_metric().id == "HD_a_0"


def test_no_such_metric_is_none_with_the_names_that_were_logged(sweep):
    """The oldest complaint about sweeps: None, and nobody says why."""
    run = sweep(CHILDREN, metric="Accuracy")
    with pytest.warns(
        AzmlWarning, match=r"logged its primary metric 'Accuracy'; they logged 'accuracy', so there is no"
    ):
        assert run.get_best_run_by_primary_metric() is None
    with pytest.warns(AzmlWarning, match="they logged no number"):
        assert sweep([([], "complete")], run_id="HD_b").get_best_run_by_primary_metric() is None
    empty = sweep([], run_id="HD_c")
    for _ in range(2):  # each time: a notebook's cell is run again
        with pytest.warns(AzmlWarning, match="has no child yet"):
            assert empty.get_best_run_by_primary_metric() is None


def test_children_come_sorted(sweep):
    """The best first; those without the metric last, or not at all."""
    run = sweep(CHILDREN)
    everything = run.get_children_sorted_by_primary_metric()
    assert [child["run_id"] for child in everything] == ["HD_a_3", "HD_a_2", "HD_a_0", "HD_a_1", "HD_a_4"]
    assert everything[0] == {
        "run_id": "HD_a_3",
        "hyperparameters": '{"--lr": 0.3}',
        "best_primary_metric": 1.0,
        "status": "Canceled",
    }
    assert everything[4]["best_primary_metric"] is None
    assert run.get_children_sorted_by_primary_metric(top=2) == everything[:2]
    worst = run.get_children_sorted_by_primary_metric(reverse=True)
    assert [child["run_id"] for child in worst] == ["HD_a_1", "HD_a_0", "HD_a_2", "HD_a_3", "HD_a_4"]
    assert run.get_children_sorted_by_primary_metric(0, False, True) == everything[:4]


def test_hyperparameters_and_metrics_of_each_child(sweep):
    """JSON strings, and SDK v1's shapes of metrics; children without any have an empty dict."""
    run = sweep(CHILDREN)
    assert run.get_hyperparameters() == {f"HD_a_{n}": json.dumps({"--lr": n / 10}) for n in range(5)}
    assert run.get_metrics() == {
        "HD_a_0": {"accuracy": [0.5, 0.9, 0.7]},
        "HD_a_1": {"accuracy": 0.8},
        "HD_a_2": {"accuracy": [0.2, 0.95]},
        "HD_a_3": {"accuracy": 1.0},
        "HD_a_4": {},
    }
    with pytest.raises(TypeError):
        run.get_metrics("accuracy")


def test_signatures_are_those_of_sdk_v1(signature):
    """Old scripts call by position and by keyword."""
    assert signature(HyperDriveRun.get_best_run_by_primary_metric) == (
        "include_failed=True, include_canceled=True, include_resume_from_runs=True"
    )
    assert signature(HyperDriveRun.get_children_sorted_by_primary_metric) == (
        "top=0, reverse=False, discard_no_metric=False"
    )
    assert signature(HyperDriveRun.get_metrics) == ""
    assert signature(HyperDriveRun.__init__) == "experiment, run_id, hyperdrive_config=None, **kwargs"


def test_what_a_sweep_has_not_is_said_so(sweep):
    """SDK v1's own error, with the way out."""
    run = sweep(CHILDREN)
    with pytest.raises(HyperDriveNotImplementedException, match="cancel"):
        run.fail("because")
    with pytest.warns(AzmlWarning, match="ends when its children have"):
        run.complete()
    with pytest.raises(HyperDriveNotImplementedException, match=r"hyperdrive\.txt"):
        run.get_diagnostics()


def test_children_are_told_by_their_numbers(sweep, experiment):
    """Other runs below the sweep are none of its children."""
    run = sweep(CHILDREN[:2])
    other = Run._create(experiment, run_id="HD_a_preparation", parent_id="HD_a")
    other.log("accuracy", 99.0)
    other.complete()
    assert list(run.get_hyperparameters()) == ["HD_a_0", "HD_a_1"]
    assert run.get_best_run_by_primary_metric().id == "HD_a_0"
    assert [child_number("HD_a", name) for name in ("HD_a_7", "HD_a_x", "HD_a", "HD_a_1_2")] == [7, None, None, None]


def test_earlier_sweeps_may_hold_the_best(sweep):
    """`resume_from`, unless it is left out."""
    sweep([([5.0], "complete")], run_id="HD_b")
    run = sweep(CHILDREN, resume_from=("HD_b",))
    assert run.get_best_run_by_primary_metric().id == "HD_b_0"
    assert run.get_best_run_by_primary_metric(include_resume_from_runs=False).id == "HD_a_3"


def test_a_definition_comes_back(sweep):
    """What the controller reads is what was submitted."""
    kept = sweep(CHILDREN, again=({"--lr": 1},), resume_child_runs=("HD_z_1",))._sweep()
    told = kept.as_definition()
    assert Sweep.from_definition(json.loads(json.dumps(told))).as_definition() == told
    assert (kept.metric, kept.goal, kept.total, kept.concurrent) == ("accuracy", MAX, 10, 2)
    assert (kept.again, kept.resume_child_runs) == (({"--lr": 1},), ("HD_z_1",))
    assert kept.policy == NoTerminationPolicy()
    assert kept.sampling.parameter_space == {"--lr": ["choice", [[0.1, 0.2]]]}


def test_a_run_that_holds_no_definition_says_so(experiment):
    """A folder that somebody copied by half."""
    with Run._create(experiment, run_id="HD_z", run_type="hyperdrive"):
        pass
    with pytest.raises(UserErrorException, match="run HD_z is no sweep that can be read"):
        experiment.workspace.get_run("HD_z").get_best_run_by_primary_metric()
