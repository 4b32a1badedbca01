"""The configuration refuses what cannot be swept over, and keeps SDK v1's names."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

import azml_integrations.sweeps as room
from azml_integrations.core import Run
from azml_integrations.errors import AzmlWarning, HyperDriveConfigException
from azml_integrations.sweeps import (
    BanditPolicy,
    BayesianParameterSampling,
    HyperDriveConfig,
    HyperDriveRunConfig,
    NoTerminationPolicy,
    PrimaryMetricGoal,
    RandomParameterSampling,
    choice,
    uniform,
)

SCRIPT = SimpleNamespace(script="train.py", source_directory=".")
SAMPLING = RandomParameterSampling({"--lr": uniform(0, 1)})
MAX = PrimaryMetricGoal.MAXIMIZE


def config(**changes):
    given = {
        "hyperparameter_sampling": SAMPLING,
        "primary_metric_name": "accuracy",
        "primary_metric_goal": MAX,
        "max_total_runs": 10,
        "run_config": SCRIPT,
    }
    return HyperDriveConfig(**{**given, **changes})


def test_the_signature_is_that_of_sdk_v1(signature):
    """Names, order and defaults."""
    assert signature(HyperDriveConfig.__init__) == (
        "hyperparameter_sampling, primary_metric_name, primary_metric_goal, max_total_runs, max_concurrent_runs=None, "
        "max_duration_minutes=10080, policy=None, estimator=None, run_config=None, resume_from=None, "
        "resume_child_runs=None, pipeline=None, debug_flag=None, custom_run_id=None"
    )
    assert signature(HyperDriveRunConfig.__init__).startswith("estimator, hyperparameter_sampling, primary_metric_name")
    assert signature(BanditPolicy.__init__) == (
        "evaluation_interval=1, slack_factor=None, slack_amount=None, delay_evaluation=0"
    )
    for name in ("MedianStoppingPolicy", "TruncationSelectionPolicy"):
        assert signature(getattr(room, name).__init__).endswith("evaluation_interval=1, delay_evaluation=0")
    for name in ("Random", "Grid", "Bayesian"):
        assert signature(getattr(room, f"{name}ParameterSampling").__init__) == "parameter_space, properties=None"


def test_every_name_is_found_where_sdk_v1_has_it():
    """The room itself, and its five modules."""
    for name in room.__all__:
        assert getattr(room, name).__name__ == name
    assert set(room.__all__) == set(room._LATE) == set(dir(room))
    program = (
        "import sys\n"
        "from azml_integrations.sweeps.sampling import RandomParameterSampling, BayesianParameterSampling\n"
        "from azml_integrations.sweeps.policy import BanditPolicy, TruncationSelectionPolicy\n"
        "from azml_integrations.sweeps.runconfig import HyperDriveConfig, HyperDriveRunConfig, PrimaryMetricGoal\n"
        "from azml_integrations.sweeps.run import HyperDriveRun\n"
        "from azml_integrations.sweeps.parameter_expressions import choice, uniform, qlognormal\n"
        "print([name for name in ('optuna', 'numpy', 'click', 'yaml', 'sqlite3') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
    with pytest.raises(AttributeError, match="no attribute 'Tuner'"):
        room.Tuner  # noqa: B018 - the look-up is the test


def test_what_is_left_out_is_what_sdk_v1_took():
    """All children at one time, a week, no policy."""
    made = config()
    assert made.max_concurrent_runs == 10
    assert made.max_duration_minutes == 10080
    assert made.policy == NoTerminationPolicy()
    assert config(max_concurrent_runs=99).max_concurrent_runs == 10
    assert config(primary_metric_goal="maximize").primary_metric_goal is MAX
    assert (made.primary_metric_name, made.run_config, made.estimator) == ("accuracy", SCRIPT, SCRIPT)
    assert made.source_directory == "."
    assert "max_total_runs=10" in repr(made)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hyperparameter_sampling": {"--lr": 1}}, "expected a sampling"),
        ({"hyperparameter_sampling": None}, "expected a sampling"),
        ({"primary_metric_name": ""}, "primary_metric_name"),
        ({"primary_metric_name": 3}, "primary_metric_name"),
        ({"primary_metric_goal": "best"}, "PrimaryMetricGoal.MAXIMIZE"),
        ({"primary_metric_goal": None}, "PrimaryMetricGoal.MAXIMIZE"),
        ({"max_total_runs": 0}, "max_total_runs got 0"),
        ({"max_total_runs": 2.5}, "max_total_runs got 2.5"),
        ({"max_total_runs": True}, "max_total_runs got True"),
        ({"max_concurrent_runs": -1}, "max_concurrent_runs got -1"),
        ({"max_duration_minutes": 0}, "max_duration_minutes"),
        ({"max_duration_minutes": float("inf")}, "max_duration_minutes"),
        ({"policy": "bandit"}, "expected a policy"),
        ({"run_config": None}, "got none of them"),
        ({"estimator": SCRIPT}, "got estimator and run_config"),
        ({"run_config": None, "pipeline": object()}, "estimators and pipelines are not run"),
        ({"run_config": None, "estimator": object()}, "estimators and pipelines are not run"),
        ({"run_config": "train.py"}, r"expected run_config=ScriptRunConfig"),
        ({"resume_from": "HD_a"}, "resume_from got"),
        ({"resume_child_runs": [3]}, "resume_child_runs got 3"),
    ],
)
def test_an_argument_that_cannot_be_used_is_refused(changes, said):
    """One clear error each, of SDK v1's class."""
    with pytest.raises(HyperDriveConfigException, match=said):
        config(**changes)


