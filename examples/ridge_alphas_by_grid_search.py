"""The same sweep by scikit-learn's grid search, with two workers: each candidate is a child run, while it is fitted."""

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

import azml_integrations

azml_integrations.autolog()
X, y = load_diabetes(return_X_y=True)

experiment = azml_integrations.Experiment(azml_integrations.Workspace.from_config(), "ridge_alphas_by_grid_search")
with experiment.start_logging() as run:
    search = GridSearchCV(
        Ridge(), {"alpha": np.logspace(-3, 2, 11).tolist(), "fit_intercept": [True, False]}, cv=5, n_jobs=2
    )
    search.fit(X, y)

print(f"best alpha {run.properties['best.alpha']}, R² {run.get_metrics()['best_score']:.3f}")
for child in sorted(run.get_children(), key=lambda child: child.get_metrics()["rank_test_score"])[:3]:
    found = child.get_metrics()
    print(f"{child.name}: {found['mean_test_score']:.3f} ± {found['std_test_score']:.3f} ({child.status})")
