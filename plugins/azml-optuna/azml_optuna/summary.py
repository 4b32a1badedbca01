"""What a study amounts to: its best trials, all trials as a file, the importance of its parameters, and charts."""

import csv
import io
import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from azml_integrations.pictures import NamedPicture, note_missing, png

from .charts import CHARTS, Charted
from .wording import SOURCE, as_text

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

    from azml_integrations import Run

FOLDER = "outputs/study"
MOST_BEST = 20
"""Trials of a Pareto front that are named in a tag."""
FEWEST_FOR_IMPORTANCES = 4
"""Completed trials; of fewer nothing can be said."""

Attempt = Callable[[Callable[[], object]], None]


def sum_up(
    study: "Study",
    run: "Run",
    objectives: Sequence[str],
    run_id_of: Callable[[int], str],
    attempt: Attempt,
    *,
    draws: bool,
) -> None:
    """Write down what all trials of a study amount to, also those of other processes.

    Parameters
    ----------
    study : Study
        Which; it is only read.
    run : Run
        Where to.
    objectives : sequence of str
        Names of its values.
    run_id_of : callable
        Returns the id of a trial's run by the trial's number, or an empty text.
    attempt : callable
        Does one of several things; one that fails costs only itself.
    draws : bool
        Whether charts are drawn.
    """
    trials = study.get_trials(deepcopy=False)
    attempt(lambda: _tell_best(study, run, run_id_of))
    attempt(lambda: run.upload_file(f"{FOLDER}/trials.csv", io.BytesIO(as_csv(trials, objectives).encode())))
    if draws:
        charted = Charted.of(trials, study.directions, objectives, _importances(study, trials, attempt))
        attempt(lambda: _tell_importances(run, charted))
        _draw(run, charted, attempt)


def _tell_best(study: "Study", run: "Run", run_id_of: Callable[[int], str]) -> None:
    """Tag the run with its best trials: tags, because a study that goes on may find better ones."""
    best = study.best_trials
    if not best:
        return
    if len(study.directions) > 1:
        more = ", ..." if len(best) > MOST_BEST else ""
        run.set_tags({"best_trials": ", ".join(str(trial.number) for trial in best[:MOST_BEST]) + more})
        return
    first = study.best_trial
    tags: dict[str, str | None] = {"best_trial": str(first.number), "best_child_run_id": run_id_of(first.number)}
    tags |= {f"best.{name}": as_text(value) for name, value in first.params.items()}
    stale = [tag for tag in run.tags if tag.startswith("best.") and tag not in tags]
    if stale:  # the best trial before had other parameters
        run.remove_tags(stale)
    run.set_tags(tags)


def as_csv(trials: "Sequence[FrozenTrial]", objectives: Sequence[str]) -> str:
    """Return trials as ``Study.trials_dataframe`` has them, as a CSV file, without pandas.

    Parameters
    ----------
    trials : sequence of FrozenTrial, shape (n,)
        All of a study.
    objectives : sequence of str
        Names of its values.

    Returns
    -------
    str
        A line of names, and n lines.
    """
    values = ["value"] if len(objectives) == 1 else [f"values_{name}" for name in objectives]
    parameters = list(dict.fromkeys(name for trial in trials for name in trial.params))
    attributes = list(dict.fromkeys(name for trial in trials for name in trial.user_attrs))
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(
        [
            *("number", *values, "datetime_start", "datetime_complete", "duration"),
            *(f"params_{name}" for name in parameters),
            *(f"user_attrs_{name}" for name in attributes),
            "state",
        ]
    )
    for trial in trials:
        lines.writerow(
            [
                trial.number,
                *(trial.values or [None] * len(values)),
                *(trial.datetime_start, trial.datetime_complete),
                None if trial.duration is None else trial.duration.total_seconds(),
                *(trial.params.get(name) for name in parameters),
                *(trial.user_attrs.get(name) for name in attributes),
                trial.state.name,
            ]
        )
    return text.getvalue()


def _importances(study: "Study", trials: "Sequence[FrozenTrial]", attempt: Attempt) -> "dict[str, float] | str":
    """Return how much each parameter matters to the first objective, or why nobody knows.

    PED-ANOVA draws no random numbers and takes milliseconds; it compares the better trials with all of them.
    """
    completed = [trial for trial in trials if trial.state.name == "COMPLETE"]
    if len({trial.values[0] for trial in completed}) < FEWEST_FOR_IMPORTANCES:
        return f"fewer than {FEWEST_FOR_IMPORTANCES} different values"
    names = set.intersection(*(set(trial.params) for trial in completed))
    found: dict[str, float] = {}

    def evaluate() -> None:
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is called experimental; trials without a finite value are left out
            found.update(
                get_param_importances(
                    study,
                    evaluator=PedAnovaImportanceEvaluator(),
                    params=sorted(names),
                    target=lambda trial: trial.values[0],
                )
            )

    if names:
        attempt(evaluate)
    return found or "no parameter is in all completed trials"


def _tell_importances(run: "Run", charted: Charted) -> None:
    if isinstance(charted.importances, dict):
        names, shares = list(charted.importances), list(charted.importances.values())
        trials = [charted.completed] * len(names)  # the table of a study that goes on gets more rows
        run.log_table("param_importances_table", {"parameter": names, "importance": shares, "trials": trials})


def _draw(run: "Run", charted: Charted, attempt: Attempt) -> None:
    missing: dict[str, str] = {}
    there = set(run.get_file_names())
    for kind, page_of in CHARTS.items():

        def draw(kind: str = kind, page_of: Any = page_of) -> None:
            page = page_of(charted)
            if page is None:
                return
            if isinstance(page, str) or find_spec("matplotlib") is None:
                missing[kind] = page if isinstance(page, str) else "matplotlib is not installed"
                return
            picture = NamedPicture(f"{FOLDER}/{kind}.png", png(page))
            if picture.name in there:  # the study went on: the same picture, with more in it
                run.upload_file(picture.name, picture)
            else:
                run.log_image(kind, picture)

        attempt(draw)
    note_missing(run, SOURCE, missing)
