"""The fitted model as a file, beside it what one must know before loading it, and the way back."""

from typing import TYPE_CHECKING, Any

from azml_integrations.core import stored_model
from azml_integrations.core.stored_model import free_place, version_of
from azml_integrations.errors import AutologWarning, OptionError, warn_outside

from .errors import ModelNotStorableError, ModelNotStoredError, ModelVersionWarning, NoModelError
from .formats import FORMATS, ModelFormat, Source, Trust, View
from .portable import without_callbacks

if TYPE_CHECKING:
    import os

    from azml_integrations import Run
    from azml_integrations.core import Model

MOST_FACT_BYTES = 1 << 20
"""A larger model.json is none of ours [bytes]."""


class ModelFacts(stored_model.ModelFacts, frozen=True, kw_only=True):
    """What model.json says, beside what it says of every model.

    Attributes
    ----------
    of : str or None
        Class of the search that found it.
    protocol : int or None
        Of a pickle.
    untrusted_types : list of str or None
        What one must vouch for to load a skops file.
    inputs, outputs : list of dict or None
        Name, type and shape (None is any length) of what an ONNX model takes and gives.
    opset : dict of str to int or None
        Versions of the ONNX operators, by domain.
    """

    of: str | None = None
    protocol: int | None = None
    untrusted_types: list[str] | None = None
    inputs: list[dict[str, Any]] | None = None
    outputs: list[dict[str, Any]] | None = None
    opset: dict[str, int] | None = None


# -- in ----------------------------------------------------------------------------------------------


def store_model(
    run: "Run",
    fitted: Any,
    folder: str,
    model_format: ModelFormat,
    most_bytes: int,
    missing: dict[str, str],
    X: Any = None,
) -> str:
    """Write a model and its ``model.json``, or say why there is none.

    Parameters
    ----------
    run : Run
        Where to.
    fitted : object
        A fitted estimator; of a search, its best model is stored.
    folder : str
        Folder in the run, ``outputs/Ridge``.
    model_format : ModelFormat
        How.
    most_bytes : int
        Cap on the size of the file [bytes].
    missing : dict of str to str
        Gets why there is no model.
    X : object, default=None
        The training data.

    Returns
    -------
    str
        What was stored, or why not, in a few words.

    Warns
    -----
    AutologWarning
        If the format cannot hold the estimator.
    """
    try:
        _put(run, fitted, folder, model_format, most_bytes, X)
    except ModelNotStoredError as why:
        missing["model"] = why.message
        if isinstance(why, ModelNotStorableError):  # that one cannot be expected
            warn_outside(f"autolog of sklearn: model not stored: {why.message}", AutologWarning, "sklearn")
        return f"no {model_format.file} ({why.short})"
    return model_format.file


def save_model(
    run: "Run",
    estimator: Any,
    name: str | None = None,
    model_format: str = "pickle",
    *,
    X: Any = None,
    max_model_bytes: int | None = None,
) -> str:
    """Store a fitted model in a run.

    Parameters
    ----------
    run : Run
        Where to; it may be over.
    estimator : object
        A fitted estimator; of a search that refits, its best model is stored.
    name : str, default=None
        Folder below ``outputs/``; the class name by default, or a free name after it.
    model_format : {"pickle", "skops", "onnx"}, default="pickle"
        How; see `load_model` for what each demands of whoever loads it.
    X : array or table, default=None
        Some rows of the training data: ONNX asks for the kinds of its columns, where they are not all numbers.
    max_model_bytes : int, default=None
        Cap on the size of the file [bytes].

    Returns
    -------
    str
        The name, for `load_model`.

    Raises
    ------
    OptionError
        If there is no such format.
    ModelFormatMissingError
        If the format's package is not installed.
    ModelNotStorableError
        If the format cannot hold this estimator.
    ModelTooLargeError
        If the file is larger than `max_model_bytes`.
    NoModelError
        If it is a search with ``refit=False``.
    ModelExistsError
        If the run has files under that name.
    NameRefusedError
        If `name` is no plain folder name.

    Examples
    --------
    >>> name = azml_sklearn.save_model(run, model, model_format="skops")  # doctest: +SKIP
    >>> model = azml_sklearn.load_model(run, name)  # doctest: +SKIP
    """
    chosen = format_named(model_format)
    place = free_place(run, type(estimator).__name__, name)
    _put(run, estimator, f"outputs/{place}", chosen, max_model_bytes, X)
    return place


