"""The packages of an environment, as a conda specification holds them."""

import copy
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .. import errors
from ..launch import requirements as lines_of_pip
from .sections import read_yaml, to_yaml

PYTHON_DEFAULT_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The Python that submits: there is no image whose Python could be meant."""

DEFAULT_FILE = "conda_dependencies.yml"
_NAME = "project_environment"
_CHANNELS = ("anaconda", "conda-forge")
_DEFAULT_PIP = ("azureml-defaults",)
_WANTED = "a conda specification: a mapping with name, channels and dependencies"


class CondaDependencies:
    """The packages of an environment.

    Parameters
    ----------
    conda_dependencies_file_path : str or path-like, default=None
        A conda specification to begin with; by default Python and ``azureml-defaults``, which is recorded and never
        installed.

    Raises
    ------
    SourceNotFoundError
        If the file is not there.
    SpecificationError
        If it is no conda specification.
    """

    def __init__(
        self,
        conda_dependencies_file_path: str | os.PathLike[str] | None = None,
        _underlying_structure: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder: Path | None = None
        """Folder of the file that it was read from: what pip's relative paths in it are relative to."""
        if conda_dependencies_file_path is not None:
            where = os.fspath(conda_dependencies_file_path)
            self._content = _checked(read_yaml(where, _WANTED), where)
            self.folder = Path(where).absolute().parent
        elif _underlying_structure is not None:
            self._content = _checked(_underlying_structure, "the specification")
        else:
            self._content = {
                "name": _NAME,
                "channels": list(_CHANNELS),
                "dependencies": [f"python={PYTHON_DEFAULT_VERSION}", {"pip": list(_DEFAULT_PIP)}],
            }

    @staticmethod
    def create(
        pip_indexurl: str | None = None,
        pip_packages: Iterable[str] | None = None,
        conda_packages: Iterable[str] | None = None,
        python_version: str = PYTHON_DEFAULT_VERSION,
        pin_sdk_version: bool = True,  # noqa: ARG004 - SDK v1's signature: what it pins is never installed
        **kwargs: object,
    ) -> "CondaDependencies":
        """Return the packages that are named.

        Parameters
        ----------
        pip_indexurl : str, default=None
            Package index that pip asks.
        pip_packages : list of str, default=None
            Requirements as pip writes them; ``azureml-defaults`` alone by default.
        conda_packages : list of str, default=None
            As conda writes them.
        python_version : str
            The running one by default.
        pin_sdk_version : bool, default=True
            Ignored: packages of the SDK are never installed.

        Raises
        ------
        SettingError
            If a list is a string, or holds something else than strings.
        """
        if kwargs:
            raise errors.OptionError(f"CondaDependencies.create does not know {', '.join(sorted(kwargs))}")
        created = CondaDependencies()
        created.set_python_version(python_version)
        if pip_packages is not None:
            created._pip[:] = _strings("pip_packages", pip_packages)
        for package in _strings("conda_packages", conda_packages or ()):
            created.add_conda_package(package)
        if pip_indexurl:
            created.set_pip_index_url(pip_indexurl)
        return created

    # -- channels and conda packages -----------------------------------------------------------------

    @property
    def conda_channels(self) -> Iterator[str]:
        """Yield the channels."""
        yield from self._content.get("channels") or ()

    def add_channel(self, channel: str) -> None:
        """Add a channel, unless it is there."""
        channels = self._list("channels")
        if _string("channel", channel) not in channels:
            channels.append(channel)

    def remove_channel(self, channel: str) -> None:
        """Remove a channel; one that is not there is no matter."""
        channels = self._list("channels")
        channels[:] = [present for present in channels if present != channel]

    @property
    def conda_packages(self) -> Iterator[str]:
        """Yield the conda packages, ``python=...`` not among them."""
        for dependency in self._list("dependencies"):
            if isinstance(dependency, str) and lines_of_pip.conda_parts(dependency)[0] != "python":
                yield dependency

    def add_conda_package(self, conda_package: str) -> None:
        """Add a conda package; one of the same name is replaced."""
        name = lines_of_pip.conda_parts(_string("conda_package", conda_package))[0]
        if name == "python":
            self._replace_python(conda_package)
            return
        self.remove_conda_package(name)
        dependencies = self._list("dependencies")
        strings = [at for at, dependency in enumerate(dependencies) if isinstance(dependency, str)]
        dependencies.insert(strings[-1] + 1 if strings else 0, conda_package)

    def remove_conda_package(self, conda_package: str) -> None:
        """Remove a conda package, whatever its version; one that is not there is no matter."""
        name = lines_of_pip.conda_parts(_string("conda_package", conda_package))[0]
        dependencies = self._list("dependencies")
        dependencies[:] = [
            dependency
            for dependency in dependencies
            if not isinstance(dependency, str) or lines_of_pip.conda_parts(dependency)[0] != name
        ]

    def get_python_version(self) -> str | None:
        """Return the version of Python that is asked for; None where none is."""
        for dependency in self._list("dependencies"):
            if isinstance(dependency, str):
                name, version = lines_of_pip.conda_parts(dependency)
                if name == "python":
                    return version.lstrip("= ") or None
        return None

    def set_python_version(self, version: str) -> None:
        """Ask for a version of Python."""
        self._replace_python(f"python={_string('version', version)}")

    def _replace_python(self, package: str) -> None:
        self.remove_conda_package("python")
        self._list("dependencies").insert(0, package)

    # -- pip -----------------------------------------------------------------------------------------

    @property
    def pip_packages(self) -> Iterator[str]:
        """Yield the pip packages."""
        yield from (line for line in self._lines() if not _is_option(line))

    @property
    def pip_options(self) -> Iterator[str]:
        """Yield the options for pip: ``--index-url ...``."""
        yield from (line for line in self._lines() if _is_option(line))

    def add_pip_package(self, pip_package: str) -> None:
        """Add a pip package; one of the same name is replaced."""
        self.remove_pip_package(_string("pip_package", pip_package))
        self._pip.append(pip_package)

    def remove_pip_package(self, pip_package: str) -> None:
        """Remove a pip package, whatever its version; one that is not there is no matter."""
        name = lines_of_pip.package(_string("pip_package", pip_package)) or pip_package
        self._keep(lambda line: _is_option(line) or (line != pip_package and lines_of_pip.package(line) != name))

    def set_pip_index_url(self, index_url: str) -> None:
        """Have pip ask another index; what was set before is replaced."""
        self.set_pip_option(f"--index-url {_string('index_url', index_url)}")

    def set_pip_option(self, pip_option: str) -> None:
        """Set an option for pip; one of the same name is replaced, unless pip takes it more than once."""
        if not _is_option(_string("pip_option", pip_option).strip()):
            raise errors.SettingError("pip_option", pip_option, "an option, as '--index-url https://...'")
        if _option(pip_option) not in {"--extra-index-url", "--find-links", "-f", "--trusted-host", "-r", "-c"}:
            self.remove_pip_option(pip_option)
        if pip_option not in self._pip:
            self._pip.insert(0, pip_option)

    def remove_pip_option(self, pip_option: str) -> None:
        """Remove an option for pip, whatever its value."""
        self._keep(lambda line: _option(line) != _option(pip_option))

    def set_pip_requirements(self, pip_requirements: Iterable[str]) -> None:
        """Replace all pip packages; options stay, and the list may bring more of them."""
        named = _strings("pip_requirements", pip_requirements)
        self._pip[:] = [*self.pip_options, *named]

    @staticmethod
    def merge_requirements(requirements: Iterable[str]) -> list[str]:
        """Return requirements with those of one package made one: ``numpy>1`` and ``numpy<3`` are ``numpy<3,>1``."""
        return _merged(_strings("requirements", requirements))

    def add_tensorflow_conda_package(self, core_type: str = "cpu", version: str | None = None) -> None:
        """Add TensorFlow as a conda package."""
        self.add_conda_package(_tensorflow(core_type) + (f"={version}" if version else ""))

    def add_tensorflow_pip_package(self, core_type: str = "cpu", version: str | None = None) -> None:
        """Add TensorFlow as a pip package."""
        self.add_pip_package(_tensorflow(core_type) + (f"=={version}" if version else ""))

    # -- files ---------------------------------------------------------------------------------------

    def as_dict(self) -> dict[str, Any]:
        """Return a copy of the specification."""
        return copy.deepcopy(self._content)

    as_definition = as_dict

    def serialize_to_string(self) -> str:
        """Return the specification as YAML, ready for conda."""
        return to_yaml(self._content)

    def save(self, path: str | os.PathLike[str] | None = None) -> str:
        """Write the specification.

        Parameters
        ----------
        path : str or path-like, default=None
            The file; ``conda_dependencies.yml`` in the working directory by default.

        Returns
        -------
        path : str
            The file.
        """
        target = Path(path) if path is not None else Path(DEFAULT_FILE)
        write(target, self.serialize_to_string())
        return str(target)

    def save_to_file(
        self, base_directory: str | os.PathLike[str], conda_file_path: str | os.PathLike[str] | None = None
    ) -> str:
        """Write the specification below a folder.

        Parameters
        ----------
        base_directory : str or path-like
            The folder.
        conda_file_path : str or path-like, default=None
            The file, relative to it; ``conda_dependencies.yml`` by default.

        Returns
        -------
        path : str
            The file, relative to the folder.
        """
        name = os.fspath(conda_file_path) if conda_file_path is not None else DEFAULT_FILE
        write(Path(base_directory) / name, self.serialize_to_string())
        return name

    # -- inside --------------------------------------------------------------------------------------

    def _list(self, key: str) -> list[Any]:
        found: list[Any] = self._content.setdefault(key, [])
        return found

    @property
    def _pip(self) -> list[str]:
        """Return the list of pip's lines, made where there is none."""
        dependencies = self._list("dependencies")
        part = next((part for part in dependencies if isinstance(part, dict)), None)
        if part is None:
            part = {"pip": []}
            dependencies.append(part)
        lines: list[str] = part.setdefault("pip", [])
        return lines

    def _lines(self) -> list[str]:
        parts = (part for part in self._content.get("dependencies") or () if isinstance(part, dict))
        return [line for part in parts for line in part.get("pip") or ()]

    def _keep(self, rule: Any) -> None:
        if self._lines():
            self._pip[:] = [line for line in self._pip if rule(line)]

    def __eq__(self, other: object) -> bool:
        """Two are equal when their specifications are."""
        return isinstance(other, CondaDependencies) and self._content == other._content

    __hash__ = None  # type: ignore[assignment]  # its content changes

    def __repr__(self) -> str:
        """Return the specification in one line."""
        return f"CondaDependencies({self._content!r})"


