"""The model in LightGBM's own text format, beside it what is to be known of it, and the way back. No pickle."""

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

FACTS = "lightgbm.json"
"""Name of the .json beside a model: no other adapter's, each of which loads what is its own."""
FILE = "model.txt"
FORMATS = {"text": FILE}
LOAD = "azml_lightgbm.load_model(run), or lightgbm.Booster(model_file='model.txt')"
MOST_NAMES = 10_000
"""Of more features than this the names stand in the model alone."""


class ModelFacts(stored_model.ModelFacts, frozen=True, kw_only=True):
    """What lightgbm.json says, beside what is said of every model.

    Attributes
    ----------
    estimator : str or None
        Class of the estimator that was fitted; None of a native booster.
    rounds : int or None
        Rounds in the file.
    best_iteration : int or None
        The best one, counted from 1, where early stopping looked for it: the file ends with it.
    features : int
        That go in.
    feature_names : list of str or None
        Of each feature, if they are not too many.
    categories : list of list or None
        Of each categorical column of a pandas table.
    """

    estimator: str | None = None
    rounds: int | None = None
    best_iteration: int | None = None
    features: int = 0
    feature_names: list[str] | None = None
    categories: list[list[Any]] | None = None


def save_model(run: "Run", model: Any, name: str | None = None, max_model_bytes: int = MOST_MODEL_BYTES) -> str:
    """Store a model of LightGBM's in a run: up to its best round, where early stopping found one.

    Parameters
    ----------
    run : Run
        Where to; it may be over.
    model : Booster or LGBMModel
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
        If it is no model of LightGBM's, or too large.
    ModelExistsError
        If the run has files under that name.
    NameRefusedError
        If `name` is no plain folder name.
    """
    from lightgbm import Booster, LGBMModel

    if not isinstance(model, Booster | LGBMModel):
        raise OptionError(f"got {type(model).__name__} to store; expected a Booster or an estimator of LightGBM's")
    place = free_place(run, "Booster", name)
    booster, estimator = (model, None) if isinstance(model, Booster) else (model.booster_, model)
    text = booster.model_to_string()
    if too_large := store(run, booster, text, estimator, f"outputs/{place}", max_model_bytes):
        raise OptionError(f"the model is {too_large}; max_model_bytes=... sets another cap")
    return place


def load_model(source: "Run | Model | str | os.PathLike[str]", name: str | None = None) -> Any:
    """Load a model, after its size and sha256 were found to be those of ``lightgbm.json``. Loading it runs no code.

    Parameters
    ----------
    source : Run, Model, str or path-like
        Where from: a run, running or over; a registered model; or what was downloaded of either, a folder or the file.
    name : str, default=None
        Folder below ``outputs/``; may be left out where there is one model only.

    Returns
    -------
    Booster
        The trained booster. LightGBM cannot make an estimator of it again: its text holds no classes.

    Raises
    ------
    ModelNotFoundError
        If there is no model, or none of that name.
    AmbiguousModelError
        If there are several and none is named.
    ModelChangedError
        If the file is not the one that was stored.
    ModelFactsError
        If the lightgbm.json makes no sense.
    """
    import lightgbm

    stored = stored_model.find(source, name, FACTS)
    facts = stored.facts(ModelFacts, FORMATS, 1 << 22)
    return lightgbm.Booster(model_str=stored.content(facts).decode())


def store(run: "Run", booster: Any, text: str, estimator: Any, folder: str, most_bytes: int) -> str:
    """Write a model into a folder of a run; return why it was not, or nothing."""
    content = text.encode()
    if len(content) > most_bytes:
        return f"larger than {most_bytes:,} bytes"
    features = booster.num_feature()
    facts = ModelFacts(
        class_="Booster",
        module="lightgbm",
        file=FILE,
        format="text",
        load=LOAD,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        versions=stored_model.versions(["lightgbm"]),
        estimator=None if estimator is None else type(estimator).__name__,
        rounds=booster.best_iteration if booster.best_iteration > 0 else booster.current_iteration(),
        best_iteration=booster.best_iteration if booster.best_iteration > 0 else None,
        features=features,
        feature_names=booster.feature_name() if features <= MOST_NAMES else None,
        categories=_plain(booster.pandas_categorical),
    )
    stored_model.write(run, folder, facts, io.BytesIO(content), FACTS)
    return ""


def free_folder(run: "Run") -> str:
    """Return where a model goes: ``outputs/Booster``, or a name after it where there are files under that one."""
    return f"outputs/{free_place(run, 'Booster')}"


def _plain(categories: Any) -> list[list[Any]] | None:
    """Return categories as they can stand in a .json; they are in the model, too."""
    if not categories or sum(map(len, categories)) > MOST_NAMES:
        return None
    return [[each if isinstance(each, str | int | float) else str(each) for each in several] for several in categories]
