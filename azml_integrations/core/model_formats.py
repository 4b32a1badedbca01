"""Models of any framework whose format a plugin knows: stored in a run, and loaded from wherever they lie.

The name of the format stands in the model's ``model.json``; by it the plugin is found that reads the model again.
"""

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from .. import errors, names
from ..offers import ModelFormat, is_one_of
from ..plugins import plugins, reach
from . import stored_model
from .stored_model import FACTS, ModelFacts, StoredModel

if TYPE_CHECKING:
    import os

    from .model import Model
    from .run import Run

MOST_FILES = 10_000
"""A format writes so many files at most."""


class FileFacts(msgspec.Struct, frozen=True):
    """One more file of a model.

    Attributes
    ----------
    file : str
        Its name, relative to the model's folder.
    size : int
        [bytes]
    sha256 : str
        Its digest.
    """

    file: str
    size: int
    sha256: str


class FormatFacts(ModelFacts, frozen=True, kw_only=True):
    """What stands in the ``model.json`` of a plugin's format, beside what stands there of every model.

    Attributes
    ----------
    more : list of FileFacts
        Its other files, where it has several.
    """

    more: list[FileFacts] = msgspec.field(default_factory=list)

    def files(self) -> list[FileFacts]:
        """Return all files of the model."""
        return [FileFacts(self.file, self.size, self.sha256), *self.more]


# -- in ----------------------------------------------------------------------------------------------


def save_model(run: "Run", model: object, name: str | None = None, format: str | None = None, **options: object) -> str:
    """Store a model in a run, in a format that a plugin knows, with what is to be known of it beside it.

    Parameters
    ----------
    run : Run
        Where to; it may be over.
    model : object
        What to store.
    name : str, default=None
        Folder below ``outputs/``; the class name by default, or a free name after it.
    format : str, default=None
        Name of the format; by default the first one for models of this class, one that runs no code on loading before
        one that does.
    **options
        As the format takes them.

    Returns
    -------
    str
        The name, for `load_model`.

    Raises
    ------
    OptionError
        If no plugin here has such a format, or none for such a model.
    OfferError
        If the plugin fails.
    ModelExistsError
        If the run has files under that name.
    NameRefusedError
        If `name` is no plain folder name.

    Examples
    --------
    >>> import azml_integrations
    >>> name = azml_integrations.save_model(run, booster)  # doctest: +SKIP
    >>> booster = azml_integrations.load_model(run, name)  # doctest: +SKIP
    """
    if not hasattr(run, "upload_file"):
        raise errors.OptionError(f"save_model got {errors.a(run)} as run; expected a Run, then the model")
    who, chosen = _chosen(model, format)
    place = stored_model.free_place(run, type(model).__name__, name)
    with tempfile.TemporaryDirectory(prefix="azml-model-") as folder:
        try:
            reach(chosen.save)(model, Path(folder), **options)
            first, *others = _written(Path(folder))
        except Exception as error:
            plugins().blame(who, f"model format {chosen.name!r}", error, warn=False)
            raise errors.OfferError(f"model format {chosen.name!r}", who, error, "nothing was stored") from error
        for one in others:
            run.upload_file(f"outputs/{place}/{one.file}", str(Path(folder, one.file)))
        facts = FormatFacts(
            class_=type(model).__qualname__,
            module=type(model).__module__,
            file=first.file,
            format=chosen.name,
            load=chosen.how or "azml_integrations.load_model(run)",
            size=first.size,
            sha256=first.sha256,
            versions=stored_model.versions(chosen.packages),
            more=others,
        )
        stored_model.write(run, f"outputs/{place}", facts, str(Path(folder, first.file)))
    return place


def formats() -> dict[str, tuple[str, ModelFormat]]:
    """Return the formats of all plugins by name, each with its plugin."""
    found: dict[str, tuple[str, ModelFormat]] = {}
    for who, one in plugins().offered("azml_model_formats", ModelFormat):
        if one.name in found:
            why = f"it is left out; plugin {found[one.name][0]!r} has a format of that name"
            plugins().blame(who, f"model format {one.name!r}", why)
        else:
            found[one.name] = who, one
    return found


