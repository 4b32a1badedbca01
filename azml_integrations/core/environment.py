"""An environment: which Python a script runs with, its packages and variables, and much that only a cloud reads."""

import copy
import dataclasses
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from .. import errors, names
from ..launch import requirements as lines_of_pip
from .conda_dependencies import DEFAULT_FILE, PYTHON_DEFAULT_VERSION, CondaDependencies, write
from .sections import Section, plain
from .workspace import write_once

if TYPE_CHECKING:
    from .workspace import Workspace

DEFAULT_CPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04"
DEFAULT_GPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-cuda11.3-cudnn8-ubuntu20.04"
CURATED = "AzureML-"
"""What the names of environments begin with that Azure itself publishes."""

_FILE = "azureml_environment.json"
_LATEST = "latest"


# -- sections ----------------------------------------------------------------------------------------


@dataclass
class PythonSection(Section):
    """Which Python, with which packages.

    Attributes
    ----------
    interpreter_path : str
        Path or name of an interpreter; ``python`` is the one that submits.
    user_managed_dependencies : bool
        Whether the interpreter has all packages already.
    conda_dependencies : CondaDependencies
        The packages, where it has not.
    conda_dependencies_file : str or None
        A conda specification that takes their place.
    base_conda_environment : str or None
        Kept as data.
    """

    interpreter_path: str = "python"
    user_managed_dependencies: bool = False
    conda_dependencies: CondaDependencies | None = field(default_factory=CondaDependencies)
    conda_dependencies_file: str | os.PathLike[str] | None = None
    base_conda_environment: str | None = None

    def _read(self, field: "dataclasses.Field[Any]", value: Any, where: str) -> Any:
        if field.name == "conda_dependencies" and value is not None:
            if not isinstance(value, Mapping):
                raise errors.SpecificationError(where, f"has condaDependencies that are {errors.a(value)}", "a mapping")
            return CondaDependencies(_underlying_structure=value)
        return super()._read(field, value, where)


@dataclass
class ContainerRegistry(Section):
    """Where images lie; kept as data.

    Attributes
    ----------
    address, username : str or None
        Of the registry.
    password : str or None
        Never written to a file.
    """

    address: str | None = None
    username: str | None = None
    password: str | None = None

    def as_definition(self) -> dict[str, Any]:
        """Return the settings without the password."""
        return super().as_definition() | {"password": None}


@dataclass
class DockerBuildContext(Section):
    """A folder that an image is built from; kept as data.

    Attributes
    ----------
    location_type, location : str or None
        Where it lies.
    dockerfile_path : str
        The Dockerfile in it.
    """

    location_type: str | None = None
    location: str | None = None
    dockerfile_path: str = "Dockerfile"

    @classmethod
    def from_local_directory(
        cls,
        workspace: object,  # noqa: ARG003 - SDK v1's signature
        path: str | os.PathLike[str],
        dockerfile_path: str = "Dockerfile",
    ) -> Self:
        """Return the context of a folder of this machine."""
        return cls("local", os.fspath(path), dockerfile_path)

    @classmethod
    def from_url(cls, url: str, dockerfile_path: str = "Dockerfile") -> Self:
        """Return the context of a git repository."""
        return cls("git", url, dockerfile_path)


@dataclass
class DockerImagePlatform(Section):
    """What an image is for; kept as data.

    Attributes
    ----------
    os, architecture : str
        As Docker names them.
    """

    os: str = "Linux"
    architecture: str = "amd64"


