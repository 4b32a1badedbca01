"""What is written about one training."""

import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import attempt, log_parameters, observed_run
from azml_integrations.errors import OptionError
from azml_integrations.pictures import importances, log_picture, note_missing

from . import models
from .fits import Fit
from .importance import importances_of
from .options import SOURCE, Options
from .parameters import effective, readable
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
    shared : bool
        Whether another adapter records the fit: parameters, and what scikit-learn makes of the model, are told by it.
    given : dict of str to object
        Parameters that were given.
    text : str
        The model as text, once it is there.
    told : list of str
        Files stored, for the line at the end.
    missing : dict of str to str
        What is not there, and why, by its name.
    """

    run: "Run"
    options: Options
    fit: Fit
    rounds: Rounds
    shared: bool = False
    given: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    told: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    def attempt(self) -> Any:
        """Return what to do one of several things in."""
        return attempt(SOURCE, self.run, on_error=self.options.on_error)


def begin(run: "Run", options: Options, fit: Fit) -> Account:
    """Return an account of a training that is about to begin."""
    return Account(run, options, fit, Rounds(run, options.on_error), observed_run() is run)


def observe_train(run: "Run", options: Options, given: dict[str, Any]) -> Generator[Any, Any, None]:
    """Log parameters before a training, each round while it runs, the model and its importances after it."""
    fit = Fit.here()
    account = begin(run, options, fit)
    params = dict(given["params"]) if fit.estimator is None else fit.given
    tell_parameters(account, params | {name: given[name] for name in ("num_boost_round", "feval")})
    booster = yield {"callbacks": [account.rounds, *(given["callbacks"] or ())]}
    with account.attempt():
        tell_data(account, given["train_set"], _named(given["train_set"], given["valid_sets"], given["valid_names"]))
    tell_booster(account, booster)


def observe_cv(run: "Run", options: Options, given: dict[str, Any]) -> Generator[Any, Any, None]:
    """Log parameters before a cross-validation, mean and deviation of each round while it runs, the best after it."""
    account = begin(run, options, Fit())
    names = ("num_boost_round", "nfold", "stratified", "shuffle", "metrics", "feval", "seed")
    tell_parameters(account, dict(given["params"]) | {name: given[name] for name in names}, validation="cv")
    results = yield {"callbacks": [account.rounds, *(given["callbacks"] or ())]}
    with account.attempt():
        tell_data(account, given["train_set"], ())
    with account.attempt():
        best = next((len(values) for values in results.values() if isinstance(values, list)), 0)
        stopped = {"best_iteration": best} if best < account.rounds.done else {}
        run.log_metrics({**stopped, **speed(account)})
    announce(account)


def log_booster(run: "Run", model: Any, *, log_models: bool = True, log_images: bool = True) -> None:
    """Write what is known of a trained model into a run: what `AzmlCallback` cannot see, because it ends with a round.

    That is what LightGBM took for parameters, the best round, importances and the model itself.

    Parameters
    ----------
    run : Run
        Where to; it may be over.
    model : Booster or LGBMModel
        A trained one.
    log_models, log_images : bool, default=True
        Whether the model, and the picture and table of importances, are stored.

    Raises
    ------
    OptionError
        If it is no model of LightGBM's.
    """
    from lightgbm import Booster, LGBMModel

    if not isinstance(model, Booster | LGBMModel):
        raise OptionError(f"log_booster takes a Booster or an estimator of LightGBM's; it got {type(model).__name__}")
    booster, fit = (model, Fit()) if isinstance(model, Booster) else (model.booster_, Fit(model))
    account = begin(run, Options(log_models, log_images, silent=True, on_error="raise"), fit)
    tell_parameters(account, dict(fit.given))
    tell_booster(account, booster)


def tell_parameters(account: Account, given: dict[str, Any], **facts: str) -> None:
    """Write who trains and with what; where another adapter records the fit, it has told that."""
    account.given = readable(given)
    with account.attempt():
        there = account.run.get_properties()
        version = f"lightgbm {_version()}"
        theirs = there.get("framework", version) != version
        facts |= {"estimator": account.fit.name, ("framework.lightgbm" if theirs else "framework"): version}
        account.run.add_properties({name: text for name, text in facts.items() if name not in there})
    if not account.shared:
        with account.attempt():
            log_parameters(account.run, SOURCE, account.given)


def tell_data(account: Account, train_set: Any, valid: Iterable[tuple[str, Any]]) -> None:
    """Write how large the data are [rows, columns]; LightGBM knows when it has binned them."""
    sizes = {"data.rows": train_set.num_data(), "data.columns": train_set.num_feature()}
    sizes |= {f"data.{name}.rows": data.num_data() for name, data in valid}
    account.run.add_properties({name: str(size) for name, size in sizes.items()})


def tell_booster(account: Account, booster: Any) -> None:
    """Write all that is known of a booster when its training is over."""
    folder = models.free_folder(account.run)
    with account.attempt():
        account.text = booster.model_to_string()
    for part in PARTS:
        with account.attempt():
            part(account, booster, folder)
    with account.attempt():
        note_missing(account.run, SOURCE, account.missing)
    announce(account, folder)


def _tell_model(account: Account, booster: Any, folder: str) -> None:
    if account.options.log_models and account.text:
        most = account.options.max_model_bytes
        why = models.store(account.run, booster, account.text, account.fit.estimator, folder, most)
        if why:
            account.missing[models.FILE] = why
        else:
            account.told.append(models.FILE)


def _tell_effective(account: Account, _booster: Any, _folder: str) -> None:
    found = effective(account.text, () if account.shared else account.given)
    log_parameters(account.run, SOURCE, found, "effective." if account.shared else "param.")


def _tell_numbers(account: Account, booster: Any, _folder: str) -> None:
    rounds = account.rounds
    values: dict[str, float] = {"num_iterations": booster.current_iteration()}
    if booster.best_iteration > 0:
        values["best_iteration"] = booster.best_iteration
        values |= {
            f"best_score {data} {metric}": float(value)
            for data, scores in booster.best_score.items()
            for metric, value in scores.items()
        }
    if rounds.first + rounds.done < rounds.asked:
        values["stopped_iteration"] = rounds.first + rounds.done
    if rounds.first:
        account.run.add_properties({"continued_from_round": str(rounds.first)})
    account.run.log_metrics({**values, **speed(account)})


def _tell_importance(account: Account, booster: Any, folder: str) -> None:
    if account.options.log_images:
        title, found = f"{importances.TITLE} of {account.fit.name}", importances_of(booster)
        account.told += log_picture(account.run, importances, found, folder, account.missing, title=title)


PARTS: tuple[Callable[[Account, Any, str], None], ...] = (
    _tell_model,
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
    return {"training_time": rounds.seconds, "iterations_per_second": rounds.done / rounds.seconds}


def announce(account: Account, folder: str = "") -> None:
    """Say in one line what was logged, and where."""
    if account.options.silent or account.shared:
        return
    rounds, where = account.rounds, f" in {folder}" if account.told else ""
    told = [f"{len(rounds.names)} metrics of {rounds.done} rounds", *account.told]
    sys.stderr.write(
        f"azml: {account.fit.name}: {', '.join(told)}{where}; see it with: azml run show {account.run.id}\n"
    )


def _named(train_set: Any, valid_sets: Any, valid_names: Any) -> Iterator[tuple[str, Any]]:
    """Yield the evaluation sets by the names that LightGBM gives them, without the training data."""
    several = valid_sets if isinstance(valid_sets, list | tuple) else [valid_sets]
    names = [valid_names] if isinstance(valid_names, str) else list(valid_names or ())
    for number, data in enumerate(several):
        if data is not None and data is not train_set:
            yield names[number] if number < len(names) else f"valid_{number}", data


def _version() -> str:
    import lightgbm

    return str(lightgbm.__version__)