def test_runs_to_resume_must_be_sweeps_and_their_children(run):
    """Any other run has no hyperparameters."""
    with pytest.raises(HyperDriveConfigException, match="expected sweeps"):
        config(resume_from=run)
    with pytest.raises(HyperDriveConfigException, match="expected children of a sweep"):
        config(resume_child_runs=[run])


def test_at_most_five_sweeps_are_learned_from(experiment):
    """SDK v1's limit."""
    parents = []
    for n in range(6):
        with Run._create(experiment, run_id=f"HD_{n}", run_type="hyperdrive") as parent:
            parents.append(experiment.workspace.get_run(parent.id))
    assert config(resume_from=parents[:5]).sweep.resume_from == ("HD_0", "HD_1", "HD_2", "HD_3", "HD_4")
    with pytest.raises(HyperDriveConfigException, match="at most 5"):
        config(resume_from=parents)


def test_bayesian_sampling_of_too_few_is_warned_of():
    """Twenty children for each of two hyperparameters."""
    sampling = BayesianParameterSampling({"--a": choice(1, 2), "--b": uniform(0, 1)})
    with pytest.warns(AzmlWarning, match="max_total_runs is 39; Bayesian sampling of 2 .* from 40 on"):
        config(hyperparameter_sampling=sampling, max_total_runs=39)
    config(hyperparameter_sampling=sampling, max_total_runs=40)


def test_the_old_name_warns_and_works():
    """What to run comes first there."""
    with pytest.warns(DeprecationWarning, match="use HyperDriveConfig"):
        made = HyperDriveRunConfig(SCRIPT, SAMPLING, "accuracy", MAX, 10, 4, policy=BanditPolicy(slack_factor=0.1))
    assert isinstance(made, HyperDriveConfig)
    assert (made.max_total_runs, made.max_concurrent_runs, made.policy) == (10, 4, BanditPolicy(slack_factor=0.1))


@pytest.mark.parametrize("word", ["MAXIMIZE", "maximize", "Maximize"])
def test_a_goal_by_its_name(word):
    """SDK v1's ``from_str`` takes either case."""
    assert PrimaryMetricGoal.from_str(word) is MAX
    assert PrimaryMetricGoal.from_str(word).word == "maximize"