@dataclass
class DockerSection(Section):
    """The image of an environment; kept as data: scripts run on this machine as it is.

    Attributes
    ----------
    enabled : bool
        Deprecated by SDK v1 in favour of `DockerConfiguration`.
    base_image, base_dockerfile : str or None
        The image, or the text or path of a Dockerfile.
    base_image_registry : ContainerRegistry
        Where the image lies.
    build_context : DockerBuildContext or None
        A folder to build it from.
    platform : DockerImagePlatform
        What it is for.
    arguments : list of str
        For ``docker run``.
    gpu_support, shared_volumes : bool
        Likewise.
    shm_size : str or None
        Size of its shared memory.
    """

    enabled: bool = False
    base_image: str | None = DEFAULT_CPU_IMAGE
    base_dockerfile: str | None = None
    base_image_registry: ContainerRegistry = field(default_factory=ContainerRegistry)
    build_context: DockerBuildContext | None = None
    platform: DockerImagePlatform = field(default_factory=DockerImagePlatform)
    arguments: list[str] = field(default_factory=list)
    gpu_support: bool = False
    shared_volumes: bool = True
    shm_size: str | None = "2g"

    def _read(self, field: "dataclasses.Field[Any]", value: Any, where: str) -> Any:
        if field.name == "build_context" and value is not None:
            return DockerBuildContext.from_definition(value, f"{where}, buildContext")
        return super()._read(field, value, where)


@dataclass
class SparkSection(Section):
    """Packages for Spark; kept as data.

    Attributes
    ----------
    repositories : list of str
        Where they lie.
    packages : list of dict
        With group, artifact and version.
    precache_packages : bool
        Whether an image holds them.
    """

    repositories: list[str] = field(default_factory=list)
    packages: list[dict[str, str]] = field(default_factory=list)
    precache_packages: bool = True


@dataclass
class DatabricksSection(Section):
    """Libraries for Databricks; kept as data.

    Attributes
    ----------
    maven_libraries, pypi_libraries, rcran_libraries, jar_libraries, egg_libraries : list
        By kind.
    """

    maven_libraries: list[Any] = field(default_factory=list)
    pypi_libraries: list[Any] = field(default_factory=list)
    rcran_libraries: list[Any] = field(default_factory=list)
    jar_libraries: list[Any] = field(default_factory=list)
    egg_libraries: list[Any] = field(default_factory=list)


@dataclass
class RSection(Section):
    """Packages for R; kept as data.

    Attributes
    ----------
    r_version, rscript_path : str or None
        Which R.
    user_managed : bool
        Whether it has all packages already.
    cran_packages, github_packages, bioconductor_packages, custom_url_packages : list
        By source.
    snapshot_date : str or None
        State of CRAN.
    """

    r_version: str | None = None
    rscript_path: str | None = None
    user_managed: bool = False
    cran_packages: list[Any] = field(default_factory=list)
    github_packages: list[Any] = field(default_factory=list)
    bioconductor_packages: list[Any] = field(default_factory=list)
    custom_url_packages: list[Any] = field(default_factory=list)
    snapshot_date: str | None = None


# -- the environment ---------------------------------------------------------------------------------


