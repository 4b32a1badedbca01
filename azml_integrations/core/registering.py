"""What becomes a registered model: its facts as they are kept, and the files that it is made of."""

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import asdict

from .. import errors, host, names
from ..records import ArtifactRecord, DatasetUse, ModelRecord
from ..store import files
from ..store.registry import Content, entries

if TYPE_CHECKING:
    from .run import Run
    from .workspace import Workspace


def draft(
    name: object,
    *,
    tags: Mapping[str, object] | None,
    properties: Mapping[str, object] | None,
    description: object,
    framework: tuple[object, object],
    datasets: Iterable[object] | None,
    samples: tuple[object, object],
    resources: object,
    workspace: "Workspace",
) -> ModelRecord:
    """Return all that is known of a model before its files are; parameters as in `Model.register`.

    Raises
    ------
    ModelNameRefusedError
        If the name cannot be one.
    """
    return ModelRecord(
        name=names.model(name),
        at=time.time(),
        path="",
        user=host.user(),
        description=names.text("description", str(description or "")),
        tags=as_tags(tags),
        properties=as_properties(properties),
        framework=None if framework[0] is None else str(framework[0]),
        framework_version=None if framework[1] is None else str(framework[1]),
        datasets=_uses(datasets, workspace),
        sample_input=as_use("", samples[0], workspace),
        sample_output=as_use("", samples[1], workspace),
        resources=as_resources(resources),
    )


def as_tags(given: Mapping[str, object] | None) -> dict[str, str | None]:
    """Return tags as they are stored: values of other types as their strings."""
    return {
        names.label("tag", key): None if value is None else names.text("tag", str(value))
        for key, value in _mapping("tag", given).items()
    }


def as_properties(given: Mapping[str, object] | None) -> dict[str, str]:
    """Return properties as they are stored: values of other types as their strings."""
    return {
        names.label("property", key): names.text("property", str(value))
        for key, value in _mapping("property", given).items()
    }


def _mapping(what: str, given: object) -> Mapping[str, object]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise errors.OptionError(f"expected a dict of {what} names to strings, got {errors.a(given)}")
    return given


def _uses(datasets: Iterable[object] | None, workspace: "Workspace") -> list[DatasetUse]:
    """Return what is known of data sets: SDK v1 pairs each with what it was used for."""
    found = []
    for one in datasets or ():
        scenario, dataset = one if isinstance(one, (tuple, list)) and len(one) == 2 else ("", one)  # noqa: PLR2004 - a pair
        if (use := as_use(str(scenario), dataset, workspace)) is not None:
            found.append(use)
    return found


def as_use(scenario: str, dataset: object, workspace: "Workspace") -> DatasetUse | None:
    """Return what is known of a data set: its name, id and version, as far as it has them; one of ours is kept."""
    if dataset is None:
        return None
    if callable(keep := getattr(dataset, "keep_in", None)):
        keep(workspace)
    if isinstance(dataset, str):
        return DatasetUse(scenario, dataset)
    told = (getattr(dataset, key, None) for key in ("name", "id", "version"))
    name, id_, version = (None if value is None else str(value) for value in told)
    return DatasetUse(scenario, name or (type(dataset).__name__ if id_ is None else None), id_, version)


def plain(use: DatasetUse) -> dict[str, str]:
    """Return what is known of a data set as a dict."""
    return {key: value for key, value in asdict(use).items() if value and key != "scenario"}


def as_resources(given: object) -> dict[str, float | None] | None:
    """Return a resource configuration as data: numbers by name."""
    if given is None:
        return None
    told = (
        given
        if isinstance(given, Mapping)
        else {key: getattr(given, key, None) for key in ("cpu", "memory_in_gb", "gpu")}
    )
    try:
        return {str(key): None if value is None else float(value) for key, value in told.items()}
    except (TypeError, ValueError) as error:
        raise errors.OptionError(
            f"resource_configuration got {given!r}; expected numbers of cpu, memory_in_gb, gpu"
        ) from error


# -- files of this machine ---------------------------------------------------------------------------


