"""What autolog costs a trial of Optuna: many trials that do nothing, with and without it, in turn.

python benchmarks/optuna_trials.py [trials]
"""

import itertools
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import optuna

import azml_integrations

ROUNDS = 5


def objective(trial):
    return trial.suggest_float("x", 0, 1) + trial.suggest_int("n", 1, 9)


def reporting(trial):
    x = trial.suggest_float("x", 0, 1)
    for step in range(10):
        trial.report(x * step, step)
    return x


def times_of(func, trials: int, storage: str | None) -> list[float]:
    """Return the time from one trial to the next [µs], and in it nothing of the study's beginning and end."""
    moments = []

    def timed(trial):
        moments.append(time.perf_counter())
        return func(trial)

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), storage=storage)
    study.optimize(timed, n_trials=trials)
    return [1e6 * (after - before) for before, after in itertools.pairwise(moments)]


def compare(name: str, func, trials: int, storage: str | None = None) -> None:
    """Print medians of one objective, with and without autolog in turn."""
    without, with_it = [], []
    for number in range(ROUNDS):
        without += times_of(func, trials, storage and f"{storage}{number}a.db")
        azml_integrations.autolog("optuna", silent=True)
        with_it += times_of(func, trials, storage and f"{storage}{number}b.db")
        azml_integrations.autolog(False)
    plain, recorded = statistics.median(without), statistics.median(with_it)
    print(f"| {name} | {plain:,.0f} | {recorded:,.0f} | {recorded - plain:,.0f} |")


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AZML_HOME"] = folder
        print("| trial | without [µs] | with [µs] | more [µs] |\n| --- | --- | --- | --- |")
        compare("two parameters, in memory", objective, trials)
        compare("one parameter, ten reports, in memory", reporting, trials)
        compare("two parameters, SQLite", objective, max(trials // 10, 10), f"sqlite:///{Path(folder)}/")


if __name__ == "__main__":
    main()