@dataclass(init=False, repr=False, eq=False)
class Environment(Section):
    """Which Python a script runs with, with which packages and variables.

    On this machine the Python section and the variables count; all else is kept as data. Environments that are not
    user-managed run in the interpreter that submits, unless their building is asked for.

    Parameters
    ----------
    name : str
        Its name.
    **kwargs
        Any of the attributes.

    Attributes
    ----------
    name : str
        Its name.
    version : str or None
        None until it is registered.
    python : PythonSection
        Which Python, with which packages.
    environment_variables : dict of str to str
        What the script finds in its environment.
    docker : DockerSection
        Kept as data; spark, databricks, r, inferencing_stack_version and asset_id likewise.

    Raises
    ------
    TypeError
        If the name is no string.
    FieldError
        If an attribute does not exist.
    """

    name: str
    version: str | None
    asset_id: str | None
    python: PythonSection
    environment_variables: dict[str, str]
    docker: DockerSection
    spark: SparkSection
    databricks: DatabricksSection
    r: RSection | None
    inferencing_stack_version: str | None

    def __init__(self, name: str = "default-environment", **kwargs: object) -> None:
        if not isinstance(name, str):
            raise errors.SettingError("the name of an Environment", name, "a string")
        self.name = names.label("environment name", name)
        self.version = None
        self.asset_id = None
        self.python = PythonSection()
        self.environment_variables = {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}
        self.docker = DockerSection()
        self.spark = SparkSection()
        self.databricks = DatabricksSection()
        self.r = None
        self.inferencing_stack_version = None
        for key, value in kwargs.items():
            setattr(self, key, value)

    def _read(self, field: "dataclasses.Field[Any]", value: Any, where: str) -> Any:
        if field.name == "r" and value is not None:
            return RSection.from_definition(value, f"{where}, r")
        if field.name == "environment_variables":
            return dict(value or {})
        return super()._read(field, value, where)

    # -- from files ----------------------------------------------------------------------------------

    @staticmethod
    def from_conda_specification(name: str, file_path: str | os.PathLike[str]) -> "Environment":
        """Return an environment with the packages of a conda specification.

        Parameters
        ----------
        name : str
            Its name.
        file_path : str or path-like
            The YAML file.

        Raises
        ------
        SourceNotFoundError
            If the file is not there.
        SpecificationError
            If it is no conda specification.

        Warns
        -----
        SubmissionWarning
            When it names no version of Python: the running one is written in.
        """
        environment = Environment(name)
        packages = CondaDependencies(file_path)
        if packages.get_python_version() is None:
            errors.warn_outside(
                f"{os.fspath(file_path)} names no version of Python; python={PYTHON_DEFAULT_VERSION} is taken",
                errors.SubmissionWarning,
            )
            packages.set_python_version(PYTHON_DEFAULT_VERSION)
        environment.python.conda_dependencies = packages
        return environment

    @staticmethod
    def from_pip_requirements(
        name: str, file_path: str | os.PathLike[str], pip_version: str | None = None
    ) -> "Environment":
        """Return an environment with the packages of a requirements file.

        Parameters
        ----------
        name : str
            Its name.
        file_path : str or path-like
            The file; files that it names by ``-r`` are read in.
        pip_version : str, default=None
            Recorded as a conda package.

        Raises
        ------
        SourceNotFoundError
            If a file is not there.
        """
        environment = Environment(name)
        packages = CondaDependencies.create(pip_packages=_requirements(file_path))
        packages.add_conda_package("pip" + (f"={pip_version}" if pip_version else ""))
        environment.python.conda_dependencies = packages
        return environment

    @staticmethod
    def from_existing_conda_environment(name: str, conda_environment_name: str) -> "Environment | None":
        """Return an environment with the packages of a conda environment of this machine.

        Parameters
        ----------
        name : str
            Its name.
        conda_environment_name : str
            The name that conda knows.

        Raises
        ------
        UserErrorException
            If there is no conda, or it does not know the name.
        """
        environment = Environment(name)
        text = _exported(conda_environment_name)
        import yaml

        found = yaml.safe_load(text)
        environment.python.conda_dependencies = CondaDependencies(_underlying_structure=found)
        return environment

    @staticmethod
    def from_dockerfile(
        name: str,
        dockerfile: str | os.PathLike[str],
        conda_specification: str | os.PathLike[str] | CondaDependencies | None = None,
        pip_requirements: str | os.PathLike[str] | None = None,
    ) -> "Environment":
        """Return an environment with a Dockerfile, kept as data, and packages.

        Parameters
        ----------
        name : str
            Its name.
        dockerfile : str or path-like
            Path of the file, or its text.
        conda_specification, pip_requirements : str or path-like, default=None
            A file with packages; one of the two. Without any, the Python is taken as it is.
        """
        environment = Environment(name)
        environment.docker.base_image = None
        environment.docker.base_dockerfile = _text_or_file(dockerfile)
        return _with_packages(environment, conda_specification, pip_requirements)

    @staticmethod
    def from_docker_image(
        name: str,
        image: str,
        container_registry: ContainerRegistry | None = None,
        conda_specification: str | os.PathLike[str] | CondaDependencies | None = None,
        pip_requirements: str | os.PathLike[str] | None = None,
    ) -> "Environment":
        """Return an environment with an image, kept as data, and packages.

        Parameters
        ----------
        name : str
            Its name.
        image : str
            The image's name.
        container_registry : ContainerRegistry, default=None
            Where it lies.
        conda_specification, pip_requirements : str or path-like, default=None
            A file with packages; one of the two. Without any, the Python is taken as it is.
        """
        environment = Environment(name)
        environment.docker.base_image = image
        environment.docker.base_image_registry = container_registry or ContainerRegistry()
        return _with_packages(environment, conda_specification, pip_requirements)

    @staticmethod
    def from_docker_build_context(name: str, docker_build_context: DockerBuildContext) -> "Environment":
        """Return an environment with a folder that an image is built from, kept as data.

        Parameters
        ----------
        name : str
            Its name.
        docker_build_context : DockerBuildContext
            The folder.
        """
        environment = Environment(name)
        environment.docker.base_image = None
        environment.docker.build_context = docker_build_context
        return _with_packages(environment, None, None)

    def save_to_directory(self, path: str | os.PathLike[str], overwrite: bool = False) -> None:
        """Write the definition, and its packages for conda, into a folder.

        Parameters
        ----------
        path : str or path-like
            The folder; made when it is not there.
        overwrite : bool, default=False
            Whether a folder that is there may be written into.

        Raises
        ------
        FileExistsError
            If the folder is there, and `overwrite` is off.
        """
        folder = Path(path)
        if folder.exists() and not overwrite:
            raise FileExistsError(f"{folder} is there already; overwrite=True writes into it")
        write(folder / _FILE, repr(self) + "\n")
        if isinstance(packages := self.python.conda_dependencies, CondaDependencies):
            packages.save(folder / DEFAULT_FILE)

    @staticmethod
    def load_from_directory(path: str | os.PathLike[str]) -> "Environment":
        """Return the environment that `save_to_directory` wrote.

        Parameters
        ----------
        path : str or path-like
            The folder.

        Raises
        ------
        SourceNotFoundError
            If the file is not there.
        SpecificationError
            If it is no environment.
        """
        folder = Path(path)
        definition = _json(folder / _FILE)
        environment = Environment.from_definition(definition, str(folder / _FILE))
        if (folder / DEFAULT_FILE).is_file():  # people edit this one
            environment.python.conda_dependencies = CondaDependencies(folder / DEFAULT_FILE)
        return environment

    # -- in a workspace ------------------------------------------------------------------------------

    def register(self, workspace: "Workspace") -> "Environment":
        """Store the definition under a version.

        A definition that equals the latest keeps its version. A version that was set by hand is taken when it is
        free; else the next number is.

        Parameters
        ----------
        workspace : Workspace
            Where to.

        Returns
        -------
        environment : Environment
            As stored, with its version.
        """
        return Shelf(workspace, self.name).put(self)

    @staticmethod
    def get(workspace: "Workspace", name: str, version: str | None = None, label: str | None = None) -> "Environment":
        """Return a registered environment.

        Parameters
        ----------
        workspace : Workspace
            Where it was registered.
        name : str
            Its name.
        version : str, default=None
            The latest by default.
        label : str, default=None
            ``latest``, or one that `Environment.label` gave.

        Raises
        ------
        UserErrorException
            If both version and label are given.
        EnvironmentNotFoundError
            If there is none.

        Warns
        -----
        SubmissionWarning
            When the name begins with ``AzureML-``, as those that Azure publishes, and nobody registered it here: an
            environment without packages is returned, which runs in the interpreter that submits.
        """
        if version is not None and label is not None:
            raise errors.UserErrorException(
                f"Environment.get got version={version!r} and label={label!r}, expected one of them"
            )
        shelf = Shelf(workspace, name)
        if not shelf.versions() and name.lower().startswith(CURATED.lower()):
            return _curated(name)
        return shelf.get(str(version) if version is not None else shelf.labelled(label or _LATEST))

    @staticmethod
    def list(workspace: "Workspace") -> "dict[str, Environment]":
        """Return the latest version of each registered environment, by name."""
        return {shelf.name: shelf.get(shelf.labelled(_LATEST)) for shelf in _shelves(workspace)}

    @staticmethod
    def label(
        workspace: "Workspace", environment_name: str, environment_version: str, labels: "str | _Strings"
    ) -> None:
        """Give a version names by which `Environment.get` finds it.

        Parameters
        ----------
        workspace : Workspace
            Where it was registered.
        environment_name, environment_version : str
            Which one.
        labels : list of str
            The names; another version that has one of them loses it.

        Raises
        ------
        EnvironmentNotFoundError
            If there is none.
        """
        shelf = Shelf(workspace, environment_name)
        shelf.get(str(environment_version))
        for label in [labels] if isinstance(labels, str) else labels:
            shelf.stick(label, str(environment_version))

    def clone(self, new_name: str) -> "Environment":
        """Return a copy under another name, not registered."""
        twin = copy.deepcopy(self)
        if not isinstance(new_name, str):
            raise errors.SettingError("new_name", new_name, "a string")
        twin.name = names.label("environment name", new_name)
        twin.version = twin.asset_id = None
        return twin

    # -- building ------------------------------------------------------------------------------------

    def build_local(self, workspace: "Workspace", platform: object = None, **kwargs: object) -> Path:
        """Build the environment now, as a submission would with ``AZML_BUILD_ENVIRONMENTS=1``.

        Parameters
        ----------
        workspace : Workspace
            Keeps what was built.
        platform, **kwargs
            Ignored.

        Returns
        -------
        interpreter : Path
            The environment's Python.

        Raises
        ------
        EnvironmentBuildError
            If pip fails.
        """
        from ..launch.building import Builder

        packages = self.python.conda_dependencies or CondaDependencies()
        wanted = lines_of_pip.wanted(packages.as_dict(), packages.folder or Path.cwd(), Path.cwd())
        return Builder(built(workspace)).python(wanted.requirements, Path(sys.executable), sys.stdout)

    def build(self, workspace: "Workspace", image_build_compute: object = None) -> object:
        """Refuse: no image is built here.

        Raises
        ------
        NeedsCloudError
            Always.
        """
        raise errors.NeedsCloudError(
            "Environment.build",
            "no image is built: build_local(workspace) builds a virtual environment, and a submission does so by "
            "itself with AZML_BUILD_ENVIRONMENTS=1",
        )

    def get_image_details(self, workspace: "Workspace") -> object:
        """Refuse: no image is built here.

        Raises
        ------
        NeedsCloudError
            Always.
        """
        raise errors.NeedsCloudError(
            "Environment.get_image_details", "no image is built, so there are no details of one"
        )

    @staticmethod
    def add_private_pip_wheel(workspace: "Workspace", file_path: str | os.PathLike[str], exist_ok: bool = False) -> str:
        """Copy a wheel into the workspace.

        Parameters
        ----------
        workspace : Workspace
            Keeps it.
        file_path : str or path-like
            The wheel.
        exist_ok : bool, default=False
            Whether one of that name may be there already; it is left as it is then.

        Returns
        -------
        path : str
            For `CondaDependencies.add_pip_package`.

        Raises
        ------
        SourceNotFoundError
            If there is no such file.
        UserErrorException
            If one of that name is there, and `exist_ok` is off.
        """
        source = Path(file_path)
        if not source.is_file() or source.suffix != ".whl":
            raise errors.SourceNotFoundError(os.fspath(file_path), "a wheel (.whl) that exists")
        target = workspace.root / "environments" / ".wheels" / source.name
        if target.exists() and not exist_ok:
            raise errors.UserErrorException(f"the workspace has {source.name} already; exist_ok=True takes that one")
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f".{os.getpid()}.{target.name}")
            shutil.copyfile(source, partial)
            partial.replace(target)
        return str(target)

    def __repr__(self) -> str:
        """Return the definition as JSON."""
        return json.dumps(self.as_definition(), indent=4)

    def __str__(self) -> str:
        """Return the two lines that SDK v1 prints."""
        return f"Environment(Name: {self.name},\nVersion: {self.version})"


