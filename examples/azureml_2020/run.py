# what a notebook of 2020 did: the configuration takes target and environment itself, and submit shows what happens
from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace
from azureml.core.authentication import InteractiveLoginAuthentication
from azureml.widgets import RunDetails

ws = Workspace.from_config(auth=InteractiveLoginAuthentication(tenant_id="my-tenant"))

env = Environment("user-managed-env")
env.python.user_managed_dependencies = True
env.environment_variables = {"AUTHOR": "a notebook of 2020"}

src = ScriptRunConfig(
    source_directory=".",
    script="train.py",
    arguments=None,
    compute_target=ws.compute_targets["cpu-cluster"],
    environment=env,
)
run = Experiment(ws, "wine-2020").submit(src, show_output=True)
RunDetails(run).show()
print(run.get_status())

# %% its children, the best first
children = sorted(run.get_children(), key=lambda child: child.get_metrics()["mean score"], reverse=True)
for child in children:
    print(child.name, child.get_metrics()["mean score"])
run.tag("best depth", children[0].get_metrics()["depth"])
run.download_file("outputs/report.txt")
print(open("report.txt").read())
run
