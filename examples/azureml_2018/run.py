# what a notebook of 2018 did, cell by cell: a run by hand, then a script in the environment that is there
import azureml.core
from azureml.core import Experiment, Run, ScriptRunConfig, Workspace
from azureml.core.runconfig import RunConfiguration
from azureml.train.widgets import RunDetails

print("SDK version:", azureml.core.VERSION)

# %% a workspace by keywords, saved for the next time
ws = Workspace(workspace_name="old-times", subscription_id="my-subscription", resource_group="my-group")
ws.write_config()
ws = Workspace.from_config()
print(ws.name, ws.location, ws.resource_group, ws.subscription_id, sep="\t")

# %% a run by hand
experiment = Experiment(workspace_object=ws, name="ridge-2018")
run = Run.start_logging(experiment=experiment)
run.tag("Description", "My first run!")
for number in [0, 1, 1, 2, 3, 5, 8, 13]:
    run.log(name="Fibonacci numbers", value=number)
run.complete()
print(run.get_portal_url())

# %% a script, with the Python that is there
run_config = RunConfiguration()
run_config.environment.python.user_managed_dependencies = True
run_config.auto_prepare_environment = True

src = ScriptRunConfig(source_directory="./", script="train.py", run_config=run_config)
run = experiment.submit(src)
RunDetails(run).show()
run.wait_for_completion(show_output=True)

# %% the best of it
metrics = run.get_metrics()
best = min(zip(metrics["mse"], metrics["alpha"]))
print("When alpha is {1:0.2f}, we have min MSE {0:0.2f}.".format(*best))
run.download_file("outputs/ridge_{0:.2f}.pkl".format(best[1]), output_file_path="best_model.pkl")
