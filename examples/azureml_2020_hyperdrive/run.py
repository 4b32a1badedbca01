# what a notebook of 2020 did to tune hyperparameters
from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace
from azureml.train.hyperdrive import BanditPolicy, HyperDriveConfig, PrimaryMetricGoal
from azureml.train.hyperdrive.parameter_expressions import choice
from azureml.train.hyperdrive.sampling import GridParameterSampling
from azureml.widgets import RunDetails

ws = Workspace.from_config()
env = Environment("sklearn-env")
env.python.user_managed_dependencies = True
src = ScriptRunConfig(source_directory=".", script="train.py", arguments=["--kernel", "linear"], environment=env)

param_sampling = GridParameterSampling({"--kernel": choice("linear", "rbf"), "--penalty": choice(0.5, 1.5)})
hyperdrive_config = HyperDriveConfig(
    run_config=src,
    hyperparameter_sampling=param_sampling,
    policy=BanditPolicy(evaluation_interval=1, slack_factor=0.5),
    primary_metric_name="Accuracy",
    primary_metric_goal=PrimaryMetricGoal.MAXIMIZE,
    max_total_runs=4,
    max_concurrent_runs=2,
)
hyperdrive_run = Experiment(ws, "iris-2020").submit(hyperdrive_config)
RunDetails(hyperdrive_run).show()
hyperdrive_run.wait_for_completion(show_output=True)

best_run = hyperdrive_run.get_best_run_by_primary_metric()
print(best_run.get_details()["runDefinition"]["arguments"])
print(best_run.get_metrics()["Accuracy"])
for child in hyperdrive_run.get_children_sorted_by_primary_metric():
    print(child)