def format_named(name: object) -> ModelFormat:
    """Return the format of that name.

    Raises
    ------
    OptionError
        If there is none.
    """
    if not isinstance(name, str) or name not in FORMATS:
        raise OptionError(f"model_format is one of {', '.join(map(repr, FORMATS))}, not {name!r}")
    return FORMATS[name]


def _put(run: "Run", fitted: Any, folder: str, model_format: ModelFormat, most_bytes: int | None, X: Any) -> None:
    model, search = _model_of(fitted)
    model = without_callbacks(model)
    dumped = model_format.dump(model, X, most_bytes)
    facts = ModelFacts(
        class_=type(model).__qualname__,
        module=type(model).__module__,
        of=search,
        file=model_format.file,
        format=model_format.name,
        load=model_format.how,
        size=dumped.content.nbytes,
        sha256=dumped.sha256,
        versions=stored_model.versions(model_format.packages),
        **dumped.facts,
    )
    stored_model.write(run, folder, facts, View(dumped.content))


def _model_of(fitted: Any) -> tuple[Any, str | None]:
    """Return what to store of a fitted estimator, and the class of the search that found it."""
    best = getattr(fitted, "best_estimator_", None)
    if best is not None:
        return best, type(fitted).__name__
    if hasattr(fitted, "cv_results_") and hasattr(fitted, "multimetric_"):  # a search of scikit-learn's kind
        raise NoModelError(fitted)
    return fitted, None


# -- out ---------------------------------------------------------------------------------------------


def load_model(
    source: "Run | Model | str | os.PathLike[str]", name: str | None = None, trust: bool | list[str] = False
) -> Any:
    """Load a model, after its size and sha256 were found to be those of ``model.json``.

    The digest guards against damage and against a file that was exchanged alone. Whoever may write in the run's
    folder can exchange both files, so it is no reason to trust a pickle.

    Parameters
    ----------
    source : Run, Model, str or path-like
        Where from: a run of any workspace, running or over; a registered model; or what was downloaded of either, a
        folder or the file in it.
    name : str, default=None
        Folder below ``outputs/``, ``Ridge``; may be left out where there is one model only.
    trust : bool or list of str, default=False
        A pickle is loaded only with True, because loading it runs whatever code it holds. Of a skops file, True
        loads all types, a list those that you have reviewed; one that holds only types that skops knows to be
        harmless needs no trust. An ONNX file needs none.

    Returns
    -------
    object
        The estimator; of an ONNX file an ``onnxruntime.InferenceSession``.

    Raises
    ------
    ModelNotFoundError
        If there is no model, or none of that name.
    AmbiguousModelError
        If there are several and none is named.
    ModelChangedError
        If the file is not the one that was stored.
    ModelFactsError
        If the model.json makes no sense.
    UntrustedModelError
        If loading it takes more trust.
    ModelFormatMissingError
        If the format's package is not installed.

    Warns
    -----
    ModelVersionWarning
        If the model was made by another version of scikit-learn.

    Examples
    --------
    >>> model = azml_sklearn.load_model(run, "Ridge", trust=True)  # doctest: +SKIP
    >>> model = azml_sklearn.load_model(Model(workspace, "diabetes"), trust=True)  # doctest: +SKIP
    """
    vouched = _checked_trust(trust)
    stored = stored_model.find(source, name)
    facts = stored.facts(ModelFacts, {known.name: known.file for known in FORMATS.values()}, MOST_FACT_BYTES)
    place = Source(stored.name_of(facts.file), stored.where)
    content = stored.content(facts)
    model_format = FORMATS[facts.format]
    if model_format.tied:
        _compare_versions(facts, place)
    return model_format.load(content, place, vouched)


def _checked_trust(trust: object) -> Trust:
    if isinstance(trust, bool):
        return trust
    if isinstance(trust, (list, tuple, set, frozenset)) and all(isinstance(name, str) for name in trust):
        return frozenset(trust)
    raise OptionError(f"trust is True, False or a list of the names of types that you have reviewed, not {trust!r}")


def _compare_versions(facts: ModelFacts, source: Source) -> None:
    then, now = facts.versions.get("scikit-learn"), version_of("scikit-learn")
    if then != now:
        warn_outside(
            f"{source.name} of {source.where} was made by scikit-learn {then}, this is {now}: it may fail to "
            f"load, or answer otherwise; pip install scikit-learn=={then} gives what it was made with",
            ModelVersionWarning,
        )
