"""Submit a script with the library beside it, follow its output, and find its best alpha."""

from pathlib import Path

from azml_integrations.core import Environment, Experiment, ScriptRunConfig, Workspace

workspace = Workspace.from_config()
experiment = Experiment(workspace, "alpha-sweep")

environment = Environment("user-managed-env")
environment.python.user_managed_dependencies = True  # this interpreter, as it is
source = ScriptRunConfig(
    source_directory=Path(__file__).parent / "alpha_sweep", script="train.py", environment=environment
)

run = experiment.submit(source)
run.wait_for_completion(show_output=True)

metrics = run.get_metrics()
mse, alpha = min(zip(metrics["mse"], metrics["alpha"], strict=True))
print(f"best alpha {alpha:.2f} with mse {mse:.2f} (run {run.number})")
run.tag("best alpha", f"{alpha:.2f}")
run.download_file(f"outputs/ridge_{alpha:.2f}.pkl", "best_model.pkl")
