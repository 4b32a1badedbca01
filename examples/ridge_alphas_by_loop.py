"""A sweep as most people write it: a loop over alphas in one run. The table and the chart come by themselves."""

from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

import azml_integrations

azml_integrations.autolog()
X, X_test, y, y_test = train_test_split(*load_diabetes(return_X_y=True), random_state=0)

experiment = azml_integrations.Experiment(azml_integrations.Workspace.from_config(), "ridge_alphas_by_loop")
with experiment.start_logging() as run:
    for alpha in (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0):
        model = Ridge(alpha=alpha).fit(X, y)
        mean_squared_error(y_test, model.predict(X_test))

# The first fit stands in the run itself, each later one in a child; the table is made of both.
fits = run.fits()
for row in fits.rows:
    print(f"alpha {row['alpha']:<6g} mse on test rows {row['mean_squared_error']:8.1f}")
print(*(name for name in run.get_file_names() if name.startswith("outputs/fits/")))
