"""Gradient descent on the diabetes data for one alpha, an epoch at a time; submitted by sweep_alphas.py."""

import argparse
import time

import joblib
from sklearn.datasets import load_diabetes
from sklearn.linear_model import SGDRegressor
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from azml_integrations.core import Run

parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float, required=True)
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--pause", type=float, default=0.1, help="makes an epoch as long as that of a real training [s]")
asked = parser.parse_args()

X, X_test, y, y_test = train_test_split(*load_diabetes(return_X_y=True), test_size=0.2, random_state=0)
scaler = StandardScaler().fit(X)
model = SGDRegressor(alpha=asked.alpha, learning_rate="constant", eta0=0.003, random_state=0)
run = Run.get_context()
for epoch in range(asked.epochs):
    model.partial_fit(scaler.transform(X), y)
    mse = mean_squared_error(y_test, model.predict(scaler.transform(X_test)))
    run.log("mse", mse, step=epoch)
    print(f"epoch {epoch}: mse {mse:.2f}")
    time.sleep(asked.pause)
joblib.dump(model, "outputs/model.pkl")
