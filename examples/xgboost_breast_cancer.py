"""Boosted trees on breast cancer: rounds appear while they are trained, early stopping and importances after it."""

import xgboost
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

import azml_integrations
import azml_xgboost

azml_integrations.autolog()
X, X_test, y, y_test = train_test_split(*load_breast_cancer(return_X_y=True, as_frame=True), random_state=0)
train, test = xgboost.DMatrix(X, y, nthread=1), xgboost.DMatrix(X_test, y_test, nthread=1)

experiment = azml_integrations.Experiment(azml_integrations.Workspace.from_config(), "xgboost_breast_cancer")
with experiment.start_logging() as run:
    for depth in (2, 4):  # the first training stands in the run, the second one in a child
        params = {"objective": "binary:logistic", "eval_metric": ["auc", "logloss"], "max_depth": depth, "nthread": 1}
        xgboost.train(
            params, train, 200, evals=[(train, "train"), (test, "test")], early_stopping_rounds=10, verbose_eval=False
        )

for row in run.fits().rows:
    told = f"best round {row['best_iteration']} of {row['num_boosted_rounds']}, log loss {row['best_score']:.3f}"
    print(f"depth {row['max_depth']}: {told}")

importance = run.get_metrics()["importance_table"]
print(f"most gain: {', '.join(importance['feature'][:3])}")

booster = azml_xgboost.load_model(run)
print(f"loaded: {booster.num_boosted_rounds()} rounds, {booster.num_features()} features")
