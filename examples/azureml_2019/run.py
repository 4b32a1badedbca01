# what a notebook of 2019 did: an environment of its own name, a cluster that is made if it is missing, a script
from azureml.core import Experiment, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.compute_target import ComputeTargetException
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.environment import Environment
from azureml.exceptions import ActivityFailedException
from azureml.telemetry import set_diagnostics_collection

set_diagnostics_collection(send_diagnostics=True)

ws = Workspace.create(
    name="old-times", subscription_id="my-subscription", resource_group="my-group", location="westeurope", exist_ok=True
)
ws.write_config(path="./", file_name="config.json")
ws = Workspace.from_config()

# %% the cluster
cluster_name = "cpu-cluster"
try:
    compute_target = ComputeTarget(workspace=ws, name=cluster_name)
    print("Found existing compute target")
except ComputeTargetException:
    print("Creating a new compute target...")
    compute_config = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=4)
    compute_target = ComputeTarget.create(ws, cluster_name, compute_config)
    compute_target.wait_for_completion(show_output=True)
print(compute_target.get_status().serialize())

# %% the environment
env = Environment("sklearn-env")
env.python.conda_dependencies = CondaDependencies.create(conda_packages=["scikit-learn"], pip_packages=["azureml-sdk"])
env.python.user_managed_dependencies = True
env.docker.enabled = False
env.environment_variables["MESSAGE"] = "hello from the notebook"
env.register(workspace=ws)
print(sorted(ws.environments))

# %% two values of one argument
experiment = Experiment(workspace=ws, name="cancer-2019")
src = ScriptRunConfig(source_directory=".", script="train.py")
src.run_config.environment = Environment.get(workspace=ws, name="sklearn-env")
src.run_config.target = compute_target
for reg_rate in (0.01, 1.0):
    src.arguments = ["--regularization", reg_rate]
    run = experiment.submit(config=src, tags={"reg_rate": reg_rate})
    try:
        run.wait_for_completion(show_output=False)
    except ActivityFailedException as failure:
        print(failure)

# %% what came of it
for run in experiment.get_runs(tags="reg_rate"):
    print(run.number, run.tags, run.get_status(), run.get_metrics()["AUC"])
    print(run.get_details()["runDefinition"]["arguments"])
    for name in run.get_file_names():
        print("   ", name)
run.download_files(prefix="outputs", output_directory="downloaded")
