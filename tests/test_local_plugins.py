"""A file beside the script is a plugin, and a file that is elsewhere is none."""

import os
import subprocess
import sys

import pytest

from azml_integrations.core import Environment, Experiment, ScriptRunConfig, Workspace
from azml_integrations.errors import PluginWarning
from azml_integrations.plugins import plugins

PLUGIN = """
from azml_integrations import Adapter, hookimpl
from azml_integrations.autologging import Target

@hookimpl
def azml_adapters():
    return [Adapter(framework="toy", import_name="azml_integrations.testing.toy", activate="azml_plugins:activate")]

def activate(options):
    from azml_integrations.testing import toy
    yield Target(toy.Model, "fit", observe_fit)

def observe_fit(run, model, X, y, callbacks=()):
    yield
    run.log("training_score", model.score(X, y))
"""

TRAIN = """
import azml_integrations
azml_integrations.autolog("toy")
from azml_integrations.testing import toy
toy.Model().fit([0.0, 1.0], [1.0, 3.0])
"""

TELL = """
from azml_integrations.plugins import plugins
print(*[(fact.name, fact.state, fact.reason) for fact in plugins().facts() if fact.name == "local"])
"""


@pytest.fixture
def project(workspace, tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text(TRAIN)
    (folder / "tell.py").write_text(TELL)
    (folder / "azml_plugins.py").write_text(PLUGIN)
    return folder


def call(project, *arguments, cwd=None, **variables):
    """Run Python with local plugins let in, and no installed ones."""
    surroundings = {**os.environ, "AZML_PLUGINS": "local", "AZML_EXPERIMENT": "trials", **variables}
    given = [sys.executable, "-W", "error", *arguments]
    done = subprocess.run(given, cwd=cwd, env=surroundings, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_file_beside_the_script_is_a_plugin(project, tmp_path):
    """From whatever directory the script is started."""
    call(project, project / "train.py", cwd=tmp_path)
    (run,) = Experiment(Workspace.from_config(), "trials").get_runs()
    assert "training_score" in run.get_metrics()


def test_a_file_in_the_working_directory_is_none(project, tmp_path):
    """A folder that one happens to stand in may be anybody's; a prompt has no script."""
    (tmp_path / "elsewhere").mkdir()
    script = tmp_path / "elsewhere" / "tell.py"
    script.write_text(TELL)
    assert call(project, script, cwd=project) == ""
    assert call(project, "-c", TELL, cwd=project) == ""


def test_whoever_forbids_imports_beside_the_script_forbids_this_one(project):
    """``python -P``: what holds for the script's own modules holds for its plugin."""
    assert "loaded" in call(project, project / "tell.py")
    assert call(project, "-P", project / "tell.py") == ""
    assert call(project, project / "tell.py", PYTHONSAFEPATH="1") == ""


def test_a_place_can_be_named(project, tmp_path):
    """For notebooks and the command line: a folder, a file; empty is none."""
    named = f"{(project / 'mine.py')}"
    (project / "azml_plugins.py").rename(named)
    assert call(project, "-c", TELL, AZML_LOCAL_PLUGINS=named) == "('local', 'loaded', '')"
    (project / "mine.py").rename(project / "azml_plugins.py")
    for told in (str(project), "."):
        assert call(project, "-c", TELL, cwd=project, AZML_LOCAL_PLUGINS=told) == "('local', 'loaded', '')"
    assert call(project, project / "tell.py", AZML_LOCAL_PLUGINS="") == ""


def test_it_is_left_out_by_name(project):
    """As any plugin is."""
    reason = "named in AZML_DISABLE_PLUGINS"
    assert call(project, project / "tell.py", AZML_DISABLE_PLUGINS="local") == f"('local', 'left out', '{reason}')"
    assert call(project, project / "tell.py", AZML_PLUGINS="") == "('local', 'left out', 'not named in AZML_PLUGINS')"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def broken(:", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        (None, "FileNotFoundError"),
    ],
)
def test_a_broken_one_is_one_warning(azml_home, tmp_path, monkeypatch, text, reason):
    """It names the file, and all else goes on; a second look does not find half a module."""
    path = tmp_path / "azml_plugins.py"
    if text is not None:
        path.write_text(text)
    monkeypatch.setenv("AZML_LOCAL_PLUGINS", str(path))
    monkeypatch.setenv("AZML_PLUGINS", "local")
    with pytest.warns(PluginWarning, match=reason) as caught:
        facts = {fact.name: fact for fact in plugins().facts()}
    assert len(caught) == 1
    assert str(path) in str(caught[0].message)
    assert facts["local"].state == "failed"
    assert "azml_plugins" not in sys.modules


def test_another_module_of_the_name_is_told(azml_home, tmp_path, monkeypatch):
    """Python knows one module of a name; which one it is, is not guessed."""
    path = tmp_path / "azml_plugins.py"
    path.write_text(PLUGIN)
    monkeypatch.setenv("AZML_LOCAL_PLUGINS", str(path))
    monkeypatch.setenv("AZML_PLUGINS", "local")
    monkeypatch.setitem(sys.modules, "azml_plugins", type(sys)("azml_plugins"))
    with pytest.warns(PluginWarning, match="has its name already"):
        plugins().facts()


def test_one_that_the_script_has_imported_is_the_same_module(project):
    """Its state is there once."""
    (project / "tell.py").write_text(
        "import sys, azml_plugins as mine\n" + TELL + "print(mine is sys.modules['azml_plugins'])"
    )
    assert call(project, project / "tell.py").split("\n") == ["('local', 'loaded', '')", "True"]


def test_it_goes_along_with_a_submitted_script(experiment, queue, project, monkeypatch):
    """The copy of the folder holds it, and the script of the submission is the main one."""
    monkeypatch.setenv("AZML_PLUGINS", "local")
    environment = Environment("user-managed")
    environment.python.user_managed_dependencies = True

    run = experiment.submit(ScriptRunConfig(str(project), "train.py", environment=environment))
    run.wait_for_completion()

    assert "training_score" in run.get_metrics()


def test_a_test_has_none(azml_home, project, monkeypatch):
    """What lies beside pytest, or is named for the person who tests, stays out."""
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(project / "train.py"), raising=False)
    assert {fact.name: fact.state for fact in plugins().facts()}["local"] == "left out"
