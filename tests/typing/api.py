"""What a user's type checker must accept; never run, only checked: ``mypy --strict tests/typing``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_type

import azml_integrations
from azml_integrations import (
    Environment,
    Experiment,
    MetricOrder,
    Run,
    RunConfiguration,
    RunQuery,
    RunRecord,
    ScriptRunConfig,
    Workspace,
    current_run,
    get_run,
)
from azml_integrations.core import (
    DataReference,
    Dataset,
    DatasetConsumptionConfig,
    DataType,
    Model,
    OutputFileDatasetConfig,
)
from azml_integrations.core.abstract_dataset import AbstractDataset
from azml_integrations.core.file_dataset import FileDataset
from azml_integrations.core.runconfig import CondaDependencies, PyTorchConfiguration
from azml_integrations.core.tabular_dataset import TabularDataset
from azml_integrations.errors import AzmlError, RunNotFoundError, UserErrorException
from azml_integrations.records import MetricSummary, Point, TrashEntry

ws = Workspace.from_config()
assert_type(ws, Workspace)
assert_type(Workspace.create("mine", exist_ok=True), Workspace)
assert_type(Workspace.get("mine"), Workspace)
assert_type(Workspace.list(), dict[str, list[Workspace]])
assert_type(ws.name, str)
assert_type(ws.experiments, dict[str, Experiment])
assert_type(ws.get_details(), dict[str, Any])
assert_type(ws.get_run("id"), Run)
ws.write_config(Path(), "config.json")

files = Dataset.File.from_files("pictures/*.png", validate=False)
assert_type(files, FileDataset)
assert_type(files.take(3).register(ws, "pictures"), FileDataset)
assert_type(files.as_named_input("pictures").as_mount(), DatasetConsumptionConfig)
rows = Dataset.Tabular.from_delimited_files(["a.csv", Path("b.csv")], set_column_types={"a": DataType.to_float()})
assert_type(rows.random_split(0.8), tuple[TabularDataset, TabularDataset])
assert_type(rows.filter((rows["age"] > 50) & (rows["sex"] == 1)), TabularDataset)
assert_type(rows.to_csv_files(), FileDataset)
assert_type(ws.datasets, dict[str, AbstractDataset])
assert_type(OutputFileDatasetConfig("out").as_upload().register_on_complete("results"), OutputFileDatasetConfig)
assert_type(ws.get_default_datastore().path("in").as_mount(), DataReference)

experiment = Experiment(ws, "diabetes")
Experiment(workspace_object=ws, name="diabetes")
assert_type(experiment.get_runs(tags={"a": "b"}), Iterator[Run])
assert_type(Experiment.list(ws), list[Experiment])
experiment.tag("a")
experiment.tag("a", "b")

model = Model.register(ws, Path("model.pkl"), "ridge", tags={"auc": 0.9}, child_paths=["a"])
assert_type(model, Model)
assert_type(model.version, int)
assert_type(Model(ws, "ridge", version=1).tags, dict[str, str | None])
assert_type(Model.list(ws, tags=["a", ["b", "c"]]), list[Model])
assert_type(Model.get_model_path("ridge"), str)
assert_type(model.download(Path(), exist_ok=True), str)
assert_type(model.run, Run | None)
assert_type(ws.models, dict[str, Model])

with experiment.start_logging("ridge", outputs=None, snapshot_directory=None) as run:
    assert_type(run, Run)
    run.log("alpha", 0.03)
    run.log("mse", 3424.3, "test set", 1)
    run.log_metrics({"loss": 0.5, "acc": 0.9}, step=1)
    run.log_list("fibonacci", [0, 1, 1, 2, 3])
    run.log_row("cosine", angle=0.0, cos=1.0)
    run.log_table("sine", {"angle": [0.0, 1.0], "sine": [0.0, 0.84]})
    run.log_image("roc", "roc.png")
    run.log_image("roc", plot=object())
    run.tag("stage", "draft")
    run.set_tags({"a": "b", "c": None})
    run.add_properties({"param.alpha": "0.03"})
    run.upload_file("outputs/model.pkl", Path("model.pkl"))
    run.upload_files(["a"], ["b"])
    run.upload_folder("plots", "plots")
    assert_type(run.register_model("ridge", "outputs/model.pkl", {"a": 1}), Model)
    assert_type(run.child_run("fold"), Run)
    assert_type(run.create_children(2), list[Run])

assert_type(run.id, str)
assert_type(run.number, int)
assert_type(run.status, str)
assert_type(run.parent, Run | None)
assert_type(run.tags, dict[str, str | None])
assert_type(run.properties, dict[str, str])
assert_type(run.get_metrics(), dict[str, Any])
assert_type(run.metric_points("mse"), list[Point])
assert_type(run.metric_summaries(), list[MetricSummary])
assert_type(run.get_file_names(), list[str])
assert_type(run.get_children(recursive=True), Iterator[Run])
assert_type(run.wait_for_completion(show_output=True), dict[str, Any])
run.download_file("outputs/model.pkl", Path("copy.pkl"))
run.download_files("outputs", "copies", append_prefix=False)
run.display_name = "Ridge"
assert_type(run.display_name, str)

assert_type(Run.get_context(), Run)
assert_type(Run.get(ws, "id"), Run)
assert_type(get_run(experiment, "id"), Run)
assert_type(current_run(), Run | None)
assert_type(ws.find_runs(RunQuery(order=MetricOrder("mse", by="min"), limit=1)), list[RunRecord])

try:
    run.complete()
except UserErrorException as error:
    assert_type(error.message, str)
except AzmlError as error:
    assert_type(error.inner_exception, BaseException | None)

missing = RunNotFoundError("id", "here")
assert_type(missing.run_id, str)

environment = Environment.from_conda_specification("study", "environment.yml")
environment.python.user_managed_dependencies = True
environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["numpy"])
environment.environment_variables["SEED"] = "1"
assert_type(environment.register(ws), Environment)
assert_type(Environment.get(ws, "study", version="1"), Environment)
assert_type(Environment.list(ws), dict[str, Environment])
assert_type(ws.environments, dict[str, Environment])
assert_type(environment.version, str | None)

config = ScriptRunConfig("./", "train.py", ["--alpha", 0.1], environment=environment, compute_target="local")
ScriptRunConfig(source_directory=Path(), command=["python", "train.py"], distributed_job_config=PyTorchConfiguration())
config.arguments = ["--alpha", 0.2]
config.run_config.environment = environment
config.run_config.node_count = 1
assert_type(config.run_config, RunConfiguration)
RunConfiguration("train.py").save(Path(), "study")
assert_type(RunConfiguration.load(".", "study"), RunConfiguration)

azml_integrations.autolog()
azml_integrations.autolog("sklearn", log_models=False, silent=True, max_child_runs=3)
azml_integrations.autolog(False)

entry = get_run(experiment, "id").delete()
assert_type(entry, TrashEntry)
assert_type(ws.trash.restore(entry).run_ids, set[str])
assert_type(ws.trash.purge(*ws.trash.older_than(days=30), "id").freed, int)