def on_the_disk(model_path: object, child_paths: Sequence[str] | None, workspace: Path) -> tuple[str, list[Content]]:
    """Return the name of what is registered, and its files."""
    if not isinstance(model_path, (str, os.PathLike)):
        raise errors.OptionError(f"model_path got {errors.a(model_path)}; expected the path of a file or folder")
    path = Path(model_path)
    name = Path(os.path.abspath(path)).name or "model"  # noqa: PTH100 - a link keeps the name that it was called by
    if path.is_file():
        if child_paths:
            raise errors.OptionError(f"child_paths names parts of a folder, and {path} is a file")
        return name, [Content(name, path)]
    found = dict(files.tree(path, without=workspace.resolve())) if path.is_dir() else {}
    if not found:
        there = [entry.name for entry in entries(path if path.is_dir() else path.parent)]
        way_out = "run.register_model registers files of a run"
        raise errors.ModelPathNotFoundError(str(path), str(path.parent.resolve()), there, way_out)
    chosen = list(found) if child_paths is None else _below(child_paths, list(found), str(path))
    return name, [Content(f"{name}/{one}", found[one]) for one in chosen]


def _below(wanted: Sequence[str], there: Sequence[str], where: str) -> list[str]:
    """Return the files that are meant: those of these names, and all below folders of these names."""
    chosen: dict[str, None] = {}
    for one in [wanted] if isinstance(wanted, str) else wanted:
        prefix = PurePosixPath(os.fspath(one)).as_posix().rstrip("/")
        these = [name for name in there if name == prefix or name.startswith(prefix + "/")]
        if not these:
            way_out = "child_paths are relative to model_path"
            raise errors.ModelPathNotFoundError(os.fspath(one), where, there, way_out)
        chosen |= dict.fromkeys(these)
    return list(chosen)


class _Told(msgspec.Struct, frozen=True):
    """What a .json beside a stored model says of the file, whatever else stands there."""

    file: str
    sha256: str


MOST_FACT_BYTES = 1 << 26
"""A larger .json tells nothing of a model [bytes]; that of a model of a million tensors is smaller."""


def beside_on_the_disk(contents: Sequence[Content]) -> list[Content]:
    """Return what tells how to load a single file, if that lies beside it."""
    if len(contents) != 1:
        return []
    path = contents[0].source
    candidate = path.with_suffix(".json")
    if candidate == path or not candidate.is_file() or (told := _told(candidate)) is None:
        return []
    if told.file != path.name or told.sha256 != files.sha256(path):
        return []
    return [Content(candidate.name, candidate)]


def _told(path: Path) -> _Told | None:
    try:
        if path.stat().st_size > MOST_FACT_BYTES:
            return None
        return msgspec.json.decode(path.read_bytes(), type=_Told)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


# -- files of a run ----------------------------------------------------------------------------------


def in_the_run(run: "Run", model_path: object) -> tuple[str, list[ArtifactRecord], list[ArtifactRecord]]:
    """Return the path of what is registered, its files, and what tells how to load it."""
    given = os.fspath(model_path) if isinstance(model_path, os.PathLike) else model_path
    try:
        wanted = names.artifact(given.rstrip("/") if isinstance(given, str) else given)
    except errors.NameRefusedError:
        wanted = ""
    if wanted:
        run._collect_now(wanted)  # noqa: SLF001 - what lies in ./outputs is the run's, at its end at the latest
    there = {record.name: record for record in run._store().artifacts(run.id)}  # noqa: SLF001 - likewise
    if wanted in there:
        record = there[wanted]
        return wanted, [record], _beside_in_the_run(run, there, record)
    found = [record for name, record in there.items() if wanted and name.startswith(wanted + "/")]
    if not found:
        way_out = "upload_file puts one there; Model.register takes files of this machine"
        raise errors.ModelPathNotFoundError(str(given), f"run {run.id}", sorted(there), way_out)
    return wanted, found, []


def _beside_in_the_run(run: "Run", there: Mapping[str, ArtifactRecord], file: ArtifactRecord) -> list[ArtifactRecord]:
    candidate = there.get(PurePosixPath(file.name).with_suffix(".json").as_posix())
    if candidate is None or candidate is file:
        return []
    told = _told(files.locate(run.experiment.workspace.view.folder(run.id), candidate))
    known = told is not None and (told.file, told.sha256) == (PurePosixPath(file.name).name, file.sha256)
    return [candidate] if known else []


def linkable(folder: Path, record: ArtifactRecord, name: str) -> Content:
    """Return a file of a run; one whose digest was taken when it was copied in is never written to again."""
    return Content(name, files.locate(folder, record), record.sha256, linkable=bool(record.sha256))
