"""Importing: quick, lazy, alone, and clear where it is not alone."""

import os
import sys
import time

import pytest

from azml_azureml import neighbours

LIST = """
import sys
before = set(sys.modules)
{program}
print(*sorted(set(sys.modules) - before))
"""


def test_importing_brings_no_framework(python):
    """Neither the package nor the class that every script wants."""
    loaded = set(python(LIST.format(program="import azureml.core; azureml.core.VERSION")).split())
    assert not loaded & {"numpy", "pandas", "sklearn", "torch", "msgspec", "sqlite3", "importlib.metadata", "IPython"}
    assert "azml_integrations.core.run" not in loaded
    loaded = set(python(LIST.format(program="from azureml.core import Run, Workspace, Experiment")).split())
    assert not loaded & {"numpy", "pandas", "sklearn", "torch", "matplotlib", "IPython", "azml_integrations.checking"}


def test_the_detour_costs_little(python):
    """Beside the class itself, measured in turns: the best of five, whatever else the machine does."""
    program = "import time; t = time.process_time(); from {} import Run; print(time.process_time() - t)"
    pairs = [
        [float(python(program.format(module))) for module in ("azureml.core", "azml_integrations.core")]
        for _ in range(5)
    ]
    ours, plain = (min(times) for times in zip(*pairs, strict=True))
    assert ours < 2 * plain, (ours, plain)


def test_a_plain_import_of_the_namespace_says_nothing(python):
    """Libraries look whether it is there with find_spec."""
    program = """
    import importlib.util
    for name in "azureml", "azureml.core", "azureml.core.run":
        assert importlib.util.find_spec(name) is not None
    """
    assert python(program) == ""


# -- beside a real one -------------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Pretend that a distribution is installed: a folder of metadata on the path, as pip leaves it."""

    def pretend(name: str, files: tuple[str, ...] | None = ("azureml/core/__init__.py",)) -> None:
        site = tmp_path / "site"
        about = site / f"{name.replace('-', '_')}-1.61.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.61.0\n")
        if files is not None:
            (about / "RECORD").write_text("".join(f"{file},,\n" for file in files))
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(site)]))
        monkeypatch.setattr(sys, "path", [*sys.path, str(site)])

    return pretend


ASKED = """
try:
    {line}
except ImportError as error:
    print(type(error).__name__, error)
else:
    print("imported")
"""
REFUSED = (
    "import azureml.core",
    "from azureml.core import Run",
    "from azureml.core.run import Run",
    "from azureml.widgets import RunDetails",
    "from azureml.train.widgets import RunDetails",
    "from azureml.exceptions import UserErrorException",
    "from azureml._common.exceptions import AzureMLException",
    "from azureml._restclient.exceptions import ServiceException",
    "from azureml.data.datapath import DataPath",
    "import azureml.telemetry",
    "import azureml.pipeline.core",
)


@pytest.mark.parametrize("line", REFUSED)
def test_beside_a_real_one_every_import_says_so(python, installed, line):
    """Which distributions they are, and both ways out; an import that worked by half would cost a day."""
    installed("azureml-core")
    said = python(ASKED.format(line=line))
    assert said.startswith(
        "NeighbourError azml-azureml stands in for the Azure ML SDK v1, and packages of the SDK itself"
    )
    assert "azureml-core" in said
    assert "pip uninstall --yes azureml-core" in said
    assert "To use the cloud: `pip uninstall azml-azureml`" in said


def test_all_of_them_are_named(installed):
    """One message, not one after the other; without a list of files the worst is assumed."""
    installed("azureml-core")
    installed("azureml-train-core", None)
    with pytest.raises(ImportError) as caught:
        neighbours.refuse()
    assert caught.value.distributions == ["azureml-core", "azureml-train-core"]


def test_one_with_modules_of_its_own_is_no_rival(python, installed):
    """It shares the namespace, and nothing else: a plugin of MLflow, say."""
    installed(
        "azureml-mlflow", ("azureml/__init__.py", "azureml/mlflow/__init__.py", "azureml_mlflow.dist-info/RECORD")
    )
    assert python(ASKED.format(line="from azureml.core import Run")) == "imported\n"


def test_the_namespace_itself_is_imported_beside_one(python, installed):
    """Else a plugin of another library that lives in it would be broken by us."""
    installed("azureml-core")
    assert python(ASKED.format(line="import azureml")) == "imported\n"


def test_nobody_is_here(elsewhere):
    """In this very environment; folders of the path that are not there are passed."""
    assert list(neighbours.rivals()) == []


def test_looking_takes_no_time(elsewhere):
    """It is done at the first import of each package."""
    began = time.process_time()
    neighbours.refuse()
    assert time.process_time() - began < 0.1


def test_the_namespace_is_shared(python, tmp_path):
    """Another distribution's modules are found beside ours, also where its file of the namespace comes first."""
    (tmp_path / "other" / "azureml" / "mlflow").mkdir(parents=True)
    (tmp_path / "other" / "azureml" / "__init__.py").write_text(
        "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
    )
    (tmp_path / "other" / "azureml" / "mlflow" / "__init__.py").write_text("name = 'theirs'\n")
    program = """
    import azureml.mlflow
    from azureml.core import Run
    import azureml.pipeline.core
    print(azureml.mlflow.name, Run.__module__, azureml.pipeline.core.Pipeline)
    """
    first = os.pathsep.join([str(tmp_path / "other"), os.environ.get("PYTHONPATH", "")])
    told = "theirs azml_integrations.core.run <azureml.pipeline.core.Pipeline, which needs the cloud>\n"
    assert python(program, PYTHONPATH=first) == told
    last = os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(tmp_path / "other")])
    assert python(program, PYTHONPATH=last) == told
