"""Environments are built once, whole or not at all, and scripts in them record their runs."""

import dataclasses
import io
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from wheels import wheel

from azml_integrations import host
from azml_integrations.core import Environment, ScriptRunConfig, Workspace
from azml_integrations.core.conda_dependencies import CondaDependencies
from azml_integrations.errors import EnvironmentBuildError, SourceNotFoundError, StoreError
from azml_integrations.launch import building, luggage
from azml_integrations.launch.building import Builder

HERE = Path(sys.executable)
pytestmark = [
    pytest.mark.skipif(not host.CAN_LOCK, reason="builders meet by locks"),
    pytest.mark.timeout(300),  # a virtual environment takes seconds, and more on a busy machine
]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """Give a folder of wheels: `greeting`, and `mother`, which brings a package of the SDK."""
    folder = tmp_path_factory.mktemp("wheels")
    wheel(folder, "greeting")
    wheel(folder, "azureml-core", "1.61.0")
    wheel(folder, "mother", requires=("azureml-core",))
    return folder


@pytest.fixture(scope="module")
def offline(wheels):
    return ["--no-index", f"--find-links {wheels}"]


@pytest.fixture(scope="module")
def world(tmp_path_factory, offline):
    """Build one environment, which costs seconds, and give it to many tests."""
    root = tmp_path_factory.mktemp("built")
    log = io.StringIO()
    asked = [*offline, "Greeting == 1.0  # hello", "azureml-sdk[notebooks]; python_version > '3'", "mother"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_TARGET", str(root / "elsewhere"))  # of the user's shell; it would send the packages there
        interpreter = Builder(root).python(asked, HERE, log)
    return root, log, interpreter, asked


def says(interpreter: Path, program: str, **variables: str) -> str:
    """Return what a program prints in an environment, with nothing of ours on its path."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    done = subprocess.run([interpreter, "-c", program], capture_output=True, text=True, check=False, env=clean)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def until(there) -> None:
    """Wait for something that another process or thread does."""
    begun = time.monotonic()
    while not there() and time.monotonic() - begun < 60:
        time.sleep(0.01)


def test_the_environment_has_what_was_asked_for(world):
    """In an interpreter of its own, with its log shown."""
    root, log, interpreter, _ = world
    assert (
        says(interpreter, "import greeting, sys; print(greeting.VERSION, sys.prefix)")
        == f"1.0 {interpreter.parents[1]}"
    )
    assert interpreter.is_relative_to(root)
    assert "Successfully installed" in log.getvalue()


def test_packages_of_the_sdk_are_never_there(world):
    """Neither those that were named, nor those that others bring."""
    _, log, interpreter, _ = world
    assert says(interpreter, "import importlib.util as u; print(u.find_spec('azureml_core'))") == "None"
    assert "Removing azureml-core" in log.getvalue()
    assert "azureml-sdk" not in log.getvalue()


def test_a_script_in_it_records_its_run(world, tmp_path):
    """That is what it is built for; nothing of it hangs on where this package lies."""
    _, _, interpreter, _ = world
    program = "from azml_integrations.core import Run; run = Run.get_context(); run.log('mse', 0.5); print(run.id)"
    run_id = says(interpreter, program, AZML_HOME=str(tmp_path), AZML_WORKSPACE=str(tmp_path / "studies"))
    run = Workspace._at(tmp_path / "studies").get_run(run_id)
    assert run.get_metrics() == {"mse": 0.5}
    where = says(interpreter, "import azml_integrations, msgspec; print(azml_integrations.__file__, msgspec.__file__)")
    assert all(Path(path).is_relative_to(interpreter.parents[1]) for path in where.split())


def test_the_plugins_of_this_process_come_along(world):
    """An adapter that is installed here observes there too."""
    _, _, interpreter, _ = world
    program = "from azml_integrations.plugins import plugins; print(*sorted(f.name for f in plugins().facts()))"
    here = {point.name for one in luggage.ours() for point in one.source.entry_points if point.group == luggage.PACKAGE}
    assert set(says(interpreter, program).split()) == here
    assert "core" in here


def test_pip_knows_what_was_copied(world):
    """So that somebody who looks into the environment finds no riddle, and pip can take it away."""
    _, _, interpreter, _ = world
    listed = json.loads(
        subprocess.run(
            [interpreter, "-I", "-m", "pip", "--disable-pip-version-check", "list", "--format=json"],
            capture_output=True,
            check=True,
        ).stdout
    )
    assert {"azml-integrations", "msgspec", "greeting"} <= {one["name"] for one in listed}
    script = "import importlib.metadata as m; print(all(f.locate().exists() for f in m.files('azml-integrations')))"
    assert says(interpreter, script) == "True"


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines,
        lambda lines: [*lines[:2], *reversed(lines[2:])],
        lambda lines: [line.replace("Greeting == 1.0  # hello", "greeting==1.0") for line in lines],
        lambda lines: [*lines, "azureml-defaults"],
        lambda lines: [*lines, "mother"],
    ],
    ids=["again", "another order", "another spelling", "one more of the SDK", "twice"],
)
def test_the_same_packages_are_the_same_environment(world, change):
    """What decides is what is in it."""
    root, _, interpreter, asked = world
    log = io.StringIO()
    assert Builder(root).python(change(asked), HERE, log) == interpreter
    assert log.getvalue() == ""


def test_another_list_is_another_environment(world):
    """A version, an index, the Python and this package itself decide."""
    _, _, _, asked = world
    base, ours = building._asked(HERE), luggage.ours()
    key = building._key(asked, base, ours)
    assert building._key([*asked, "numpy"], base, ours) != key
    assert building._key(["--index-url https://pypi.org/simple", *asked[2:]], base, ours) != key
    other = building.Interpreter("3.12.0", (3, 12), "cpython-312", base.base, base.folders)
    assert building._key(asked, other, ours) != key
    assert building._key(asked, base, ours[1:]) != key


def test_a_wheel_that_was_changed_is_another_environment(tmp_path):
    """Its path is the same, what it holds is not."""
    base = building._asked(HERE)
    path = wheel(tmp_path, "greeting")
    before = building._key([str(path)], base, [])
    path.write_bytes(path.read_bytes() + b"\0")
    assert building._key([str(path)], base, []) != before


def test_a_submitted_script_runs_in_the_environment_that_was_built(experiment, queue, tmp_path, offline, monkeypatch):
    """From `CondaDependencies` to a metric of the run, with the build's log among its files."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "train.py").write_text(
        "import greeting, sys\n"
        "from azml_integrations.core import Run\n"
        "Run.get_context().log('version', greeting.VERSION)\n"
        "print(sys.prefix)\n"
    )
    monkeypatch.setenv("AZML_BUILD_ENVIRONMENTS", "1")
    environment = Environment("study")
    packages = CondaDependencies.create(pip_packages=["azureml-defaults", *offline, "greeting"])
    environment.python.conda_dependencies = packages

    run = experiment.submit(ScriptRunConfig(tmp_path / "source", "train.py", environment=environment))
    details = run.wait_for_completion()

    assert details["status"] == "Completed"
    assert run.get_metrics() == {"version": "1.0"}
    run.download_file("user_logs/std_log.txt", "log.txt")
    built = experiment.workspace.root / "environments" / ".built"
    assert Path(Path("log.txt").read_text().strip()).is_relative_to(built)
    assert any("build" in name for name in run.get_file_names())
    assert "azureml-defaults not installed" in str(details["warnings"])


