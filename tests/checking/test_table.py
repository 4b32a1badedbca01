"""The one table: whole, and true of the libraries that are installed."""

import importlib
import inspect

import pytest

from azml_integrations.checking import Verdict, everything, fact, others, table


def test_every_name_says_what_to_do():
    """Whoever reads that something differs, needs the cloud or is gone wants to know what now."""
    silent = [name for name, known in everything() if known.verdict is not Verdict.RUNS and not known.why]
    assert silent == []
    assert all(others.BROKEN.values())


def test_names_stand_once():
    """Two rows about one name would be two truths."""
    names = [name for name, _ in everything()]
    assert sorted(set(names)) == sorted(names)
    classes = [entry.fact.name for entry in table.ENTRIES]
    assert sorted(set(classes)) == sorted(classes)


def test_every_parameter_list_is_python():
    """They are compared with ours, and with what scripts pass."""
    for _, known in everything():
        table.parameters(known)
    assert table.parameters(fact("azureml.core.Run")) == (frozenset({"experiment", "run_id", "outputs"}), True)
    assert table.parameters(fact("azureml.core.VERSION")) is None


def test_what_something_gives_is_a_class_of_the_table():
    """A misspelt one would end the trail of an object without a word."""
    known = {entry.fact.name for entry in table.ENTRIES} | {table.DATA_FRAME, ""}
    assert {one for _, fact in everything() for one in fact.gives.strip("[]{}").split("|")} <= known


def test_names_are_found_in_every_place():
    """Old scripts import from the module, newer ones from the package; below a room everything belongs to it."""
    assert fact("azureml.core.run.Run") is fact("azureml.core.Run")
    assert table.member("HyperDriveRun", "log")[0] == "azureml.core.Run.log"
    assert table.member("Run", "nothing") is None
    assert fact("azureml.pipeline.steps.deep.down").verdict is Verdict.CLOUD
    assert fact("azureml.pipelines") is None
    assert fact("azureml.core.webservice.WebserviceException").verdict is Verdict.RUNS  # in an except clause
    assert fact("azureml.data.azure_storage_datastore.AzureBlobDatastore").verdict is Verdict.CLOUD
    assert fact("azureml.monitoring.ModelDataCollector").verdict is Verdict.CLOUD
    assert fact("numpy.float").verdict is Verdict.BROKEN
    assert "azureml.train.hyperdrive" in table.modules()


@pytest.mark.filterwarnings("ignore")  # libraries warn of what they will take away next
@pytest.mark.parametrize("name", sorted(others.BROKEN))
def test_what_is_said_to_be_gone_is_gone(name):
    """Asked of the libraries that are installed; the newest ones, in the environment of the adapters."""
    module, _, last = name.rpartition(".")
    if not _installed(name.partition(".")[0]):
        pytest.skip(f"{name.partition('.')[0]} is not installed")
    if name in ("imp", "distutils", "asynchat", "asyncore"):
        pytest.skip("Python 3.11 has it still")
    assert not _there(module, last), name


@pytest.mark.parametrize("name", sorted(others.CHANGED))
def test_what_is_said_to_have_changed_is_there(name):
    """Else it would be gone."""
    pytest.importorskip("numpy", minversion="2.0")
    module, _, last = name.rpartition(".")
    assert _there(module, last)


@pytest.mark.parametrize(("function", "argument"), sorted(others.BROKEN_ARGUMENTS))
def test_arguments_that_are_said_to_be_gone_are_gone(function, argument):
    """Asked of the newest scikit-learn."""
    pytest.importorskip("sklearn", minversion="1.6")
    module, _, last = function.rpartition(".")
    assert argument not in inspect.signature(getattr(importlib.import_module(module), last)).parameters


def _installed(package: str) -> bool:
    return package not in ("tensorflow", "sklearn", "pandas", "numpy", "scipy") or _there(package, "__version__")


def _there(module: str, name: str) -> bool:
    if module.endswith(".DataFrame"):
        module, name = "pandas", f"DataFrame.{name}"
    try:
        thing = importlib.import_module(module) if module else None
        for part in name.split("."):
            thing = getattr(thing, part) if thing is not None else importlib.import_module(part)
    except (ImportError, AttributeError):
        try:
            importlib.import_module(f"{module}.{name}" if module else name)
        except ImportError:
            return False
    return True


def test_sealed_classes_refuse_what_they_have_not():
    """What is told of an assignment is what happens."""
    from azml_integrations.core import Environment, RunConfiguration, ScriptRunConfig

    made = [Environment("e"), RunConfiguration(), ScriptRunConfig(".", "train.py")]
    assert {type(one).__name__ for one in made} == table.SEALED
    for one in made:
        with pytest.raises(AttributeError):
            one.nonsense = 1
