"""A registered model: files under a name and a version that somebody else can ask for."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NoReturn

from msgspec.structs import asdict, replace

from .. import errors, names
from ..records import (
    ModelDescribed,
    ModelFile,
    ModelRecord,
    PropertiesAdded,
    TagsRemoved,
    TagsSet,
)
from ..store import files
from ..store.registry import BESIDE, FILES, Registry, entries, located
from .model_search import Wanted, asked, newest_first, not_found, number_of, pairs, there_is
from .pages import escape, table_html
from .registering import (
    as_properties,
    as_resources,
    as_tags,
    as_use,
    beside_on_the_disk,
    draft,
    in_the_run,
    linkable,
    on_the_disk,
    plain,
)

if TYPE_CHECKING:
    from ..journal import Event
    from .run import Run
    from .workspace import Workspace

CACHE = "azureml-models"
"""Folder in which SDK v1 laid the models of a service, by name and version."""

_SCRIPT = "a script of your own loads it with azml_sklearn.load_model(model) or azml_torch.load_model(model), or from"


class Framework:
    """What a model was made with."""

    CUSTOM = "Custom"
    MULTI = "Multi"
    ONNX = "Onnx"
    PYTORCH = "PyTorch"
    SCIKITLEARN = "ScikitLearn"
    TENSORFLOW = "TensorFlow"
    TFKERAS = "TfKeras"


class Model:
    """A registered model.

    Parameters
    ----------
    workspace : Workspace
        Where to look.
    name : str, default=None
        Its name; the newest version of it by default.
    id : str, default=None
        ``name:version``.
    tags, properties : list, default=None
        Only a model with these: each is a key, or a pair of key and value.
    version : int or str, default=None
        This one.
    run_id : str, default=None
        Only a model of this run.
    model_framework : str, default=None
        Only a model of this framework.
    expand : bool, default=True
        Ignored.

    Raises
    ------
    RegisteredModelNotFoundError
        If there is none.
    ModelNameRefusedError
        If the name cannot be one.
    ModelFactsError
        If the model.json of a version of the name makes no sense.
    """

    Framework = Framework

    def __init__(
        self,
        workspace: "Workspace",
        name: str | None = None,
        id: str | None = None,
        tags: object = None,
        properties: object = None,
        version: int | str | None = None,
        run_id: str | None = None,
        model_framework: str | None = None,
        expand: bool = True,
        **kwargs: object,
    ) -> None:
        if kwargs:
            raise errors.OptionError(f"Model does not know {', '.join(sorted(kwargs))}")
        shelf = Registry(_checked(workspace).root)
        name, number = asked(name, id, version)
        wanted = Wanted(pairs("tags", tags), pairs("properties", properties), run_id, model_framework, version=number)
        if name is None and wanted == Wanted():
            raise errors.WebserviceException(
                "Model expects a name or an id, or tags, properties, a run_id or a framework"
            )
        record = next((one for one in _candidates(shelf, name, number) if wanted.fits(one)), None)
        if record is None:
            raise not_found(workspace, shelf, name, number, wanted)
        self._settle(workspace, record)

    @classmethod
    def _of(cls, workspace: "Workspace", record: ModelRecord) -> "Model":
        model = cls.__new__(cls)
        model._settle(workspace, record)  # noqa: SLF001 - a constructor
        return model

    def _settle(self, workspace: "Workspace", record: ModelRecord) -> None:
        self._workspace = workspace
        self._shelf = Registry(workspace.root)
        self._registered = record

    # -- registering ---------------------------------------------------------------------------------

    @staticmethod
    def register(
        workspace: "Workspace",
        model_path: str | os.PathLike[str],
        model_name: str,
        tags: Mapping[str, object] | None = None,
        properties: Mapping[str, object] | None = None,
        description: str | None = None,
        datasets: Iterable[object] | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        child_paths: Sequence[str] | None = None,
        sample_input_dataset: object = None,
        sample_output_dataset: object = None,
        resource_configuration: object = None,
        **kwargs: object,
    ) -> "Model":
        """Copy a file or folder of this machine into the registry, as the next version of a name.

        Parameters
        ----------
        workspace : Workspace
            Where to.
        model_path : str or path-like
            The file or folder; links to files are followed, links to folders are not.
        model_name : str
            1 to 255 letters, digits, ``-``, ``_`` and ``.``, the first a letter or digit.
        tags, properties : dict of str to str, default=None
            Values of other types are stored as their strings.
        description : str, default=None
            Free text.
        datasets : list of (str, data set), default=None
            What it was trained on, each with what for.
        model_framework, model_framework_version : str, default=None
            See `Model.Framework`.
        child_paths : list of str, default=None
            Of a folder, only these files and folders, relative to it.
        sample_input_dataset, sample_output_dataset, resource_configuration : optional
            Kept as data.

        Returns
        -------
        model : Model
            Complete; a process that is killed before leaves none.

        Raises
        ------
        ModelPathNotFoundError
            If there is no such file or folder, or nothing in it.
        ModelNameRefusedError
            If the name cannot be one.
        StoreError
            If the disk refuses.
        """
        if kwargs:
            raise errors.OptionError(f"Model.register does not know {', '.join(sorted(kwargs))}")
        told = draft(
            model_name,
            tags=tags,
            properties=properties,
            description=description,
            framework=(model_framework, model_framework_version),
            datasets=datasets,
            samples=(sample_input_dataset, sample_output_dataset),
            resources=resource_configuration,
            workspace=_checked(workspace),
        )
        path, contents = on_the_disk(model_path, child_paths, _checked(workspace).root)
        print(f"Registering model {told.name}")  # noqa: T201 - as SDK v1
        record = Registry(workspace.root).add(replace(told, path=path), contents, beside_on_the_disk(contents))
        return Model._of(workspace, record)

    # -- facts ---------------------------------------------------------------------------------------

    @property
    def _record(self) -> ModelRecord:
        """Return what is known of the model now.

        Raises
        ------
        RegisteredModelNotFoundError
            If it was deleted.
        """
        record = self._shelf.read(self.name, self.version)
        if record is None:
            raise errors.RegisteredModelNotFoundError(self.id, self._workspace.name, there_is(self._shelf, self.name))
        return record

    @property
    def workspace(self) -> "Workspace":
        """Return the workspace."""
        return self._workspace

    @property
    def name(self) -> str:
        """Return the name."""
        return self._registered.name

    @property
    def version(self) -> int:
        """Return the version, counted from 1 within the name."""
        return self._registered.version

    @property
    def id(self) -> str:
        """Return ``name:version``."""
        return self._registered.id

    @property
    def url(self) -> str:
        """Return an address of SDK v1's kind; nothing is to be had there."""
        return f"aml://asset/{names.digest(f'{self._workspace.root}/{self.id}')}"

    @property
    def path(self) -> str:
        """Return where the file or folder lies in the registry: to be read, not to be written to."""
        return str(files.below(self._shelf.at(self.name, self.version) / FILES, self._registered.path))

    @property
    def description(self) -> str:
        """Return the description."""
        return self._record.description

    @property
    def tags(self) -> dict[str, str | None]:
        """Return the tags."""
        return dict(self._record.tags)

    @property
    def properties(self) -> dict[str, str]:
        """Return the properties."""
        return dict(self._record.properties)

    @property
    def created_time(self) -> datetime:
        """Return when it was registered, in UTC."""
        return datetime.fromtimestamp(self._registered.at, UTC)

    @property
    def created_by(self) -> str | None:
        """Return the login name of whoever registered it."""
        return self._registered.user

    @property
    def model_framework(self) -> str | None:
        """Return what it was made with, as it was given."""
        return self._registered.framework

    @property
    def model_framework_version(self) -> str | None:
        """Return which version of that, as it was given."""
        return self._registered.framework_version

    @property
    def run_id(self) -> str | None:
        """Return the id of the run that it is of."""
        return self._registered.run_id

    @property
    def run(self) -> "Run | None":
        """Return the run that it is of; None where there is none, or where it was deleted."""
        if self.run_id is None:
            return None
        try:
            return self._workspace.get_run(self.run_id)
        except errors.RunNotFoundError:
            return None

    @property
    def experiment_name(self) -> str | None:
        """Return the experiment of the run that it is of."""
        return self._registered.experiment

    @property
    def datasets(self) -> dict[str, list[dict[str, str]]]:
        """Return what is known of the data sets that it was registered with, by what they were used for."""
        found: dict[str, list[dict[str, str]]] = {}
        for use in self._registered.datasets:
            found.setdefault(use.scenario, []).append(plain(use))
        return found

    @property
    def sample_input_dataset(self) -> dict[str, str] | None:
        """Return what is known of the example of what goes in."""
        use = self._record.sample_input
        return None if use is None else plain(use)

    @property
    def sample_output_dataset(self) -> dict[str, str] | None:
        """Return what is known of the example of what comes out."""
        use = self._record.sample_output
        return None if use is None else plain(use)

    @property
    def resource_configuration(self) -> dict[str, float | None] | None:
        """Return what a service would want, as it was given."""
        return self._record.resources

    # -- changing ------------------------------------------------------------------------------------

    def add_tags(self, tags: Mapping[str, object]) -> None:
        """Set tags, or overwrite them; values of other types are stored as their strings."""
        self.update_tags_properties(add_tags=tags)

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Take tags away; unknown ones are no error."""
        self.update_tags_properties(remove_tags=tags)

    def add_properties(self, properties: Mapping[str, object]) -> None:
        """Add properties, which never change afterwards.

        Raises
        ------
        PropertyError
            If one of them is there with another value; none is added then.
        """
        self.update_tags_properties(add_properties=properties)

    def update_tags_properties(
        self,
        add_tags: Mapping[str, object] | None = None,
        remove_tags: Sequence[str] | None = None,
        add_properties: Mapping[str, object] | None = None,
    ) -> None:
        """Set tags, take tags away, and add properties, all or nothing.

        Parameters
        ----------
        add_tags : dict of str to str, default=None
            Tags to set or overwrite.
        remove_tags : list of str, default=None
            Tags to take away.
        add_properties : dict of str to str, default=None
            Properties to add.

        Raises
        ------
        PropertyError
            If a property is there with another value.
        """
        record, now = self._record, time.time()
        new, properties = as_tags(add_tags), as_properties(add_properties)
        for key, value in properties.items():
            if record.properties.get(key, value) != value:
                raise errors.PropertyError(key, record.properties[key], value)
        gone = [remove_tags] if isinstance(remove_tags, str) else list(remove_tags or ())
        self._append(
            TagsSet(new, now) if new else None,
            TagsRemoved([names.label("tag", key) for key in gone], now) if gone else None,
            PropertiesAdded(properties, now) if properties else None,
        )

    def update(
        self,
        tags: Mapping[str, object] | None = None,
        description: str | None = None,
        sample_input_dataset: object = None,
        sample_output_dataset: object = None,
        resource_configuration: object = None,
    ) -> None:
        """Replace what is given; None leaves it as it is.

        Parameters
        ----------
        tags : dict of str to str, default=None
            All tags that the model has from now on.
        description : str, default=None
            Free text.
        sample_input_dataset, sample_output_dataset, resource_configuration : optional
            Kept as data.
        """
        record, now = self._record, time.time()
        new = None if tags is None else as_tags(tags)
        gone = [] if new is None else [key for key in record.tags if key not in new]
        described = ModelDescribed(
            now,
            None if description is None else names.text("description", str(description)),
            as_use("", sample_input_dataset, self._workspace),
            as_use("", sample_output_dataset, self._workspace),
            as_resources(resource_configuration),
        )
        self._append(
            TagsRemoved(gone, now) if gone else None,
            TagsSet(new, now) if new else None,
            described if described != ModelDescribed(now) else None,
        )

    def _append(self, *events: "Event | None") -> None:
        if told := [event for event in events if event is not None]:
            self._shelf.append(self.name, self.version, *told)

    def delete(self) -> None:
        """Delete this version for good; its number is never given again.

        Raises
        ------
        RegisteredModelNotFoundError
            If it was deleted already.
        StoreError
            If the disk refuses.
        """
        if not self._shelf.at(self.name, self.version).exists():
            raise errors.RegisteredModelNotFoundError(self.id, self._workspace.name, there_is(self._shelf, self.name))
        self._shelf.delete(self.name, self.version)

    # -- the files -----------------------------------------------------------------------------------

    def download(
        self,
        target_dir: str | os.PathLike[str] = ".",
        exist_ok: bool = False,
        exists_ok: bool | None = None,
    ) -> str:
        """Copy the files out of the registry, after their digests were found to be those of the registration.

        Parameters
        ----------
        target_dir : str or path-like, default="."
            Folder to copy to; made when needed.
        exist_ok : bool, default=False
            Whether files that are there are replaced.
        exists_ok : bool, default=None
            The older name for `exist_ok`.

        Returns
        -------
        path : str
            Where the file or folder lies now.

        Raises
        ------
        ModelFileExistsError
            If a file is there already; nothing was downloaded then.
        ModelChangedError
            If a file is not the one that was registered; nothing was downloaded then.
        StoreError
            If the disk refuses.
        """
        record, target = self._record, Path(target_dir)
        top = target / names.artifact(record.path)
        wanted = {file.name: target / names.artifact(file.name) for file in record.files}
        if not (exist_ok if exists_ok is None else exists_ok):
            for path in wanted.values():
                if os.path.lexists(path):
                    raise errors.ModelFileExistsError(str(path))
        try:
            self._copy_out(record, target, wanted)
        except errors.StoreError:
            raise
        except OSError as error:
            raise errors.StoreError(str(target), error) from error
        return str(top)

    def _copy_out(self, record: ModelRecord, target: Path, wanted: Mapping[str, Path]) -> None:
        """Copy all files beside their places, and move them there when all are what they should be."""
        import shutil  # 2 ms, only to copy out

        target.mkdir(parents=True, exist_ok=True)
        staged = target / f".azml-{os.urandom(4).hex()}.partial"
        try:
            for file in record.files:
                copy = staged / file.name
                copy.parent.mkdir(parents=True, exist_ok=True)
                self._compare(file, files.copy_hashing(self._locate(file), copy))
            for name, path in wanted.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                (staged / name).replace(path)
        finally:
            shutil.rmtree(staged, ignore_errors=True)

    def _locate(self, file: ModelFile, part: str = FILES) -> Path:
        return located(self._shelf.at(self.name, self.version), file, part)

    def _compare(self, file: ModelFile, digest: str) -> None:
        if digest != file.sha256:
            found, wanted = f"the sha256 {digest[:12]}...", f"{file.sha256[:12]}..."
            raise errors.ModelChangedError(file.name, f"model {self.id}", found, wanted)

    def get_file_names(self) -> "_Names":
        """Return the names of the files, sorted; each begins with the last part of what was registered."""
        return sorted(file.name for file in self._registered.files)

    def read_file(self, name: str, most_bytes: int | None = None) -> bytes:
        """Return the content of a file, after its digest was found to be that of the registration.

        Parameters
        ----------
        name : str
            As `get_file_names` has it, or the name of what was written beside the model.
        most_bytes : int, default=None
            A larger file is not read [bytes].

        Raises
        ------
        ModelNotFoundError
            If the model has no such file.
        ModelChangedError
            If it is not the one that was registered, or larger.
        """
        file, part = self._file(name)
        try:
            path = self._locate(file, part)
            size = path.stat().st_size
            if size != file.size or (most_bytes is not None and size > most_bytes):
                wanted = file.size if most_bytes is None else min(file.size, most_bytes)
                raise errors.ModelChangedError(file.name, f"model {self.id}", f"{size:,} bytes", f"{wanted:,}")
            content = path.read_bytes()
        except OSError as error:
            raise errors.StoreError(f"{file.name} of model {self.id}", error, doing="read") from error
        from hashlib import sha256

        self._compare(file, sha256(content).hexdigest())
        return content

    def _file(self, name: str) -> tuple[ModelFile, str]:
        for part, several in ((FILES, self._registered.files), (BESIDE, self._registered.beside)):
            for file in several:
                if file.name == name:
                    return file, part
        raise errors.ModelNotFoundError(name, f"model {self.id}", self.get_file_names())

    def get_sas_urls(self) -> dict[str, str]:
        """Return the address of each file by its name; they need no signature on this machine."""
        return {file.name: self._locate(file).as_uri() for file in self._registered.files}

    @staticmethod
    def get_model_path(model_name: str, version: int | str | None = None, _workspace: "Workspace | None" = None) -> str:
        """Return where the files of a model lie on this machine.

        Searched are, in this order, ``azureml-models/<name>/<version>/`` beside ``AZUREML_MODEL_DIR`` and in the
        working directory, then ``./<name>`` where no version is asked for, then the registry. Where a workspace is
        given, its registry comes first.

        Parameters
        ----------
        model_name : str
            The name.
        version : int or str, default=None
            The newest by default.
        _workspace : Workspace, default=None
            By default that of the current run, or the one that a config.json names.

        Returns
        -------
        path : str
            A file or a folder, to be read, not to be written to.

        Raises
        ------
        ModelNotFoundException
            If there is none.
        ModelNameRefusedError
            If the name cannot be one.
        """
        name, number = names.model(model_name), None if version is None else number_of(version)
        if _workspace is None:
            found = _delivered(name, number)
            return found if found is not None else Model(_here(), name, version=number).path
        try:
            return Model(_workspace, name, version=number).path
        except errors.ModelNotFoundException:
            found = _delivered(name, number)
            if found is None:
                raise
            return found

    # -- all of them ---------------------------------------------------------------------------------

    @staticmethod
    def list(
        workspace: "Workspace",
        name: str | None = None,
        tags: object = None,
        properties: object = None,
        run_id: str | None = None,
        latest: bool = False,
        dataset_id: str | None = None,
        expand: bool = True,  # noqa: ARG004 - SDK v1's signature
        page_count: int = 255,  # noqa: ARG004 - likewise
        model_framework: str | None = None,
    ) -> "_Models":
        """Return the models of a workspace, those that were registered last first.

        Parameters
        ----------
        workspace : Workspace
            Where to look.
        name : str, default=None
            Only versions of this one.
        tags, properties : list, default=None
            Only models with these: each is a key, or a pair of key and value.
        run_id : str, default=None
            Only models of this run.
        latest : bool, default=False
            Whether of each name only the newest version is returned, of those that fit.
        dataset_id : str, default=None
            Only models that were registered with this data set.
        model_framework : str, default=None
            Only models of this framework.
        expand, page_count : optional
            Ignored.
        """
        wanted = Wanted(pairs("tags", tags), pairs("properties", properties), run_id, model_framework, dataset_id)
        found = [record for record in Registry(_checked(workspace).root).records(name) if wanted.fits(record)]
        if latest:
            found = [*{record.name: record for record in reversed(found)}.values()]  # newest first: the last one stays
        return [Model._of(workspace, record) for record in sorted(found, key=newest_first)]

    # -- travel --------------------------------------------------------------------------------------

    def serialize(self) -> dict[str, Any]:
        """Return the model as a dict that JSON takes."""
        record = self._record
        return {
            "id": self.id,
            "name": self.name,
            "version": self.version,
            "workspace": self._workspace.name,
            "description": record.description,
            "tags": dict(record.tags),
            "properties": dict(record.properties),
            "framework": record.framework,
            "frameworkVersion": record.framework_version,
            "runId": record.run_id,
            "experimentName": record.experiment,
            "createdTime": self.created_time.isoformat(),
            "createdBy": record.user,
            "url": self.url,
            "path": record.path,
            "files": [asdict(file) for file in record.files],
            "datasets": self.datasets,
            "sampleInputDataset": self.sample_input_dataset,
            "sampleOutputDataset": self.sample_output_dataset,
            "resourceRequirements": record.resources,
        }

    @staticmethod
    def deserialize(workspace: "Workspace", model_payload: Mapping[str, Any]) -> "Model":
        """Return the model that `serialize` has described.

        Parameters
        ----------
        workspace : Workspace
            Where it is registered.
        model_payload : dict
            What `serialize` returned.

        Raises
        ------
        WebserviceException
            If it is another workspace's, or names no model of this one.
        """
        told = model_payload.get("id")
        if not isinstance(told, str):
            raise errors.WebserviceException("deserialize got a dict without an id; expected what serialize() returns")
        if model_payload.get("workspace", workspace.name) != workspace.name:
            raise errors.WebserviceException(
                f"model {told} is of workspace {model_payload['workspace']!r}, and this is {workspace.name!r}"
            )
        return Model(workspace, id=told)

    def __repr__(self) -> str:
        """Return the line that SDK v1 prints."""
        return (
            f"Model(workspace={self._workspace!r}, name={self.name}, id={self.id}, version={self.version}, "
            f"tags={self.tags}, properties={self.properties})"
        )

    def _repr_html_(self) -> str:
        record = self._record
        tags = ", ".join(key if value is None else f"{key}={value}" for key, value in record.tags.items())
        facts = {
            "Name": self.name,
            "Version": str(self.version),
            "Framework": " ".join(filter(None, (record.framework, record.framework_version))),
            "Registered": f"{self.created_time:%Y-%m-%d %H:%M} UTC",
            "Run": record.run_id or "",
            "Tags": tags,
            "Files": self.path,
        }
        return table_html({key: escape(value) for key, value in facts.items()})

    def __eq__(self, other: object) -> bool:
        """Two handles on one version are equal."""
        return isinstance(other, Model) and (self._workspace, self.id) == (other._workspace, other.id)

    def __hash__(self) -> int:
        """Hash by address."""
        return hash((self._workspace, self.id))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as an address."""
        return _by_id, (self._workspace, self.id)

    # -- what needs the cloud ------------------------------------------------------------------------

    @staticmethod
    def deploy(*args: object, **kwargs: object) -> NoReturn:  # noqa: ARG004 - whatever it is asked with
        """Refuse: there is no service to put a model into.

        Raises
        ------
        NeedsCloudError
            Always.
        """
        way_out = f"{_SCRIPT} model.path; a web framework of your choice can serve what it predicts"
        raise errors.NeedsCloudError("Model.deploy", way_out)

    @staticmethod
    def package(*args: object, **kwargs: object) -> NoReturn:  # noqa: ARG004 - whatever it is asked with
        """Refuse: no image is built here.

        Raises
        ------
        NeedsCloudError
            Always.
        """
        way_out = "model.download(folder) gives the files to put into an image of your own"
        raise errors.NeedsCloudError("Model.package", way_out)

    @staticmethod
    def profile(*args: object, **kwargs: object) -> NoReturn:  # noqa: ARG004 - whatever it is asked with
        """Refuse: there is no service whose needs could be measured.

        Raises
        ------
        NeedsCloudError
            Always.
        """
        raise errors.NeedsCloudError("Model.profile", f"{_SCRIPT} model.path, and can time what it predicts")


