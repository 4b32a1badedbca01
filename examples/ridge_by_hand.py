"""A sweep over alphas, logged by hand with the calls of the Azure ML SDK v1."""

import joblib
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

from azml_integrations.core import Experiment, Workspace

workspace = Workspace.from_config()
experiment = Experiment(workspace=workspace, name="ridge-by-hand")

X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)

for alpha in np.arange(0.0, 1.0, 0.1).round(1):
    with experiment.start_logging() as run:
        model = Ridge(alpha=alpha).fit(X_train, y_train)
        run.log("alpha", alpha)
        run.log("mse", mean_squared_error(y_test, model.predict(X_test)))
        joblib.dump(model, "outputs/model.pkl")
        run.upload_file("outputs/model.pkl", "outputs/model.pkl")

best = min(experiment.get_runs(), key=lambda run: run.get_metrics()["mse"])
found = best.get_metrics()
print(f"best alpha {found['alpha']:.1f} with mse {found['mse']:.2f} (run {best.number})")
best.tag("best")
best.download_file("outputs/model.pkl", "best_model.pkl")
