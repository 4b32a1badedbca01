"""The verbs that move files: into the run, out of it, and along with it at its end."""

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from .. import errors, names
from ..records import ArtifactRecord, ArtifactStored
from ..store import files
from .handle import RunHandle

if TYPE_CHECKING:
    from ..records import ModelRecord
    from .model import Model
    from .run import Run

LOG_FOLDERS = ("logs/", "azureml-logs/", "user_logs/", "system_logs/")
"""Where the names of log files begin."""

CLASSIC = {
    "azureml-logs/70_driver_log.txt": "user_logs/std_log.txt",
    "azureml-logs/80_driver_log.txt": "user_logs/std_log.txt",
}
"""Names under which older versions of SDK v1 kept the output of a script."""


class ArtifactVerbs(RunHandle):
    """Files of a run."""

    _kinds: dict[str, str]
    _outputs: Path | None
    _versions: dict[str, files.Version | None]

    # -- in ------------------------------------------------------------------------------------------

    def upload_file(self, name: str, path_or_stream: object, datastore_name: str | None = None) -> None:
        """Copy a file into the run.

        Parameters
        ----------
        name : str
            Name of the artifact, a relative POSIX path such as ``outputs/model.pkl``. The last upload of a name wins.
        path_or_stream : str, path-like or stream
            What to copy; a folder is uploaded as `upload_folder` does.
        datastore_name : str, default=None
            Ignored.

        Raises
        ------
        SourceNotFoundError
            If there is no such file.
        NameRefusedError
            If `name` is absolute, holds ``..``, a drive or a control character.
        StoreError
            If the disk refuses; what lay under the name before is untouched.
        """
        if isinstance(path_or_stream, (str, os.PathLike)) and Path(path_or_stream).is_dir():
            self.upload_folder(name, path_or_stream)
            return
        checked = names.artifact(name)
        source = files.opened(path_or_stream)
        try:
            self._put(checked, source)
        finally:
            if source is not path_or_stream:
                source.close()

    def link_file(self, name: str, path: str | os.PathLike[str]) -> None:
        """Take a large file into the run without copying it, where the disk can give it a second name.

        Else it is copied, as by `upload_file`. Use it for files that are written once, such as checkpoints: what
        changes such a file in place later changes it in the run too. Deleting the original does not.

        Parameters
        ----------
        name : str
            Name of the artifact, as in `upload_file`. No digest is recorded: the file is not read.
        path : str or path-like
            The file.

        Raises
        ------
        SourceNotFoundError
            If there is no such file.
        NameRefusedError
            If `name` cannot be one.
        StoreError
            If the disk refuses.
        """
        checked = names.artifact(name)
        with files.opened(path) as source:
            self._put(checked, source, original=Path(path).resolve())  # a symbolic link may be renamed or removed

    def upload_files(
        self,
        names: Sequence[str],
        paths: Sequence[object],
        return_artifacts: bool = False,
        timeout_seconds: int | None = None,
        datastore_name: str | None = None,
    ) -> None:
        """Copy several files into the run.

        Parameters
        ----------
        names : list of str
            Artifact names, of shape (n,).
        paths : list of str or path-like
            Files, of shape (n,).
        return_artifacts, timeout_seconds, datastore_name : optional
            Ignored.

        Raises
        ------
        OptionError
            If the lists differ in length.
        SourceNotFoundError
            If one is not there; nothing is uploaded then.
        """
        if isinstance(names, str) or isinstance(paths, (str, os.PathLike)) or len(names) != len(paths):
            raise errors.OptionError("upload_files expects a list of names and a list of as many paths")
        for path in paths:
            files.opened(path).close()
        for name, path in zip(names, paths, strict=True):
            self.upload_file(name, path, datastore_name)

    def upload_folder(self, name: str, path: object, datastore_name: str | None = None) -> None:
        """Copy a folder into the run, with all below it.

        Parameters
        ----------
        name : str
            First part of the artifact names; ``name/<relative path>`` is each file's.
        path : str or path-like
            The folder.
        datastore_name : str, default=None
            Ignored.

        Raises
        ------
        SourceNotFoundError
            If `path` is no folder.
        """
        if not isinstance(path, (str, os.PathLike)) or not Path(path).is_dir():
            raise errors.SourceNotFoundError(str(path), "a folder that exists")
        prefix = "" if name in ("", ".", "./") else names.artifact(names.label("artifact name", name).rstrip("/"))
        for relative, file in files.tree(Path(path), without=self._workspace.root.resolve()):
            self.upload_file(f"{prefix}/{relative}" if prefix else relative, file)

    def _put(self, name: str, source: BinaryIO, original: Path | None = None) -> None:
        """Copy a stream into the run, or link the file that it reads, and say so in the journal."""
        working = name.removeprefix("outputs/") if name.startswith("outputs/") else None
        version = files.version(self._outputs / working) if self._outputs and working else None
        try:
            event = files.place(self._folder, name, source, original)
        except errors.StoreError as error:
            if self._on_error == "raise":
                raise
            self._lose(error)
        else:
            self._append(event)
            self._versions[name] = version
            if self._known is not None:
                self._known.artifacts[name] = event.at

    def _held(self) -> dict[str, float]:
        """Return the moment of storing [s since the epoch] of each artifact, by name."""
        if (known := self._alone()) is not None:
            return known.artifacts
        return {record.name: record.at for record in self._store().artifacts(self.id)}

    def _collect(self, folder: Path, prefix: str, since: float = 0.0, below: str = "") -> None:
        """Copy the files of a working folder into the run, except where the run holds something newer.

        What cannot be read, or has a name that no artifact can have, is left out with a note and a warning.

        Parameters
        ----------
        folder : Path
            ``./outputs`` or ``./logs``.
        prefix : str
            First part of the artifact names.
        since : float
            Files last changed before this are left out [s since the epoch].
        below : str, default=""
            Only the file of this name, or those below it.
        """
        held = dict(self._held())
        for relative, file in files.tree(folder, without=self._workspace.root.resolve()):
            name = f"{prefix}/{relative}"
            if below and name != below and not name.startswith(f"{below}/"):
                continue
            with contextlib.suppress(errors.SourceNotFoundError, FileNotFoundError):  # a library's temporary file, gone
                if file.stat().st_mtime >= since and self._is_news(name, file, held):
                    self._collect_file(name, file)

    def _is_news(self, name: str, file: Path, held: dict[str, float]) -> bool:
        """Tell whether a working file changed since the run got an artifact of its name."""
        if (version := self._versions.get(name)) is not None:
            return version != files.version(file)
        return file.stat().st_mtime >= held.get(name, 0.0)

    def _collect_file(self, name: str, file: Path) -> None:
        try:
            checked, source = names.artifact(name), files.opened(file)
        except (errors.NameRefusedError, errors.StoreError) as error:
            self.note("outputs", f"{name!a} is not copied: {error.message}")
            self._warn_once(name, f"{name!a} is not copied into the run: {error.message}", errors.AzmlWarning)
            return
        with source:
            self._put(checked, source)

    def _stored_already(self, name: str, size: int, at: float) -> None:
        """Say in the journal that a file which was written in place lies under its own name."""
        self._append(ArtifactStored(name, names.path_of(name).as_posix(), size, "", at))
        if self._known is not None:
            self._known.artifacts[name] = at

    # -- into the registry ---------------------------------------------------------------------------

    def register_model(
        self,
        model_name: str,
        model_path: str | os.PathLike[str] | None = None,
        tags: Mapping[str, object] | None = None,
        properties: Mapping[str, object] | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        description: str | None = None,
        datasets: Iterable[object] | None = None,
        sample_input_dataset: object = None,
        sample_output_dataset: object = None,
        resource_configuration: object = None,
        **kwargs: object,
    ) -> "Model":
        """Register a file or folder of the run as the next version of a model.

        A file or folder of ``./outputs`` that has not been collected yet is collected first.

        Parameters
        ----------
        model_name : str
            1 to 255 letters, digits, ``-``, ``_`` and ``.``, the first a letter or digit.
        model_path : str, default=None
            Name of the file or folder in the run, ``outputs/model.pkl``; the model's name by default.
        tags, properties : dict of str to str, default=None
            Values of other types are stored as their strings.
        model_framework, model_framework_version : str, default=None
            See `Model.Framework`.
        description : str, default=None
            Free text.
        datasets : list of (str, data set), default=None
            What it was trained on, each with what for.
        sample_input_dataset, sample_output_dataset, resource_configuration : optional
            Kept as data.

        Returns
        -------
        model : Model
            It outlives the run, and stays as it is when the run gets another file of that name.

        Raises
        ------
        ModelPathNotFoundError
            If the run has nothing under that path.
        ModelNameRefusedError
            If the name cannot be one.
        ModelChangedError
            If the file is not the one that the run stored.
        StoreError
            If the disk refuses.
        """
        from . import registering

        if kwargs:
            raise errors.OptionError(f"register_model does not know {', '.join(sorted(kwargs))}")
        return self._registered(
            model_path,
            registering.draft(
                model_name,
                tags=tags,
                properties=properties,
                description=description,
                framework=(model_framework, model_framework_version),
                datasets=datasets,
                samples=(sample_input_dataset, sample_output_dataset),
                resources=resource_configuration,
                workspace=self._workspace,
            ),
        )

    def _registered(self, model_path: object, told: "ModelRecord") -> "Model":
        from . import model

        return model.of_run(cast("Run", self), model_path, told)

    def _collect_now(self, name: str) -> None:
        """Copy a file or folder of the working ``./outputs`` into the run, which its end would do later."""
        folder = self._working_outputs()
        if folder is not None and folder.is_dir():
            self._collect(folder, "outputs", below=name)

    def _working_outputs(self) -> Path | None:
        return None if self.over else self._outputs

    # -- out -----------------------------------------------------------------------------------------

    def get_file_names(self) -> list[str]:
        """Return the names of all files of the run, sorted, logs and images included."""
        return sorted(self._held())

    def download_file(self, name: str, output_file_path: str | os.PathLike[str] | None = None) -> None:
        """Copy a file of the run to a place of the user's.

        Parameters
        ----------
        name : str
            Artifact name.
        output_file_path : str or path-like, default=None
            Where to; a folder keeps the file's own last name, None is the working directory.

        Raises
        ------
        ArtifactNotFoundError
            If the run has no such file.
        """
        record = self._artifact(name)
        target = Path(output_file_path or ".")
        if target.is_dir() or os.fspath(output_file_path or "").endswith("/"):
            target /= Path(record.name).name
        files.copy(files.locate(self._folder, record), target)

    def download_files(
        self,
        prefix: str | None = None,
        output_directory: str | os.PathLike[str] | None = None,
        output_paths: Sequence[str | os.PathLike[str]] | None = None,
        batch_size: int = 100,
        append_prefix: bool = True,
        timeout_seconds: int | None = None,
    ) -> None:
        """Copy all files of the run, or those below a folder of it.

        Parameters
        ----------
        prefix : str, default=None
            Folder within the run.
        output_directory : str or path-like, default=None
            Where to; made when needed, the working directory by default.
        output_paths : list of str or path-like, default=None
            One path below `output_directory` for each file, in the order of the names.
        append_prefix : bool, default=True
            Whether the copies keep the `prefix` in their paths.
        batch_size, timeout_seconds : optional
            Ignored.

        Raises
        ------
        OptionError
            If `output_paths` is given and is not one for each file.
        """
        folder = prefix.strip("/") + "/" if prefix and prefix.strip("/") else ""
        wanted = [
            record
            for record in self._store().artifacts(self.id)
            if record.name.startswith(folder) or record.name == folder.rstrip("/")
        ]
        root = Path(output_directory) if output_directory is not None else Path()
        root.mkdir(parents=True, exist_ok=True)
        if output_paths is not None and len(output_paths) != len(wanted):
            raise errors.OptionError(
                f"got {len(output_paths)} output_paths for {len(wanted)} files; expected one for each"
            )
        for position, record in enumerate(wanted):
            safe = names.artifact(record.name)  # a run folder from elsewhere may say anything
            kept = safe if append_prefix else safe.removeprefix(folder)
            files.copy(files.locate(self._folder, record), root / (output_paths[position] if output_paths else kept))

    def get_all_logs(self, destination: str | os.PathLike[str] | None = None) -> list[str]:
        """Copy all log files of the run.

        Parameters
        ----------
        destination : str or path-like, default=None
            Folder to copy to; ``assets/<run id>`` in the working directory by default.

        Returns
        -------
        paths : list of str
            The copies.

        Raises
        ------
        UserErrorException
            If `destination` is a file.
        """
        root = Path(destination) if destination is not None else Path("assets", self.id)
        if root.is_file():
            raise errors.UserErrorException(f"{root} is a file; expected a folder to put logs in")
        root.mkdir(parents=True, exist_ok=True)
        copies = []
        for record in self._logs():
            target = root / names.artifact(record.name)  # a run folder from elsewhere may say anything
            files.copy(files.locate(self._folder, record), target)
            copies.append(str(target))
        return copies

    def _logs(self) -> list[ArtifactRecord]:
        return [record for record in self._store().artifacts(self.id) if record.name.startswith(LOG_FOLDERS)]

    def _artifact(self, name: str) -> ArtifactRecord:
        wanted = names.artifact(name)
        records = {record.name: record for record in self._store().artifacts(self.id)}
        found = records.get(wanted) or records.get(CLASSIC.get(wanted, ""))
        if found is None:
            raise errors.ArtifactNotFoundError(wanted, self.id, list(records))
        return found

    def _read(self, name: str) -> bytes:
        return files.locate(self._folder, self._artifact(name)).read_bytes()
