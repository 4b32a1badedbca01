"""The same sweep by scikit-learn's grid search, with two workers: each candidate is a child run, while it is fitted."""

from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import GridSearchCV, train_test_split

import azml_integrations

azml_integrations.autolog()
X, X_test, y, y_test = train_test_split(*load_diabetes(return_X_y=True), random_state=0)

grid = {"alpha": [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0], "positive": [False, True]}
experiment = azml_integrations.Experiment(azml_integrations.Workspace.from_config(), "ridge_alphas_by_grid_search")
with experiment.start_logging() as run:
    search = GridSearchCV(Ridge(), grid, cv=5, n_jobs=2).fit(X, y)
    mean_squared_error(y_test, search.predict(X_test))

found, told = run.get_metrics(), run.get_properties()
print(f"best alpha {told['best.alpha']}, positive {told['best.positive']}: R² {found['best_score']:.3f} of 5 splits")
print(f"mse on test rows {found['mean_squared_error']:.1f}")

# What the splits of a candidate amount to stands in its own run.
candidates = [(child, child.get_metrics()) for child in run.get_children()]
for child, scores in sorted(candidates, key=lambda candidate: candidate[1]["rank_test_score"])[:3]:
    print(f"{child.name:<28}{scores['mean_test_score']:.3f} ± {scores['std_test_score']:.3f}  {child.status}")
