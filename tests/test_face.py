"""The face: public names only, resolved late, and nothing heavy behind them."""

import subprocess
import sys

import pytest

import azml_integrations
from azml_integrations import core

HEAVY = {
    "sqlite3",
    "numpy",
    "pandas",
    "matplotlib",
    "sklearn",
    "torch",
    "lightning",
    "click",
    "rich",
    "asyncio",
    "platformdirs",
    "importlib.metadata",
    "multiprocessing",
    "IPython",
    "yaml",
}


def loaded_by(program: str) -> set[str]:
    """Return the modules of a fresh process after a program."""
    text = f"import sys\nbefore = set(sys.modules)\n{program}\nprint(*(set(sys.modules) - before), sep='\\n')"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_all_is_complete_and_sorted():
    """What stands there can be had, and what can be had stands there."""
    assert list(azml_integrations.__all__) == sorted(azml_integrations.__all__)
    assert set(azml_integrations.__all__) == {*azml_integrations._LATE, "__version__", "errors"}
    assert dir(azml_integrations) == sorted(azml_integrations.__all__)
    assert set(core.__all__) == {*core._LATE, "VERSION", "__version__", "get_run"}


@pytest.mark.parametrize("module", [azml_integrations, core], ids=lambda module: module.__name__)
def test_late_names_resolve(module):
    """Each of them, to something of that name."""
    for name in module.__all__:
        found = getattr(module, name)
        assert getattr(found, "__name__", name).rpartition(".")[2] == name, name


@pytest.mark.parametrize("module", [azml_integrations, core], ids=lambda module: module.__name__)
def test_other_names_are_attribute_errors(module):
    """`hasattr` answers, and star imports work."""
    with pytest.raises(AttributeError, match="no attribute 'Tracker'"):
        module.Tracker  # noqa: B018 - the look-up is the test
    assert not hasattr(module, "_begun")
    namespace = {}
    exec(f"from {module.__name__} import *", namespace)
    assert set(module.__all__) <= set(namespace)


def test_the_face_and_the_core_show_the_same_things():
    """One class under two names."""
    for name in set(azml_integrations.__all__) & set(core.__all__):
        assert getattr(azml_integrations, name) is getattr(core, name)
    assert core.VERSION == core.__version__ == azml_integrations.__version__


def test_sdk_v1s_file_names_are_here():
    """A script moves by replacing ``azureml.core`` with ``azml_integrations.core``."""
    from azml_integrations.core.experiment import Experiment
    from azml_integrations.core.run import Run, _OfflineRun
    from azml_integrations.core.workspace import Workspace

    assert (Experiment, Run, Workspace) == (core.Experiment, core.Run, core.Workspace)
    assert issubclass(_OfflineRun, Run)


def test_importing_us_imports_nothing_heavy():
    """Nor does touching `Run`: whoever logs one number does not wait for a database or a plotting library."""
    assert loaded_by("import azml_integrations") & {*HEAVY, "msgspec", "pluggy"} == set()
    loaded = loaded_by("from azml_integrations import Run, RunQuery, errors, hookimpl; Run.log")
    assert loaded & HEAVY == set()
    assert "azml_integrations.plugins" not in loaded  # entry points are looked for at the first question


def test_autolog_imports_no_framework():
    """It acts when the user imports one."""
    frameworks = {"numpy", "pandas", "matplotlib", "sklearn", "torch", "lightning", "sqlite3"}
    assert loaded_by("import azml_integrations; azml_integrations.autolog(silent=True)") & frameworks == set()


def test_logging_imports_no_framework(tmp_path):
    """A whole run does not need one."""
    program = (
        "import os; os.environ.update(AZML_HOME='home', AZML_PLUGINS='')\n"
        "from azml_integrations import Experiment, Workspace\n"
        "with Experiment(Workspace.create('abc'), 'e').start_logging() as run:\n"
        "    run.log('a', 1); run.log_table('t', {'x': [1, 2]}); run.tag('a')\n"
        "    run.upload_file('x', 'home/abc/workspace.json')\n"
        "assert run.get_metrics()['a'] == 1"
    )
    assert loaded_by(program) & (HEAVY - {"sqlite3", "importlib.metadata", "platformdirs"}) == set()


def test_importing_is_little():
    """What takes time is measured by the benchmarks; here, that nobody adds to what is loaded without noticing."""
    ours = {name for name in loaded_by("from azml_integrations import Run") if name.startswith("azml_integrations")}
    assert len(ours) < 36


def test_we_are_typed():
    """A marker file tells type checkers to read our annotations."""
    from importlib.resources import files

    assert (files("azml_integrations") / "py.typed").is_file()
