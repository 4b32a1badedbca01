"""Sweep over the alphas: a child run for each, four at a time, and those that fall behind are stopped early."""

import sys
from collections import Counter
from pathlib import Path

from azml_integrations.core import Environment, Experiment, ScriptRunConfig, Workspace
from azml_integrations.sweeps import (
    BanditPolicy,
    GridParameterSampling,
    HyperDriveConfig,
    PrimaryMetricGoal,
    choice,
)

SOURCE = Path(__file__).parent / "alpha_sweep"
sys.path.append(str(SOURCE))
from mylib import get_alphas  # noqa: E402 - the library of the script that is submitted

environment = Environment("user-managed-env")
environment.python.user_managed_dependencies = True
config = HyperDriveConfig(
    hyperparameter_sampling=GridParameterSampling({"--alpha": choice(get_alphas().tolist())}),
    primary_metric_name="mse",
    primary_metric_goal=PrimaryMetricGoal.MINIMIZE,
    policy=BanditPolicy(slack_factor=0.01, evaluation_interval=1, delay_evaluation=5),
    max_total_runs=20,
    max_concurrent_runs=4,
    run_config=ScriptRunConfig(SOURCE, "train_one.py", environment=environment),
)
sweep = Experiment(Workspace.from_config(), "alpha-sweep").submit(config)
sweep.wait_for_completion(show_output=True)

best = sweep.get_best_run_by_primary_metric()
print(f"best alpha {best.get_properties()['param.--alpha']} with mse {min(best.get_metrics()['mse']):.2f}")
print(dict(Counter(child.get_status() for child in sweep.get_children())))
best.download_file("outputs/model.pkl", "best_model.pkl")
