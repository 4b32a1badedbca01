"""What is written about one training."""

import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import attempt, log_parameters, observed_run
from azml_integrations.pictures import importances, log_picture, note_missing

from . import models
from .fits import Fit
from .importance import importances_of
from .options import SOURCE, Options
from .parameters import effective, native
from .rounds import Rounds

if TYPE_CHECKING:
    from azml_integrations import Run


@dataclass
class Account:
    """What is written about one training, while it is being written.

    Attributes
    ----------
    run : Run
        Where to.
    options : Options
        What was asked for.
    fit : Fit
        Who trains.
    rounds : Rounds
        Its rounds.
    asked : int or None
        Rounds that were asked for; None where nobody knows.
    shared : bool
        Whether another adapter records the fit: parameters, and what scikit-learn makes of the model, are told by it.
    given : dict of str to object
        Parameters that were given.
    told : list of str
        Files stored, for the line at the end.
    missing : dict of str to str
        What is not there, and why, by its name.
    """

    run: "Run"
    options: Options
    fit: Fit
    rounds: Rounds
    asked: int | None = None
    shared: bool = False
    given: dict[str, Any] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    def attempt(self) -> Any:
        """Return what to do one of several things in."""
        return attempt(SOURCE, self.run, on_error=self.options.on_error)


def begin(run: "Run", options: Options, fit: Fit, *, asked: int | None = None) -> Account:
    """Return an account of a training that is about to begin."""
    return Account(run, options, fit, Rounds(run, options.on_error), asked, observed_run() is run)


def observe_train(
    run: "Run",
    options: Options,
    params: Any,
    dtrain: Any,
    num_boost_round: int = 10,
    *_: Any,
    callbacks: Sequence[Any] | None = None,
    **more: Any,
) -> Generator[Any, Any, None]:
    """Log parameters before a training, each round while it runs, the model and its importances after it."""
    fit = Fit.here()
    account = begin(run, options, fit, asked=num_boost_round)
    rest = {name: more.get(name) for name in ("early_stopping_rounds", "maximize", "obj", "custom_metric")}
    given = native(params) if fit.estimator is None else fit.given
    tell_parameters(account, {**given, "num_boost_round": num_boost_round, **_not_none(rest)})
    with account.attempt():
        tell_data(account, dtrain, more.get("evals") or ())
    booster = yield {"callbacks": [account.rounds, *(callbacks or ())]}
    tell_booster(account, booster)


def observe_cv(
    run: "Run",
    options: Options,
    params: Any,
    dtrain: Any,
    num_boost_round: int = 10,
    *_: Any,
    callbacks: Sequence[Any] | None = None,
    **more: Any,
) -> Generator[Any, Any, None]:
    """Log parameters before a cross-validation, mean and deviation of each round while it runs, the best after it."""
    account = begin(run, options, Fit(), asked=num_boost_round)
    names = ("nfold", "stratified", "metrics", "early_stopping_rounds", "maximize", "seed", "shuffle")
    rest = _not_none({name: more.get(name) for name in (*names, "obj", "custom_metric")})
    tell_parameters(account, {**native(params), "num_boost_round": num_boost_round, **rest}, validation="cv")
    with account.attempt():
        tell_data(account, dtrain, ())
    history = yield {"callbacks": [account.rounds, *(callbacks or ())]}
    account.rounds.catch_up()
    with account.attempt():
        best = max(map(len, history.values()), default=0) if isinstance(history, dict) else len(history)
        stopped = {"best_iteration": best - 1} if best < account.rounds.done else {}
        run.log_metrics({**stopped, **speed(account)})
    announce(account)


def tell_parameters(account: Account, given: dict[str, Any], **facts: str) -> None:
    """Write who trains and with what; where another adapter records the fit, it has told that."""
    account.given = given
    with account.attempt():
        there = account.run.get_properties()
        version = f"xgboost {_version()}"
        theirs = there.get("framework", version) != version
        facts |= {"estimator": account.fit.name, ("framework.xgboost" if theirs else "framework"): version}
        account.run.add_properties({name: text for name, text in facts.items() if name not in there})
    if not account.shared:
        with account.attempt():
            log_parameters(account.run, SOURCE, given)


def tell_data(account: Account, dtrain: Any, evals: Sequence[Any]) -> None:
    """Write how large the data are [rows, columns]."""
    sizes = {"data.rows": dtrain.num_row(), "data.columns": dtrain.num_col()}
    sizes |= {f"data.{name}.rows": data.num_row() for data, name in evals}
    account.run.add_properties({name: str(size) for name, size in sizes.items()})


def tell_booster(account: Account, booster: Any) -> None:
    """Write all that is known of a booster when its training is over."""
    account.rounds.catch_up()
    folder = models.free_folder(account.run)
    for part in PARTS:
        with account.attempt():
            part(account, booster, folder)
    with account.attempt():
        note_missing(account.run, SOURCE, account.missing)
    announce(account, folder)


def _tell_model(account: Account, booster: Any, folder: str) -> None:
    if account.options.log_models:
        why = models.store(account.run, booster, account.fit.estimator, folder, account.options.max_model_bytes)
        if why:
            account.missing[models.FILE] = why
        else:
            account.told.append(models.FILE)


def _tell_effective(account: Account, booster: Any, _: str) -> None:
    found = effective(booster.save_config(), () if account.shared else account.given)
    log_parameters(account.run, SOURCE, found, "effective." if account.shared else "param.")


def _tell_numbers(account: Account, booster: Any, _: str) -> None:
    rounds, best = account.rounds, models.best_iteration(booster)
    values: dict[str, float] = {"num_boosted_rounds": booster.num_boosted_rounds()}
    if best is not None and best >= rounds.first:  # an older one came with the model that was continued
        score = "best_iteration_score" if account.shared else "best_score"  # a search has a best_score of its own
        values |= {"best_iteration": best, score: float(booster.attr("best_score"))}
    if account.asked is not None and rounds.done < account.asked:
        values["stopped_iteration"] = rounds.first + rounds.done - 1
    if rounds.first:
        account.run.add_properties({"continued_from_round": str(rounds.first)})
    account.run.log_metrics({**values, **speed(account)})


def _tell_importance(account: Account, booster: Any, folder: str) -> None:
    if account.options.log_images:
        title, found = f"{importances.TITLE} of {account.fit.name}", importances_of(booster)
        account.told += log_picture(account.run, importances, found, folder, account.missing, title=title)


PARTS: tuple[Callable[[Account, Any, str], None], ...] = (
    _tell_model,  # before anything else asks the model a question
    _tell_effective,
    _tell_numbers,
    _tell_importance,
)
"""What is told after a training, in this order; one that fails costs only itself."""


def speed(account: Account) -> dict[str, float]:
    """Return how long the rounds took, and how many there were in a second."""
    rounds = account.rounds
    if not (rounds.done and rounds.seconds):
        return {}
    return {"training_time": rounds.seconds, "rounds_per_second": rounds.done / rounds.seconds}


def announce(account: Account, folder: str = "") -> None:
    """Say in one line what was logged, and where."""
    if account.options.silent or account.shared:
        return
    rounds, where = account.rounds, f" in {folder}" if account.told else ""
    told = [f"{len(rounds.names)} metrics of {rounds.done} rounds", *account.told]
    sys.stderr.write(
        f"azml: {account.fit.name}: {', '.join(told)}{where}; see it with: azml run show {account.run.id}\n"
    )


def _version() -> str:
    import xgboost

    return str(xgboost.__version__)


def _not_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
