"""What pip is asked for: lines of a requirements file, read, filtered and made comparable.

Packages named ``azureml`` or ``azureml-*`` are never asked for: this package stands in their place.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import errors

_ALIKE = """
absl-py altair attrs beautifulsoup4 bokeh boto3 catboost click cloudpickle cython dask datasets dill fastapi filelock
flask gensim h5py httpx huggingface_hub hyperopt imageio ipykernel ipython ipywidgets jinja2 joblib jsonschema jupyter
jupyterlab keras lightgbm lightning lxml matplotlib mlflow mypy nbconvert nbformat networkx nltk notebook numba numexpr
numpy onnx onnxruntime openpyxl optuna packaging pandas patsy pillow plotly polars protobuf psutil pyarrow pydantic
pytest python-dateutil pytorch-lightning pytz pyyaml ray requests rich safetensors scikit-image scikit-learn scipy
seaborn setuptools shap six skl2onnx spacy sqlalchemy statsmodels sympy tabulate tensorboard tensorflow threadpoolctl
tokenizers torchaudio torchmetrics torchvision tornado tqdm transformers typing-extensions urllib3 wheel xarray xgboost
xlrd
"""
SAME_NAMES = frozenset(_ALIKE.split())
"""Conda packages that pip knows under the same name."""

OTHER_NAMES: Mapping[str, str] = {
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "py-xgboost": "xgboost",
    "matplotlib-base": "matplotlib",
    "seaborn-base": "seaborn",
    "plotly_express": "plotly",
    "py-opencv": "opencv-python",
    "opencv": "opencv-python",
    "pytables": "tables",
    "tensorflow-gpu": "tensorflow",
    "dask-core": "dask",
    "msgpack-python": "msgpack",
}
"""Conda packages that pip knows under another name."""

_NAME = re.compile(r"\s*([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?=$|[\[<>=!~;@(\s])")
_FILE_OPTION = re.compile(r"(-r|--requirement|-c|--constraint)(?:\s*=\s*|\s+|(?<=-[rc]))(.+)")
_EDITABLE = re.compile(r"(?:-e|--editable)(?:\s*=\s*|\s+)(.+)")
_COMMENT = re.compile(r"(^|\s)#.*$")
_CONDA = re.compile(r"(?:[\w./-]+::?)?([\w.-]+)\s*(.*)")
_CONDA_ITSELF = frozenset({"python", "pip"})


@dataclass(frozen=True)
class Wanted:
    """What pip shall install for an environment.

    Attributes
    ----------
    requirements : tuple of str
        Lines of a requirements file, options among them; none that asks for an ``azureml`` package.
    notes : tuple of str
        What was changed or left out, in sentences without a full stop.
    python : str or None
        The version of Python that was asked for.
    """

    requirements: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    python: str | None = None

    @property
    def packages(self) -> tuple[str, ...]:
        """Return the requirements without the options that only tell where to look."""
        return tuple(line for line in self.requirements if not line.startswith("-") or _EDITABLE.fullmatch(line))


def wanted(specification: Mapping[str, Any], *folders: Path) -> Wanted:
    """Return what pip shall install for a conda specification.

    Conda itself is never started. Of its packages, those that pip knows are taken from there; ``name=1.2`` is pip's
    ``name==1.2.*``.

    Parameters
    ----------
    specification : dict
        As `CondaDependencies.as_dict` returns it and environment.yml files hold it.
    *folders : Path
        What relative paths may be relative to; the working directory by default.

    Raises
    ------
    SourceNotFoundError
        If a requirements file that it names is not there.
    """
    notes: list[str] = []
    found: list[str] = []
    python = None
    for dependency in specification.get("dependencies") or ():
        if isinstance(dependency, Mapping):
            found += expand(dependency.get("pip") or (), *(folders or (Path.cwd(),)))
            continue
        name, version = conda_parts(str(dependency))
        if name == "python":
            python = version.strip("=<>~!* ").split(",")[0] or None
        elif name not in _CONDA_ITSELF:
            _take_conda(str(dependency), name, version, found, notes)
    kept = [line for line in found if not is_azureml(line)]
    if left := [line for line in found if is_azureml(line)]:
        notes.append(f"{errors.few(left)} not installed: azml_integrations stands in their place")
    return Wanted(tuple(kept), tuple(notes), python)


def _take_conda(dependency: str, name: str, version: str, found: list[str], notes: list[str]) -> None:
    pip_name = name if name in SAME_NAMES else OTHER_NAMES.get(name)
    if pip_name is None and not is_azureml(name):
        notes.append(
            f"conda package {dependency!r} left out: whether pip knows it is not known; name it as a pip package"
        )
        return
    requirement = (pip_name or name) + pip_version(version)
    found.append(requirement)
    if requirement != dependency and not is_azureml(name):
        notes.append(f"conda package {dependency!r} taken from pip as {requirement!r}")


def conda_parts(dependency: str) -> tuple[str, str]:
    """Return name and version of a conda package: ``conda-forge::numpy=1.2`` is ``("numpy", "=1.2")``."""
    found = _CONDA.fullmatch(dependency.strip())
    return (found[1].lower(), found[2].strip()) if found else (dependency.strip().lower(), "")


def pip_version(version: str) -> str:
    """Return a conda version as pip writes it: ``=1.2`` as ``==1.2.*``, a build string left out."""
    if not version or version in {"*", "=*", "=", "=="}:
        return ""
    if version.startswith("[") and (inner := re.search(r"version\s*=\s*['\"]?([^'\"\]]+)", version)):
        version = inner[1].strip()
    if version.startswith("==") or version[0] in "<>!~":
        return version.replace(" ", "")
    fuzzy = version.startswith("=")
    number = re.split(r"[=\s]", version.lstrip("= "), maxsplit=1)[0]
    exact = not fuzzy or "=" in version.lstrip("= ")  # `1.2` after a blank, and `=1.2=build`, mean this one
    if exact or number.endswith("*"):
        return f"=={number if not number.endswith('*') else number.rstrip('.*') + '.*'}"
    return f"=={number}.*"


def expand(lines: Iterable[object], *folders: Path) -> list[str]:
    """Return the lines of a requirements file: no comments, other files read in, paths absolute.

    Parameters
    ----------
    lines : iterable of str
        As a file or a specification holds them.
    *folders : Path
        What relative paths are relative to: the first that has the file.

    Raises
    ------
    SourceNotFoundError
        If a file that a line names is not there.
    SpecificationError
        If files name each other in a circle.
    """
    return list(_expanded(lines, folders, ()))


def _expanded(lines: Iterable[object], folders: Sequence[Path], inside: tuple[Path, ...]) -> Iterator[str]:
    for line in _logical(lines):
        option = _FILE_OPTION.fullmatch(line)
        if option is None:
            yield _absolute(line, folders)
        elif "://" in option[2]:
            yield line
        elif option[1] in {"-c", "--constraint"}:
            yield f"-c {_placed(_unquoted(option[2]), folders)}"
        else:
            yield from _read(_placed(_unquoted(option[2]), folders), inside)


def _read(path: Path, inside: tuple[Path, ...]) -> Iterator[str]:
    path = path.resolve()
    if path in inside:
        raise errors.SpecificationError(str(path), "names itself, by way of others", "requirements without a circle")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise errors.SourceNotFoundError(str(path), "a requirements file that exists") from None
    except (OSError, UnicodeDecodeError) as error:
        raise errors.SpecificationError(str(path), f"cannot be read: {error}", "a requirements file") from error
    yield from _expanded(text.splitlines(), [path.parent], (*inside, path))


def _logical(lines: Iterable[object]) -> Iterator[str]:
    """Yield lines without comments, those that a backslash continues made one."""
    begun = ""
    for line in lines:
        text = begun + _COMMENT.sub("", str(line)).strip()
        if text.endswith("\\"):
            begun = text[:-1].rstrip() + " "
            continue
        begun = ""
        if text:
            yield text
    if begun.strip():
        yield begun.strip()


def _absolute(line: str, folders: Sequence[Path]) -> str:
    """Return a line whose relative path, if it is one, is made absolute: pip runs elsewhere."""
    editable = _EDITABLE.fullmatch(line)
    place = editable[1] if editable else line
    look = re.fullmatch(r"(-f|--find-links)(?:\s*=\s*|\s+)(\S+)", line)
    if look and "://" not in look[2]:
        return f"{look[1]} {_placed(look[2], folders)}"
    if not _is_path(place):
        return line
    path, marker = re.fullmatch(r"(.*?)(\[[^\]]*\]|\s*;.*|)", place).groups()  # type: ignore[union-attr]  # it always matches
    return f"{'-e ' if editable else ''}{_placed(path, folders)}{marker}"


def _placed(path: str, folders: Sequence[Path]) -> Path:
    """Return a path below the first folder that has it; below the first of all where none has."""
    places = [(folder / path).absolute() for folder in folders]
    return next((place for place in places if place.exists()), places[0])


def _is_path(place: str) -> bool:
    head = place.partition(";")[0].strip()
    return "://" not in place and not place.startswith("-") and (head.startswith((".", "/")) or head.endswith(".whl"))


def _unquoted(text: str) -> str:
    return text.strip().strip("'\"")


def package(line: str) -> str | None:
    """Return the canonical name of the package that a line asks for; None where it does not tell.

    The line may be a requirement with extras, versions and markers, a path, an address or an editable one.
    """
    editable = _EDITABLE.fullmatch(line.strip())
    place = editable[1] if editable else line.strip()
    if place.startswith("-"):
        return None
    if egg := re.search(r"#(?:.*&)?egg=([\w.-]+)", place):
        return canonical(egg[1])
    if name := _NAME.match(place):
        return canonical(name[1])
    file = re.split(r"[\s;#?]", place)[0].rstrip("/").rpartition("/")[2]
    found = re.match(r"([\w.]+(?:-[A-Za-z][\w.]*)*)(?:-\d|\.git$|$|@|\[)", file)
    return canonical(found[1]) if found else None


def canonical(name: str) -> str:
    """Return a package name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def is_azureml(line: str) -> bool:
    """Tell whether a line asks for a package of the SDK that this package stands in for."""
    name = package(line) or ""
    return name == "azureml" or name.startswith("azureml-")


def comparable(line: str) -> str:
    """Return a line so that two that mean the same are equal, as far as their looks tell."""
    name = _NAME.match(line)
    if name is None or line.startswith("-"):
        return " ".join(line.split())
    version, mark, marker = line[name.end() :].partition(";")
    if "@" in version:
        return " ".join(line.split())
    return canonical(name[1]) + re.sub(r"\s+", "", version) + (mark and "; " + " ".join(marker.split()))