_Strings = list[str]


# -- versions ----------------------------------------------------------------------------------------


class Shelf:
    """The versions of one environment in a workspace: a folder with a file for each.

    Parameters
    ----------
    workspace : Workspace
        Where.
    name : str
        The environment's name.
    """

    def __init__(self, workspace: "Workspace", name: str) -> None:
        self.name = names.label("environment name", name)
        self._folder = workspace.root / "environments" / names.folder(self.name)

    def versions(self) -> list[str]:
        """Return the versions, the oldest first."""
        return [str(entry["version"]) for entry in self._entries()]

    def get(self, version: str) -> Environment:
        """Return one version.

        Raises
        ------
        EnvironmentNotFoundError
            If there is none.
        """
        path = self._path(version)
        if not path.is_file():
            raise errors.EnvironmentNotFoundError(version, f"version {version!r} of {self.name!r}", self.versions())
        return Environment.from_definition(_entry(path)["definition"], str(path))

    def labelled(self, label: str) -> str:
        """Return the version that has a label; ``latest`` is on the newest by itself.

        Raises
        ------
        EnvironmentNotFoundError
            If none has it.
        """
        there = self.versions()
        if not there:
            others = [path.name for path in self._folder.parent.glob("[!.]*")]
            raise errors.EnvironmentNotFoundError(self.name, f"environment {self.name!r}", sorted(others))
        if label == _LATEST:
            return there[-1]
        sticker = self._folder / "labels" / names.folder(label)
        if not sticker.is_file():
            labels = sorted(path.name for path in sticker.parent.glob("*"))
            raise errors.EnvironmentNotFoundError(label, f"label {label!r} of {self.name!r}", [_LATEST, *labels])
        return sticker.read_text(encoding="utf-8")

    def stick(self, label: str, version: str) -> None:
        """Give a version a label.

        Raises
        ------
        NameRefusedError
            If the label is ``latest``, which moves by itself.
        """
        if names.label("label", label) == _LATEST:
            raise errors.NameRefusedError("label", label, "it is on the newest version by itself")
        sticker = self._folder / "labels" / names.folder(label)
        partial = sticker.with_name(f".{sticker.name}.{os.getpid()}")
        write(partial, version)
        partial.replace(sticker)

    def put(self, environment: Environment) -> Environment:
        """Store a definition, unless it equals the latest."""
        stored = copy.deepcopy(environment)
        entries = self._entries()
        if entries and _content(entries[-1]["definition"]) == _content(environment.as_definition()):
            stored.version = str(entries[-1]["version"])
            return stored
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            stored.version = next(version for version in self._candidates(environment) if self._claim(stored, version))
        except OSError as error:
            raise errors.StoreError(str(self._folder), error) from error
        return stored

    def _candidates(self, environment: Environment) -> Iterator[str]:
        """Yield versions to try: the one set by hand, then numbers."""
        if environment.version is not None:
            yield names.label("environment version", str(environment.version))
        number = max((int(version) for version in self.versions() if version.isdecimal()), default=0)
        while True:
            number += 1
            yield str(number)

    def _claim(self, environment: Environment, version: str) -> bool:
        environment.version = version
        entry = {"version": version, "created": time.time(), "definition": environment.as_definition()}
        return write_once(self._path(version), json.dumps(entry, indent=2) + "\n")

    def _path(self, version: str) -> Path:
        return self._folder / f"{names.folder(version)}.json"

    def _entries(self) -> list[dict[str, Any]]:
        """Return what each version's file holds, the oldest first."""
        entries = [_entry(path) for path in self._folder.glob("[!.]*.json")]
        return sorted(entries, key=lambda entry: (entry["created"], str(entry["version"]).zfill(12)))