_Models = list[Model]
_Names = list[str]


def _by_id(workspace: "Workspace", model_id: str) -> Model:
    return Model(workspace, id=model_id)


def latest(workspace: "Workspace") -> dict[str, Model]:
    """Return the newest version of each model of a workspace, by name."""
    return {model.name: model for model in sorted(Model.list(workspace, latest=True), key=lambda model: model.name)}


def _candidates(shelf: Registry, name: str | None, number: int | None) -> Iterator[ModelRecord]:
    """Yield the models among which one is looked up, the newest first, and no more than are asked for."""
    if name is None:
        yield from sorted(shelf.records(), key=newest_first)
    elif number is None:
        yield from shelf.records(name)
    elif (record := shelf.read(name, number)) is not None:
        yield record


def _checked(workspace: "Workspace") -> "Workspace":
    from .workspace import Workspace

    if not isinstance(workspace, Workspace):
        raise errors.OptionError(f"Model expects a Workspace first, got {errors.a(workspace)}")
    return workspace


def _here() -> "Workspace":
    """Return the workspace of the current run, or the one that a config.json names."""
    from .context import current
    from .workspace import Workspace

    run = current()
    return run.experiment.workspace if run is not None else Workspace.from_config()  # type: ignore[attr-defined]  # runs only


def _delivered(name: str, number: int | None) -> str | None:
    """Return where the files of a model were laid for a service or a script, if they were."""
    for root in _caches():
        versions = [path.name for path in entries(root / name) if path.name.isdecimal() and path.is_dir()]
        chosen = str(number) if number is not None else max(versions, key=int, default=None)
        if chosen in versions:
            inside = entries(root / name / chosen)
            return str(inside[0] if len(inside) == 1 else root / name / chosen)
    return name if number is None and Path(name).exists() else None


def _caches() -> Iterator[Path]:
    """Yield where SDK v1 lays models: the folder of that name that holds AZUREML_MODEL_DIR or lies beside it."""
    if given := os.environ.get("AZUREML_MODEL_DIR"):
        chosen = Path(given)
        yield from (folder for folder in (chosen, *chosen.parents) if folder.name == CACHE)
        yield chosen.parent / CACHE
    yield Path(CACHE)


def of_run(run: "Run", model_path: object, told: ModelRecord) -> Model:
    """Register files of a run; see `Run.register_model`."""
    workspace = run.experiment.workspace
    path, found, beside = in_the_run(run, told.name if model_path in (None, "") else model_path)
    folder, parent = workspace.view.folder(run.id), PurePosixPath(path).parent
    contents = [linkable(folder, one, str(PurePosixPath(one.name).relative_to(parent))) for one in found]
    aside = [linkable(folder, one, PurePosixPath(one.name).name) for one in beside]
    told = replace(told, path=PurePosixPath(path).name, run_id=run.id, experiment=run.experiment.name)
    return Model._of(workspace, Registry(workspace.root).add(told, contents, aside))  # noqa: SLF001 - a constructor
