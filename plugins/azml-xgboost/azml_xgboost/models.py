"""The model in XGBoost's own format, beside it what is to be known of it, and the way back. No pickle."""

import hashlib
import io
from typing import TYPE_CHECKING, Any

from azml_integrations.core import stored_model
from azml_integrations.core.stored_model import free_place
from azml_integrations.errors import OptionError

from .options import MOST_MODEL_BYTES

if TYPE_CHECKING:
    import os

    from azml_integrations import Run
    from azml_integrations.core import Model

FACTS = "xgboost.json"
"""Name of the .json beside a model: no other adapter's, each of which loads what is its own."""
FILE = "model.ubj"
FORMATS = {"ubj": FILE}
LOAD = "azml_xgboost.load_model(run), or xgboost.Booster(model_file='model.ubj')"
ESTIMATORS = ("XGBClassifier", "XGBRFClassifier", "XGBRFRegressor", "XGBRanker", "XGBRegressor")
"""Classes that a model is loaded into."""
MOST_NAMES = 10_000
"""Of more features than this the names stand in the model alone."""


class ModelFacts(stored_model.ModelFacts, frozen=True, kw_only=True):
    """What xgboost.json says, beside what is said of every model.

    Attributes
    ----------
    estimator : str or None
        Class of XGBoost's that was fitted; None of a native booster.
    rounds : int or None
        Rounds in the model; None where it does not tell.
    best_iteration : int or None
        Where early stopping found the best one.
    objective : str or None
        What was optimized.
    features : int
        That go in.
    feature_names, feature_types : list of str or None
        Of each feature, where they are known.
    """

    estimator: str | None = None
    rounds: int | None = None
    best_iteration: int | None = None
    objective: str | None = None
    features: int = 0
    feature_names: list[str] | None = None
    feature_types: list[str] | None = None


def save_model(run: "Run", model: Any, name: str | None = None, max_model_bytes: int = MOST_MODEL_BYTES) -> str:
    """Store a model of XGBoost's in a run.

    Parameters
    ----------
    run : Run
        Where to; it may be over.
    model : Booster or XGBModel
        A trained one.
    name : str, default=None
        Folder below ``outputs/``; None takes ``Booster``, or a name after it that is free.
    max_model_bytes : int, default=256 MiB
        A larger one is refused [bytes].

    Returns
    -------
    str
        The folder's name, for `load_model`.

    Raises
    ------
    OptionError
        If it is no model of XGBoost's, or too large.
    ModelExistsError
        If the run has files under that name.
    NameRefusedError
        If `name` is no plain folder name.
    """
    from xgboost import Booster, XGBModel

    if not isinstance(model, Booster | XGBModel):
        raise OptionError(f"got {type(model).__name__} to store; expected a Booster or an estimator of XGBoost's")
    place = free_place(run, "Booster", name)
    booster, estimator = (model, None) if isinstance(model, Booster) else (model.get_booster(), model)
    if too_large := store(run, booster, estimator, f"outputs/{place}", max_model_bytes):
        raise OptionError(f"the model is {too_large}; max_model_bytes=... sets another cap")
    return place


def load_model(source: "Run | Model | str | os.PathLike[str]", name: str | None = None) -> Any:
    """Load a model, after its size and sha256 were found to be those of ``xgboost.json``. Loading it runs no code.

    Parameters
    ----------
    source : Run, Model, str or path-like
        Where from: a run, running or over; a registered model; or what was downloaded of either, a folder or the file.
    name : str, default=None
        Folder below ``outputs/``; may be left out where there is one model only.

    Returns
    -------
    Booster or XGBModel
        What was trained: a native booster, or an estimator of the class whose ``fit`` it was.

    Raises
    ------
    ModelNotFoundError
        If there is no model, or none of that name.
    AmbiguousModelError
        If there are several and none is named.
    ModelChangedError
        If the file is not the one that was stored.
    ModelFactsError
        If the xgboost.json makes no sense.
    """
    import xgboost

    stored = stored_model.find(source, name, FACTS)
    facts = stored.facts(ModelFacts, FORMATS, 1 << 22)
    content = bytearray(stored.content(facts))
    if facts.estimator not in ESTIMATORS:
        return xgboost.Booster(model_file=content)
    estimator = getattr(xgboost, facts.estimator)()
    estimator.load_model(content)
    return estimator


def store(run: "Run", booster: Any, estimator: Any, folder: str, most_bytes: int) -> str:
    """Write a model into a folder of a run; return why it was not, or nothing."""
    content = bytes(booster.save_raw(raw_format="ubj"))
    if len(content) > most_bytes:
        return f"larger than {most_bytes:,} bytes"
    names = booster.feature_names if booster.num_features() <= MOST_NAMES else None
    facts = ModelFacts(
        class_="Booster",
        module="xgboost",
        file=FILE,
        format="ubj",
        load=LOAD,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        versions=stored_model.versions([distribution()]),
        estimator=class_of(estimator),
        rounds=booster.num_boosted_rounds(),
        best_iteration=best_iteration(booster),
        objective=objective_of(booster),
        features=booster.num_features(),
        feature_names=names,
        feature_types=booster.feature_types if names else None,
    )
    stored_model.write(run, folder, facts, io.BytesIO(content), FACTS)
    return ""


def free_folder(run: "Run") -> str:
    """Return where a model goes: ``outputs/Booster``, or a name after it where there are files under that one."""
    return f"outputs/{free_place(run, 'Booster')}"


def best_iteration(booster: Any) -> int | None:
    """Return the best round that early stopping found; None where nobody looked for it."""
    text = booster.attr("best_iteration")
    return None if text is None else int(text)


def class_of(estimator: Any) -> str | None:
    """Return the class of XGBoost's that an estimator is, or is derived from."""
    return next((kind.__name__ for kind in type(estimator).__mro__ if kind.__name__ in ESTIMATORS), None)


def objective_of(booster: Any) -> str | None:
    """Return what was optimized."""
    import json

    name = json.loads(booster.save_config())["learner"].get("objective", {}).get("name")
    return None if name is None else str(name)


def distribution() -> str:
    """Return which of XGBoost's distributions is installed: with CUDA, or without."""
    names = ("xgboost", "xgboost-cpu")
    return next((name for name in names if stored_model.version_of(name) is not None), names[0])