def write(path: Path, text: str) -> None:
    """Write a file, its folder made before.

    Raises
    ------
    StoreError
        If the disk refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise errors.StoreError(str(path), error) from error


def _checked(content: Mapping[str, Any], where: str) -> dict[str, Any]:
    checked = copy.deepcopy(dict(content))
    if not isinstance(checked.get("dependencies") or [], list) or not isinstance(checked.get("channels") or [], list):
        raise errors.SpecificationError(where, "has channels or dependencies that are no lists", _WANTED)
    for key in ("channels", "dependencies"):
        checked[key] = list(checked.get(key) or ())
    checked["dependencies"] = [_dependency(part, where) for part in checked["dependencies"]]
    if not all(isinstance(channel, str) for channel in checked["channels"]):
        raise errors.SpecificationError(where, "has channels that are no strings", _WANTED)
    return checked


def _dependency(part: object, where: str) -> object:
    """Return a dependency: a conda package, or a dict with pip's lines."""
    if isinstance(part, str):
        return part
    if isinstance(part, dict) and set(part) == {"pip"}:
        lines = part["pip"] or []
        if isinstance(lines, list) and all(isinstance(line, str) for line in lines):
            return {"pip": lines}
    raise errors.SpecificationError(where, f"has the dependency {part!r}", "a string, or 'pip:' with a list of strings")


