"""azml-optuna keeps the contract of an adapter."""

from types import MappingProxyType

import optuna
import pytest

from azml_integrations.testing import AdapterContract


def objective(trial):
    x = trial.suggest_float("x", 0.01, 3, log=True)
    for step in range(3):
        trial.report(x * step, step)
        if trial.should_prune():
            raise optuna.TrialPruned
    trial.set_user_attr("half", x / 2)
    return x + trial.suggest_int("n", 1, 9)


class TestOptuna(AdapterContract):
    """Studies record themselves."""

    plugin = "azml_optuna"
    expected = (
        *("study", "sampler", "sampler.n_startup_trials", "pruner", "directions", "best_trial", "best.x"),
        *("param.x", "param.n", "half", "trial", "intermediate_value", "objective", "best_value", "trials"),
        *("outputs/study/trials.csv", "outputs/study/optimization_history.png"),
    )
    options = MappingProxyType({"max_child_runs": 3})

    @pytest.fixture
    def training(self):
        def train():
            study = optuna.create_study(study_name="contract", sampler=optuna.samplers.TPESampler(seed=1))
            study.optimize(objective, n_trials=12)
            return [(trial.params, trial.values, trial.state.name) for trial in study.trials], study.sampler

        return train

    @pytest.fixture
    def failing(self):
        def train(error):
            def failing_objective(trial):
                trial.suggest_float("x", 0, 1)
                raise error

            optuna.create_study().optimize(failing_objective, n_trials=2)

        return train

    @pytest.fixture
    def idle(self):
        def use():
            study = optuna.create_study()
            study.enqueue_trial({"x": 1.0})
            study.add_trial(optuna.trial.create_trial(value=1.0))
            return study.best_value

        return use
