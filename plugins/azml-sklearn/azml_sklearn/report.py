"""What is written about one fit."""

import contextlib
import itertools
import sys
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from azml_integrations import pictures
from azml_integrations.autologging import computed_once
from azml_integrations.core.stored_model import free_place
from azml_integrations.pictures import Judged, of_each_output, told_apart

from .answers import Answers, ask, metrics_from, remark
from .diagram import store_diagram
from .epochs import epochs_of
from .fits import Fit, unmoved_randomness
from .models import store_model
from .parameters import describe
from .pictures.album import log_charts, log_pictures
from .pictures.evidence import Evidence
from .searches import as_csv, candidates, curves_of, parameters_of, search_in, table_of, tell_best
from .session import SOURCE, Session, recording
from .signature import signature_of, store_example, store_signature
from .sweeps import OfSearch, Sweep
from .training import innermost
from .unlabelled import Outliers

if TYPE_CHECKING:
    from azml_integrations import Run


MOST_CHARTS = 8
"""Parameters of a search that get a chart each."""


@dataclass
class Account:
    """What is written about one fit, while it is being written.

    Attributes
    ----------
    run : Run
        Where to.
    fit : Fit
        About what.
    session : Session
        Knows the options, and bears the errors.
    given : dict of str to object
        The estimator's parameters before the fit, deep.
    parameters : int
        Number of them written.
    values : dict of str to float
        Numbers of the fit, in one event at the end: ``fit_time``, training metrics.
    search : object
        The search over parameters that the fit amounts to, or None.
    sweep : Sweep or None
        Its candidates.
    judged : Judged, Clusters, Outliers or None
        The model's answers on its training data, once they are there.
    told : list of str
        Files stored, for the line at the end.
    missing : dict of str to str
        What is not there, and why, by its name.
    """

    run: "Run"
    fit: Fit
    session: Session
    given: dict[str, Any] = field(default_factory=dict)
    parameters: int = 0
    values: dict[str, float] = field(default_factory=dict)
    search: Any = None
    sweep: Sweep | None = None
    judged: Answers | None = None
    told: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    @computed_once
    def folder(self) -> str:
        """Where the files go: named by the class, or by a name after it where the user has files under that one."""
        return f"outputs/{free_place(self.run, self.fit.name)}"


def observe_fit(run: "Run", fit: Fit, session: Session) -> Generator[None, Any, None]:
    """Log an estimator's parameters before the fit; its metrics, pictures and pickle after it."""
    account = Account(run, fit, session)
    with session.attempt(run):
        account.given = fit.estimator.get_params(deep=True)
        account.parameters = describe(run, fit.estimator, account.given)
    with session.attempt(run):
        _tell_example(account)
    account.search = search_in(fit.estimator)
    with recording(run), sweep_of(account), epochs_of(run, fit.estimator, session):
        began = time.perf_counter()
        yield
        account.values["fit_time"] = time.perf_counter() - began  # [s]; scikit-learn's word
    for part in PARTS:
        with session.attempt(run):
            part(account)
    told = f", {', '.join(account.told)} in {account.folder}" if account.told else ""
    metrics = sum(name.startswith("training_") for name in account.values)
    announce(session, run, fit.name, f"{account.parameters} parameters, {metrics} training metrics{told}")


@contextlib.contextmanager
def sweep_of(account: Account) -> Iterator[None]:
    """Record the candidates of a search while it runs; nothing else is one."""
    if account.search is None:
        yield
        return
    with Sweep(account.run, account.session, OfSearch(), account.search) as account.sweep:
        yield


def _tell_example(account: Account) -> None:
    """Store the first rows before the fit: one with ``copy_X=False`` writes over them."""
    if account.session.log_input_examples:
        account.told += store_example(account.run, account.fit.X, account.folder, account.missing)


def _tell_model(account: Account) -> None:
    fit, session = account.fit, account.session
    if session.options.log_models:
        how = session.model_format, session.max_model_bytes, account.missing
        account.told.append(store_model(account.run, fit.estimator, account.folder, *how, fit.X))


def _tell_own_numbers(account: Account) -> None:
    account.values |= own_numbers(account.fit.estimator)


def _tell_judgement(account: Account) -> None:
    with unmoved_randomness(account.given):
        account.judged, metrics = judged_quietly(account.fit, account.session, account.missing)
    account.values |= metrics


def _tell_values(account: Account) -> None:
    account.run.log_metrics(account.values)
    note_rows(account.run, account.judged)
    log_by_output(account.run, account.judged, "training")


def _tell_signature(account: Account) -> None:
    if account.session.options.log_models:
        judged = labelled(account.judged)
        predicted = None if judged is None else judged.predicted
        store_signature(account.run, signature_of(account.fit, predicted), account.folder)


def _tell_images(account: Account) -> None:
    if account.session.options.log_images:
        evidence = Evidence(account.fit.estimator, labelled(account.judged))
        attempt = account.session.attempt
        account.told += log_pictures(account.run, evidence, account.folder, account.missing, attempt)