def built(workspace: "Workspace") -> Path:
    """Return the folder of the virtual environments that were built."""
    return workspace.root / "environments" / ".built"


def _shelves(workspace: "Workspace") -> Iterator[Shelf]:
    for folder in sorted((workspace.root / "environments").glob("[!.]*")):
        for first in sorted(folder.glob("[!.]*.json"))[:1]:
            yield Shelf(workspace, str(_entry(first)["definition"]["name"]))


def _content(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes two definitions equal: all but name, version and id."""
    return {key: value for key, value in plain(definition).items() if key not in {"name", "version", "assetId"}}


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise errors.SourceNotFoundError(str(path), "the definition of an environment") from None
    except (OSError, ValueError) as error:
        raise errors.SpecificationError(str(path), f"cannot be read: {error}", "an environment as JSON") from error
    if not isinstance(found, dict):
        raise errors.SpecificationError(str(path), f"holds {errors.a(found)}", "an environment as JSON")
    return found


def _entry(path: Path) -> dict[str, Any]:
    """Return what the file of a version holds."""
    entry = _json(path)
    definition = entry.get("definition")
    if not isinstance(entry.get("created"), float) or "version" not in entry or not isinstance(definition, dict):
        wanted = "created, version and definition, as Environment.register writes them"
        raise errors.SpecificationError(str(path), f"has {errors.few(sorted(entry)) or 'nothing'}", wanted)
    return {**entry, "definition": {"name": path.parent.name, **definition}}


def _curated(name: str) -> Environment:
    errors.warn_outside(
        f"environment {name!r} is published by Azure and not known here; scripts with it run in the interpreter that "
        f"submits; register one of that name to choose",
        errors.SubmissionWarning,
    )
    environment = Environment(name)
    environment.python.user_managed_dependencies = True
    return environment


# -- packages ----------------------------------------------------------------------------------------


def _requirements(path: str | os.PathLike[str]) -> list[str]:
    return lines_of_pip.expand([f"-r {os.path.abspath(path)}"], Path.cwd())  # noqa: PTH100 - a path of any kind


def _with_packages(
    environment: Environment,
    conda: str | os.PathLike[str] | CondaDependencies | None,
    pip: str | os.PathLike[str] | None,
) -> Environment:
    """Add the packages of one of two files; without any, the image's Python is taken as it is."""
    if conda is not None and pip is not None:
        raise errors.UserErrorException("got conda_specification and pip_requirements, expected one of them")
    if isinstance(conda, CondaDependencies):
        environment.python.conda_dependencies = conda
    elif conda is not None:
        environment.python.conda_dependencies = CondaDependencies(conda)
    elif pip is not None:
        environment.python.conda_dependencies = CondaDependencies.create(pip_packages=_requirements(pip))
    else:
        environment.python.user_managed_dependencies = True
    return environment


def _text_or_file(dockerfile: str | os.PathLike[str]) -> str:
    """Return the text of a Dockerfile that is given by its path or as it is."""
    text = os.fspath(dockerfile)
    if "\n" in text or not Path(text).is_file():
        return text
    return Path(text).read_text(encoding="utf-8")


def _exported(name: str) -> str:
    """Return what conda says of one of its environments."""
    import subprocess

    conda = os.environ.get("CONDA_EXE") or shutil.which("conda")
    if conda is None:
        raise errors.UserErrorException(
            f"conda is not installed, so there is no conda environment {name!r}; "
            f"Environment.from_conda_specification takes a YAML file"
        )
    done = subprocess.run(  # noqa: S603 - the user's conda, for the user
        [conda, "env", "export", "--no-builds", "--name", name], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise errors.UserErrorException(f"conda does not know the environment {name!r}: {done.stderr.strip()}")
    return done.stdout
