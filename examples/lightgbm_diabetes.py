"""Boosted trees on diabetes, by an estimator: one run that scikit-learn's adapter and LightGBM's write together."""

import lightgbm
from sklearn.datasets import load_diabetes
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

import azml_integrations
import azml_lightgbm

azml_integrations.autolog()
X, X_test, y, y_test = train_test_split(*load_diabetes(return_X_y=True, as_frame=True), random_state=0)

experiment = azml_integrations.Experiment(azml_integrations.Workspace.from_config(), "lightgbm_diabetes")
with experiment.start_logging() as run:
    model = lightgbm.LGBMRegressor(n_estimators=500, learning_rate=0.03, num_leaves=5, n_jobs=1, verbosity=-1)
    stop = lightgbm.early_stopping(20, verbose=False)
    model.fit(X, y, eval_X=(X_test,), eval_y=(y_test,), eval_metric="l2", callbacks=[stop])
    mean_squared_error(y_test, model.predict(X_test))

found = run.get_metrics()
print(f"best round {found['best_iteration']} of {found['stopped_iteration']}, mse {found['mean_squared_error']:.0f}")
print(f"most gain: {', '.join(found['importance_table']['feature'][:3])}")
print(f"scikit-learn's adapter: R² on training rows {found['training_r2_score']:.2f}")

booster = azml_lightgbm.load_model(run)
same = (booster.predict(X_test) == model.predict(X_test)).all()
print(f"loaded: {booster.num_trees()} trees, {'the same' if same else 'other'} predictions")