def test_a_build_that_fails_leaves_nothing(tmp_path, offline):
    """One error with pip's own words, and an empty folder but for the lock."""
    log = io.StringIO()
    with pytest.raises(EnvironmentBuildError, match="no-such-package") as caught:
        Builder(tmp_path / "built").python([*offline, "no-such-package==9"], HERE, log)
    assert "No matching distribution" in caught.value.output
    assert "No matching distribution" in log.getvalue()
    assert caught.value.requirements[-1] == "no-such-package==9"
    assert [path.suffix for path in (tmp_path / "built").iterdir()] == [".lock"]


def test_builders_at_once_build_once(tmp_path, offline):
    """The second waits, says so, and takes what the first has built."""
    program = (
        "import sys; from pathlib import Path; from azml_integrations.launch.building import Builder\n"
        "print(Builder(Path(sys.argv[1])).python(sys.argv[2:], Path(sys.executable), sys.stderr))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "built"), *offline, "greeting"]
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda _: subprocess.run(command, capture_output=True, text=True, check=True), range(2)))
    assert len({one.stdout for one in done}) == 1
    logs = sorted((one.stderr for one in done), key=len)
    assert "Waiting for another process" in logs[0]
    assert "Building" not in logs[0]
    assert "Building" in logs[1]


def test_what_a_killed_builder_left_is_built_anew(tmp_path, offline):
    """Half an environment is never taken for a whole one, and pip of the dead builder never writes into the new."""
    program = (
        "import sys; from pathlib import Path; from azml_integrations.launch.building import Builder\n"
        "Builder(Path(sys.argv[1])).python(sys.argv[2:], Path(sys.executable), sys.stdout)"
    )
    root = tmp_path / "built"
    builder = subprocess.Popen([sys.executable, "-c", program, str(root), *offline, "greeting"], stdout=subprocess.PIPE)
    until(lambda: list(root.glob("*/pyvenv.cfg")))
    os.kill(builder.pid, signal.SIGKILL)
    builder.communicate()
    assert not list(root.glob(f"*/{building._READY}"))
    (path,) = root.glob("*.lock")
    lock = os.open(path, os.O_RDWR)
    assert not host.try_lock(lock, exclusive=True)  # the child of the dead builder, still at work, holds it
    os.close(lock)

    log = io.StringIO()
    interpreter = Builder(root).python([*offline, "greeting"], HERE, log)

    assert "Building" in log.getvalue()
    assert says(interpreter, "import greeting; print(greeting.VERSION)") == "1.0"