def _chosen(model: object, name: str | None) -> tuple[str, ModelFormat]:
    there = formats()
    fitting = {key: found for key, found in there.items() if is_one_of(model, found[1].classes)}
    if name in fitting:
        return fitting[name]
    told = ", ".join(f"{key!r} (plugin {who!r})" for key, (who, _) in (fitting or there).items()) or "none"
    if name is not None:
        raise errors.OptionError(f"no plugin here has a format {name!r} for {errors.a(model)}; there are: {told}")
    if not fitting:
        raise errors.OptionError(f"no plugin here has a format for {errors.a(model)}; there are: {told}")
    return min(fitting.values(), key=lambda found: found[1].runs_code)  # min keeps the first of equals


def _written(folder: Path) -> list[FileFacts]:
    """Return what a plugin has written, the first file of it first."""
    found = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise ValueError(f"it wrote {relative!a}, which is no plain file")
        if relative == FACTS:
            raise ValueError(f"it wrote {FACTS}, the name of what stands beside every model; choose another name")
        if path.is_file():
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found.append(FileFacts(names.artifact(relative), path.stat().st_size, digest))
    if not 0 < len(found) <= MOST_FILES:
        raise ValueError(f"it wrote {len(found)} files, expected 1 to {MOST_FILES:,}")
    return found


# -- out ---------------------------------------------------------------------------------------------


def load_model(source: "Run | Model | str | os.PathLike[str]", name: str | None = None, *, trust: bool = False) -> Any:
    """Load a model that a plugin's format holds, after each of its files was found to be the one that was stored.

    The digests guard against damage and against a file that was exchanged alone. Whoever may write in the run's folder
    can exchange all of them, so they are no reason to trust a pickle.

    Parameters
    ----------
    source : Run, Model, str or path-like
        Where from: a run, running or over; a registered model; or the folder to which either was downloaded.
    name : str, default=None
        Folder below ``outputs/``; may be left out where there is one model only.
    trust : bool, default=False
        A format that runs code when it is loaded, as a pickle does, is loaded only with True.

    Returns
    -------
    object
        What the plugin makes of the files.

    Raises
    ------
    ModelNotFoundError
        If there is no model, or none of that name.
    AmbiguousModelError
        If there are several and none is named.
    ModelFormatUnknownError
        If no plugin here reads its format.
    UntrustedModelError
        If loading it would run code.
    ModelChangedError
        If a file is not the one that was stored.
    ModelFactsError
        If the model.json makes no sense.
    OfferError
        If the plugin fails.
    """
    if not isinstance(trust, bool):
        raise errors.OptionError(f"trust is True or False, not {trust!r}")
    stored = stored_model.find(source, name)
    facts = stored.told(FormatFacts)
    there = formats()
    if facts.format not in there:
        raise errors.ModelFormatUnknownError(facts.format, stored.name_of(FACTS), stored.where, list(there), facts.load)
    who, chosen = there[facts.format]
    if chosen.runs_code and not trust:  # the plugin says so, not the file
        why = (
            f"is of the format {chosen.name!r}, and loading that runs whatever code whoever wrote it has put into it; "
            f"if you know who that was, pass trust=True"
        )
        raise errors.UntrustedModelError(stored.name_of(facts.file), stored.where, why)
    with tempfile.TemporaryDirectory(prefix="azml-model-") as folder:
        _unpack(stored, facts, Path(folder))
        try:
            return reach(chosen.load)(Path(folder))
        except Exception as error:
            plugins().blame(who, f"model format {chosen.name!r}", error, warn=False)
            way_out = f"the model is whole; it was made with {_in_words(facts.versions)}"
            raise errors.OfferError(f"model format {chosen.name!r}", who, error, way_out) from error


def _unpack(stored: StoredModel, facts: FormatFacts, folder: Path) -> None:
    """Write each file of a model into a folder; what was hashed is what will be loaded."""
    for one in stored.checked_files(facts, facts.files()):
        path = folder / one.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stored.content(one))


def _in_words(versions: dict[str, str | None]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items() if version)
