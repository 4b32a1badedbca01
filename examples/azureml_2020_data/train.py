# a training script of 2020: its data come as a named input, its model goes to the registry
import argparse
import os

import joblib
import pandas as pd
from azureml.core import Run
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--input-data", type=str, dest="training_dataset_id")
parser.add_argument("--folder", type=str)
args = parser.parse_args()

run = Run.get_context()
data = run.input_datasets["diabetes"].to_pandas_dataframe()
print(data.describe())
run.log("rows", len(data))
run.log_list("columns", data.columns)
run.log("files", len(os.listdir(args.folder)))
print(pd.read_csv(os.path.join(args.folder, "diabetes.csv")).shape)

X, y = data.drop(columns="target"), data["target"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
model = LinearRegression().fit(X_train, y_train)
score = model.score(X_test, y_test)
run.log("r2", score)

os.makedirs("outputs", exist_ok=True)
joblib.dump(value=model, filename="outputs/diabetes_model.pkl")
run.upload_file(name="models/diabetes_model.pkl", path_or_stream="outputs/diabetes_model.pkl")
run.register_model(
    model_path="models/diabetes_model.pkl",
    model_name="diabetes_model",
    tags={"Training context": "Tabular dataset"},
    properties={"R2": score},
)
run.complete()
