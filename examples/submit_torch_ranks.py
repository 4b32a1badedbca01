"""Two processes train one model: one run, and the output of each process in a file of its own."""

from pathlib import Path

from azml_integrations.core import Environment, Experiment, ScriptRunConfig, Workspace
from azml_integrations.core.runconfig import PyTorchConfiguration

environment = Environment("user-managed-env")
environment.python.user_managed_dependencies = True
source = ScriptRunConfig(
    Path(__file__).parent / "torch_ranks",
    "train.py",
    environment=environment,
    distributed_job_config=PyTorchConfiguration("Gloo", process_count=2),
)
run = Experiment(Workspace.from_config(), "torch-ranks").submit(source)
run.wait_for_completion(show_output=True)
print([f"{loss:.3f}" for loss in run.get_metrics()["loss"]])
for name in sorted(run.get_file_names()):
    if name.startswith("user_logs/"):
        print(name)