def _string(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise errors.SettingError(name, value, "a string that says something")
    return value


def _strings(name: str, values: Iterable[str]) -> list[str]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise errors.SettingError(name, values, "a list of strings")
    return [_string(name, value) for value in values]


def _is_option(line: str) -> bool:
    return line.startswith("-") and not re.match(r"(-e|--editable)\b", line)


def _option(line: str) -> str:
    """Return the name of the option that a line sets; nothing where it sets none."""
    return re.split(r"[\s=]", line.strip())[0] if _is_option(line.strip()) else ""


def _merged(lines: list[str]) -> list[str]:
    versions: dict[tuple[str, str], dict[str, None]] = {}
    for line in lines:
        found = re.fullmatch(r"\s*([\w.-]+\s*(?:\[[^\]]*\])?)\s*([^;@]*)(.*)", line)
        name, version, marker = found.groups() if found else (line, "", "")
        parts = versions.setdefault((name.replace(" ", ""), marker.strip()), {})
        parts.update(dict.fromkeys(part.strip() for part in version.split(",") if part.strip()))
    return [f"{name}{','.join(sorted(parts))}{marker}" for (name, marker), parts in versions.items()]


def _tensorflow(core_type: str) -> str:
    if core_type not in {"cpu", "gpu"}:
        raise errors.SettingError("core_type", core_type, "'cpu' or 'gpu'")
    return "tensorflow" if core_type == "cpu" else "tensorflow-gpu"