def test_a_build_can_be_stopped(tmp_path, offline):
    """A run is canceled while its environment is built, or while it waits for one that another builds."""
    builder, waiting = Builder(tmp_path / "built"), Builder(tmp_path / "built")
    logs = [io.StringIO(), io.StringIO()]
    with ThreadPoolExecutor() as pool:
        first = pool.submit(builder.python, [*offline, "greeting"], HERE, logs[0])
        until(lambda: list((tmp_path / "built").glob("*/pyvenv.cfg")))
        second = pool.submit(waiting.python, [*offline, "greeting"], HERE, logs[1])
        until(lambda: "Waiting" in logs[1].getvalue())
        for one, future in ((waiting, second), (builder, first)):
            one.stop()
            with pytest.raises(EnvironmentBuildError, match="it was stopped"):
                future.result(timeout=10)
    assert [path.suffix for path in (tmp_path / "built").iterdir()] == [".lock"]
    with pytest.raises(EnvironmentBuildError, match="it was stopped"):
        builder.python([*offline, "greeting"], HERE, logs[0])


def test_a_filesystem_without_locks_is_told(tmp_path, offline, monkeypatch):
    """Rather than waiting for ever for a builder that is not there."""
    monkeypatch.setattr(host, "try_lock", lambda fd, exclusive: False)
    with pytest.raises(StoreError, match="no locks"):
        Builder(tmp_path / "built").python([*offline, "greeting"], HERE, io.StringIO())


def test_a_python_that_is_too_old_is_told_before_anything_is_built(tmp_path, monkeypatch):
    """An import error at the end of a long build tells nobody what is wrong."""
    old = building.Interpreter("3.8.1", (3, 8), "cpython-38", "/usr", ())
    monkeypatch.setattr(building, "_asked", lambda python: old)
    with pytest.raises(EnvironmentBuildError, match=r"Python 3\.8; azml_integrations needs 3\.11"):
        Builder(tmp_path / "built").python(["greeting"], HERE, io.StringIO())
    assert not (tmp_path / "built").exists()


def test_a_python_of_another_kind_is_not_given_what_was_compiled_for_this_one(tmp_path, offline, monkeypatch):
    """Pip is asked for what this package needs, made for that Python: here in vain, since it is offline."""
    ask, other = building._asked, tmp_path / "python"
    other.symlink_to(HERE.resolve())
    strange = dataclasses.replace(ask(HERE), tag="another")
    monkeypatch.setattr(building, "_asked", lambda python: strange if python == other else ask(python))
    with pytest.raises(EnvironmentBuildError, match="pip install") as caught:
        Builder(tmp_path / "built").python([*offline, "greeting"], other, io.StringIO())
    assert "msgspec" in caught.value.output or "click" in caught.value.output


def test_something_that_is_no_python_is_told(tmp_path):
    """A path that was typed wrong, or a program of another kind."""
    with pytest.raises(EnvironmentBuildError, match="for its version"):
        Builder(tmp_path / "built").python(["greeting"], Path("/bin/true"), io.StringIO())


def test_a_requirements_file_that_is_not_there_is_told(tmp_path):
    """Before anything is built."""
    with pytest.raises(SourceNotFoundError, match=r"missing\.txt"):
        Builder(tmp_path / "built").python(["-r missing.txt"], HERE, io.StringIO())


def test_without_being_installed_there_is_nothing_to_bring(tmp_path, monkeypatch):
    """A source tree on PYTHONPATH has no metadata, by which plugins are found."""

    def nowhere(name):
        raise luggage.PackageNotFoundError(name)

    monkeypatch.setattr(luggage, "distribution", nowhere)
    with pytest.raises(EnvironmentBuildError, match="own files"):
        Builder(tmp_path / "built").python(["greeting"], HERE, io.StringIO())
