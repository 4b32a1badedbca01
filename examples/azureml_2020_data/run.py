# what a lab of 2020 did: data into the datastore, datasets by name, a model out of the registry
import os

from azureml.core import Dataset, Environment, Experiment, Model, ScriptRunConfig, Workspace
from sklearn.datasets import load_diabetes

ws = Workspace.from_config()

# %% data
frame = load_diabetes(as_frame=True).frame
os.makedirs("data", exist_ok=True)
frame.to_csv("data/diabetes.csv", index=False)

default_ds = ws.get_default_datastore()
default_ds.upload_files(files=["./data/diabetes.csv"], target_path="diabetes-data/", overwrite=True, show_progress=True)
tab_data_set = Dataset.Tabular.from_delimited_files(path=(default_ds, "diabetes-data/*.csv"))
print(tab_data_set.take(5).to_pandas_dataframe())
tab_data_set = tab_data_set.register(
    workspace=ws, name="diabetes dataset", description="diabetes data", tags={"format": "CSV"}, create_new_version=True
)
file_data_set = Dataset.File.from_files(path=(default_ds, "diabetes-data/*.csv"))
file_data_set.register(workspace=ws, name="diabetes file dataset", create_new_version=True)
for dataset_name in list(ws.datasets.keys()):
    dataset = Dataset.get_by_name(ws, dataset_name)
    print("\t", dataset.name, "version", dataset.version)

# %% a script that gets both
env = Environment("sklearn-env")
env.python.user_managed_dependencies = True
diabetes_ds = ws.datasets.get("diabetes dataset")
src = ScriptRunConfig(
    source_directory=".",
    script="train.py",
    arguments=[
        "--input-data",
        diabetes_ds.as_named_input("diabetes"),
        "--folder",
        ws.datasets.get("diabetes file dataset").as_named_input("files").as_download(),
    ],
    environment=env,
)
run = Experiment(workspace=ws, name="diabetes-2020").submit(config=src)
run.wait_for_completion(show_output=True)

# %% the model
for model in Model.list(ws):
    print(model.name, "version:", model.version)
    for tag_name in model.tags:
        print("\t", tag_name, ":", model.tags[tag_name])
    for prop_name in model.properties:
        print("\t", prop_name, ":", model.properties[prop_name])
model = Model(ws, "diabetes_model")
print(model.download(target_dir="downloaded", exist_ok=True))
print(Model.get_model_path("diabetes_model", _workspace=ws))
Model.register(
    workspace=ws, model_path="downloaded/diabetes_model.pkl", model_name="diabetes_again", tags={"area": 1.5}
)
