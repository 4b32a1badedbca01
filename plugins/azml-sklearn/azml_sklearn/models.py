"""The fitted model as a file, beside it what one must know before loading it, and the way back."""

import contextlib
import functools
import hashlib
import io
import platform
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from azml_integrations.errors import (
    AmbiguousModelError,
    AutologWarning,
    ModelChangedError,
    ModelExistsError,
    ModelFactsError,
    ModelNotFoundError,
    NameRefusedError,
    OptionError,
    warn_outside,
)

from .errors import ModelNotStorableError, ModelNotStoredError, ModelVersionWarning, NoModelError, in_words
from .formats import FORMATS, ModelFormat, Source, Trust, View
from .portable import without_callbacks

if TYPE_CHECKING:
    from azml_integrations import Run

FACTS = "model.json"
MOST_FACT_BYTES = 1 << 20
"""A larger model.json is none of ours [bytes]."""

_SHA256 = r"\A[0-9a-f]{64}\Z"


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"class_": "class"}):
    """What model.json says.

    Attributes
    ----------
    class_, module : str
        Class of the stored estimator.
    of : str or None
        Class of the search that found it.
    file : str
        Name of the model file, in the same folder.
    format : str
        Key of `FORMATS`.
    load : str
        How to load it, for people.
    size : int
        Of the file [bytes].
    sha256 : str
        Of the file.
    versions : dict of str to str
        Of Python and the packages that made it; None where one is not installed.
    protocol : int or None
        Of a pickle.
    untrusted_types : list of str or None
        What one must vouch for to load a skops file.
    inputs, outputs : list of dict or None
        Name, type and shape (None is any length) of what an ONNX model takes and gives.
    opset : dict of str to int or None
        Versions of the ONNX operators, by domain.
    """

    class_: str
    module: str
    of: str | None = None
    file: str
    format: str
    load: str = ""
    size: Annotated[int, msgspec.Meta(ge=0)]
    sha256: Annotated[str, msgspec.Meta(pattern=_SHA256)]
    versions: dict[str, str | None]
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
    place = free_folder(run, type(estimator).__name__) if name is None else _free_name(run, name)
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


def free_folder(run: "Run", name: str) -> str:
    """Return the class name, or a name after it where the user has files under that one."""
    there = {file.split("/")[1] for file in run.get_file_names() if file.startswith("outputs/") and file.count("/") > 1}
    candidates = (name if number == 1 else f"{name}_{number}" for number in range(1, len(there) + 2))
    return next(candidate for candidate in candidates if candidate not in there)


def _free_name(run: "Run", name: object) -> str:
    if not isinstance(name, str) or not name.strip(". ") or "/" in name or "\\" in name:
        raise NameRefusedError("model name", name, "expected the plain name of a folder below outputs/")
    if free_folder(run, name) != name:
        raise ModelExistsError(name, f"run {run.id}", "choose another name, or leave it out")
    return name


def _put(run: "Run", fitted: Any, folder: str, model_format: ModelFormat, most_bytes: int | None, X: Any) -> None:
    model, search = _model_of(fitted)
    model = without_callbacks(model)
    versions: dict[str, str | None] = {name: _version(name) for name in model_format.packages}
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
        versions={"python": platform.python_version(), **versions},
        **dumped.facts,
    )
    run.upload_file(f"{folder}/{model_format.file}", View(dumped.content))
    text = msgspec.json.format(msgspec.json.encode(facts), indent=2)
    run.upload_file(f"{folder}/{FACTS}", io.BytesIO(text))  # last: a model without it was not stored to the end


def _model_of(fitted: Any) -> tuple[Any, str | None]:
    """Return what to store of a fitted estimator, and the class of the search that found it."""
    best = getattr(fitted, "best_estimator_", None)
    if best is not None:
        return best, type(fitted).__name__
    if hasattr(fitted, "cv_results_") and hasattr(fitted, "multimetric_"):  # a search of scikit-learn's kind
        raise NoModelError(fitted)
    return fitted, None


@functools.cache
def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


# -- out ---------------------------------------------------------------------------------------------


