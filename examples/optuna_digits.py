"""A study over the hyperparameters of a classifier of digits: each trial is a run, and bad ones are pruned early."""

import numpy as np
import optuna
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

import azml_integrations

azml_integrations.autolog("optuna")  # autolog() records the classifiers of the trials, too
X, X_test, y, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)


def objective(trial):
    model = SGDClassifier(
        loss=trial.suggest_categorical("loss", ["hinge", "log_loss", "modified_huber"]),
        alpha=trial.suggest_float("alpha", 1e-6, 1.0, log=True),
        learning_rate="constant",
        eta0=trial.suggest_float("eta0", 1e-5, 1e-1, log=True),
        random_state=0,
    )
    for epoch in range(10):
        model.partial_fit(X, y, classes=np.unique(y))
        trial.report(model.score(X_test, y_test), epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return model.score(X_test, y_test)


optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(
    study_name="digits",
    direction="maximize",
    sampler=optuna.samplers.TPESampler(seed=0),
    pruner=optuna.pruners.MedianPruner(n_startup_trials=5),
)
study.set_metric_names(["accuracy"])
study.optimize(objective, n_trials=40)

experiment = azml_integrations.Experiment(azml_integrations.Workspace.from_config(), "optuna_digits")
run = next(experiment.get_runs())
statuses = [child.status for child in run.get_children()]
print(f"{statuses.count('Completed')} trials completed, {statuses.count('Canceled')} pruned")
best, value = run.tags, run.metric_points("best_value")[-1].value
print(f"best accuracy {value:.3f} of trial {best['best_trial']}, loss {best['best.loss']}")
importances = run.get_metrics("param_importances_table")["param_importances_table"]
for parameter, importance in zip(importances["parameter"], importances["importance"], strict=True):
    print(f"{parameter:<6}{importance:.2f}")
