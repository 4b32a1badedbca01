"""A Ridge regression that logs itself: the lines of the README, and what they leave behind."""

from sklearn import datasets, linear_model, metrics

import azml_integrations

azml_integrations.autolog()
X, y = datasets.load_diabetes(return_X_y=True)
model = linear_model.Ridge(alpha=0.03).fit(X[:300], y[:300])
mse = metrics.mean_squared_error(y[300:], model.predict(X[300:]))

# That was all. What follows only reads the run back, as any other process could.
run = next(azml_integrations.Workspace.from_config().experiments["ridge_diabetes"].get_runs())
print(f"run {run.id} is {run.status}")
print(f"alpha                 {run.properties['param.alpha']}")
print(f"mse on training rows  {run.get_metrics()['training_mean_squared_error']:.2f}")
print(f"mse on test rows      {run.get_metrics()['mean_squared_error']:.2f} (computed here: {mse:.2f})")
print(f"files                 {', '.join(run.get_file_names())}")