def load_model(run: "Run", name: str | None = None, trust: bool | list[str] = False) -> Any:
    """Load a model out of a run, after its size and sha256 were found to be those of ``model.json``.

    The digest guards against damage and against a file that was exchanged alone. Whoever may write in the run's
    folder can exchange both files, so it is no reason to trust a pickle.

    Parameters
    ----------
    run : Run
        Where from: of any workspace, running or over.
    name : str, default=None
        Folder below ``outputs/``, ``Ridge``; may be left out where the run has one model only.
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
        If the run has no model, or none of that name.
    AmbiguousModelError
        If it has several and none is named.
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
    """
    vouched = _checked_trust(trust)
    folder = _folder_of(run, name)
    facts = _facts(run, folder)
    source = Source(f"{folder}/{facts.file}", run.id)
    content = _content(run, facts, source)
    model_format = FORMATS[facts.format]
    if model_format.tied:
        _compare_versions(facts, source)
    return model_format.load(content, source, vouched)


def _checked_trust(trust: object) -> Trust:
    if isinstance(trust, bool):
        return trust
    if isinstance(trust, (list, tuple, set, frozenset)) and all(isinstance(name, str) for name in trust):
        return frozenset(trust)
    raise OptionError(f"trust is True, False or a list of the names of types that you have reviewed, not {trust!r}")


def _folder_of(run: "Run", name: str | None) -> str:
    found = (re.fullmatch(r"outputs/([^/]+)/model\.json", file) for file in run.get_file_names())
    there = [match[1] for match in found if match]
    if (name is None and not there) or (name is not None and name not in there):
        raise ModelNotFoundError(name, f"run {run.id}", there)
    if name is None and len(there) > 1:
        raise AmbiguousModelError(f"run {run.id}", there)
    return f"outputs/{name or there[0]}"


def _facts(run: "Run", folder: str) -> ModelFacts:
    """Read model.json, which may have been changed: of what it says, only what is harmless is believed."""
    name = f"{folder}/{FACTS}"
    with _downloaded(run, name) as path:
        if path.stat().st_size > MOST_FACT_BYTES:
            raise ModelFactsError(name, f"run {run.id}", f"it is larger than {in_words(MOST_FACT_BYTES)}")
        text = path.read_bytes()
    try:
        facts = msgspec.json.decode(text, type=ModelFacts)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelFactsError(name, f"run {run.id}", str(error)) from error
    if facts.format not in FORMATS:
        raise ModelFactsError(name, f"run {run.id}", f"the format {facts.format!r} is unknown")
    if facts.file != FORMATS[facts.format].file:  # no path, and no other file of the run
        raise ModelFactsError(name, f"run {run.id}", f"the file of a {facts.format} is not {facts.file!r}")
    return facts


def _content(run: "Run", facts: ModelFacts, source: Source) -> bytes:
    """Read the model file once; what was hashed is what will be loaded."""
    with _downloaded(run, source.name) as path:
        size = path.stat().st_size
        if size != facts.size:  # before a file of any size is read into memory
            raise ModelChangedError(source.name, f"run {run.id}", f"{size:,} bytes", f"{facts.size:,}")
        content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != facts.sha256:
        raise ModelChangedError(source.name, f"run {run.id}", f"the sha256 {digest[:12]}...", f"{facts.sha256[:12]}...")
    return content


def _compare_versions(facts: ModelFacts, source: Source) -> None:
    then, now = facts.versions.get("scikit-learn"), _version("scikit-learn")
    if then != now:
        warn_outside(
            f"{source.name} of run {source.run_id} was made by scikit-learn {then}, this is {now}: it may fail to "
            f"load, or answer otherwise; pip install scikit-learn=={then} gives what it was made with",
            ModelVersionWarning,
        )


@contextlib.contextmanager
def _downloaded(run: "Run", name: str) -> Iterator[Path]:
    """Copy a file of the run to where nobody else writes."""
    import tempfile  # 3 ms, only to copy out

    with tempfile.TemporaryDirectory(prefix="azml-model-") as folder:
        path = Path(folder, "file")
        run.download_file(name, path)
        yield path