def _tell_diagram(account: Account) -> None:
    if account.session.options.log_images:
        account.told += store_diagram(account.run, account.fit.estimator, account.folder, account.missing)


def _tell_best(account: Account) -> None:
    if account.search is not None:
        tell_best(account.run, account.search, account.sweep)


def _tell_candidates(account: Account) -> None:
    results = getattr(account.search, "cv_results_", None)
    if account.sweep is not None and results is not None:
        account.sweep.conclude(candidates(results))


def _tell_results(account: Account) -> None:
    results = getattr(account.search, "cv_results_", None)
    if results is not None:
        table = table_of(results)
        account.run.log_table("cv_results", table)
        account.run.upload_file(f"{account.folder}/cv_results.csv", as_csv(table))
        account.told.append("cv_results.csv")
        if account.session.options.log_images:
            with account.session.attempt(account.run):
                _draw_results(account, table)


def _draw_results(account: Account, table: dict[str, list[Any]]) -> None:
    parameters, curves = parameters_of(table), curves_of(table)
    title = f"{len(table['mean_fit_time'])} candidates of {type(account.search).__name__}"
    drawn = dict(itertools.islice(parameters.items(), MOST_CHARTS))
    account.missing |= dict.fromkeys(
        [f"score_by_{name}" for name in parameters if name not in drawn], f"more than {MOST_CHARTS} parameters"
    )
    where, attempt = account.folder, account.session.attempt
    files = log_charts(account.run, drawn, curves, title, where, "score", account.missing, attempt, file="score_by_")
    account.told += [file.rpartition("/")[2] for file in files]


def _tell_missing(account: Account) -> None:
    note_missing(account.run, account.missing)


PARTS: tuple[Callable[[Account], None], ...] = (
    _tell_model,  # before anything else asks the model a question
    _tell_own_numbers,
    _tell_judgement,
    _tell_values,
    _tell_signature,  # knows the predictions by now
    _tell_images,
    _tell_diagram,
    _tell_best,
    _tell_candidates,
    _tell_results,
    _tell_missing,
)
"""What is told after a fit, in this order; one that fails costs only itself."""


def own_numbers(fitted: Any) -> dict[str, float]:
    """Return what an estimator says about its fit in one number, in its own words: inertia, iterations, offset."""
    import numpy as np

    model = innermost(fitted)
    numbers = {name: np.asarray(getattr(model, f"{name}_", None)) for name in ("inertia", "n_iter", "offset")}
    return {name: number.item() for name, number in numbers.items() if number.size == 1 and number.dtype.kind in "iuf"}


def judged_quietly(fit: Fit, session: Session, missing: dict[str, str]) -> tuple[Answers | None, dict[str, float]]:
    """Judge a fitted model on its training data, without validating again what fit has validated.

    Parameters
    ----------
    fit : Fit
        The fit, over by now.
    session : Session
        Knows how many rows to ask about.
    missing : dict of str to str
        Gets why a training metric is not there, by its name.

    Returns
    -------
    Judged, Clusters, Outliers or None
        None where there is nothing to judge.
    dict of str to float
        The training metrics.
    """
    if session.max_metric_rows == 0:
        return None, {}
    import numpy as np
    from sklearn import config_context

    with np.errstate(all="ignore"), config_context(skip_parameter_validation=True, assume_finite=True):
        judged = ask(fit, session.max_metric_rows)
        if isinstance(judged, str):
            missing["training metrics"] = judged
        if judged is None or isinstance(judged, str):
            return None, {}
        return judged, told_apart(metrics_from(judged), "training", missing)


def labelled(judged: Answers | None) -> Judged | None:
    """Return answers beside which it is known what is right."""
    if isinstance(judged, Outliers):
        return judged.labelled
    return judged if isinstance(judged, Judged) else None


def log_by_output(run: "Run", judged: Answers | None, prefix: str) -> None:
    """Write the metrics of each target of a regressor that has several, as a table."""
    if isinstance(judged, Judged) and not judged.classifies and judged.y.ndim > 1:
        table = of_each_output(judged)
        if table:
            run.log_table(f"{prefix}_metrics_by_output", table)


def note_rows(run: "Run", judged: Answers | None) -> None:
    """Say so when training metrics stand for part of the rows only."""
    if judged is not None and (told := remark(judged, "training")):
        run.note(SOURCE, told)
    if judged is not None and judged.rows < judged.of:
        run.note(
            SOURCE,
            f"training metrics are those of {judged.rows:,} of {judged.of:,} rows, evenly chosen; "
            f'autolog("sklearn", max_metric_rows=...) sets another cap',
        )


def note_missing(run: "Run", missing: dict[str, str], what: str = "not recorded") -> None:
    """Say in one sentence what is not there, and why."""
    pictures.note_missing(run, SOURCE, missing, what)


def announce(session: Session, run: "Run", name: str, told: str) -> None:
    """Say in one line what was logged, and where."""
    if not session.options.silent:
        sys.stderr.write(f"azml: {name}: {told}; see it with: azml run show {run.id}\n")
