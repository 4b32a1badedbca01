"""A plugin's author begins with a distribution that works."""

import os
import re
import subprocess
import sys
import tomllib

import click
import pytest

from azml_integrations.cli import plugin_writing
from azml_integrations.cli.plugin_writing import Names


def installed(folder, names):
    """Put a distribution on the path as an installer would, without building it; return the environment."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = folder / f"{names.package}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    entries = project["entry-points"]["azml_integrations"]
    lines = "".join(f"{name} = {value}\n" for name, value in entries.items())
    (info / "entry_points.txt").write_text(f"[azml_integrations]\n{lines}")
    return {**os.environ, "AZML_PLUGINS": "my_framework", "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}


def test_what_is_written_passes_its_own_tests(azml, tmp_path):
    """As it is, in a process of its own, and the switch knows it."""
    said = azml("plugin", "new", "My.Framework", "--into", str(tmp_path)).out
    folder, names = tmp_path / "azml-my-framework", Names("azml-my-framework", "azml_my_framework", "my_framework")
    assert f"cd {folder} && python -m pip install -e . pytest && python -m pytest" in said
    surroundings = installed(folder, names)

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, *arguments], cwd=folder, env=surroundings, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert re.search(r"^13 passed in ", run("-m", "pytest", "-q", "-p", "no:cacheprovider"), re.MULTILINE)
    assert "my_framework" in run(
        "-c",
        "from azml_integrations.autologging.switch import adapters; print(*adapters())",
    )


def test_what_is_written_is_clean(azml, tmp_path):
    """By the linter and its formatter, as they come; `tox -e types` asks the type checker."""
    azml("plugin", "new", "my-framework", "--into", str(tmp_path))
    folder = tmp_path / "azml-my-framework"
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", "."],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
    assert "$" not in "".join(
        path.read_text() for path in folder.rglob("*") if path.is_file() and path.name != "tests.yml"
    )
    assert "${{ matrix.python }}" in (folder / ".github" / "workflows" / "tests.yml").read_text()
    observers = (folder / "azml_my_framework" / "observers.py").read_text()
    assert len(observers.splitlines()) <= 40


def test_what_is_there_stays(azml, tmp_path):
    """One clear error, and not a file is touched."""
    (tmp_path / "azml-toy").mkdir()
    (tmp_path / "azml-toy" / "mine.txt").write_text("mine")

    said = azml("plugin", "new", "toy", "--into", str(tmp_path), code=1).err

    assert said.strip() == f"error: {tmp_path / 'azml-toy'} is there already; nothing was written"
    assert [path.name for path in (tmp_path / "azml-toy").iterdir()] == ["mine.txt"]


def test_half_a_distribution_is_not_left(tmp_path, monkeypatch):
    """A full disk in the middle."""
    monkeypatch.setattr(plugin_writing, "_contents", lambda _: {"a": "fine", "b/c": None})
    with pytest.raises(TypeError):
        plugin_writing.write(Names.of("toy"), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "distribution", "framework"),
    [
        ("toy", "azml-toy", "toy"),
        ("azml-toy", "azml-toy", "toy"),
        ("My_Own.Framework2", "azml-my-own-framework2", "my_own_framework2"),
    ],
)
def test_a_name_is_put_into_form(name, distribution, framework):
    """As installers write it, and as Python imports it."""
    assert Names.of(name) == Names(distribution, f"azml_{framework}", framework)


@pytest.mark.parametrize(
    "name",
    [
        *("", "../x", "a/b", "a\\b", "/etc", "-x", "x-", "a--b", "2fast", "é", "a b", "$x", "x\n", "azml-", "x" * 81),
        *("class", "integrations", "azml-integrations", "json", "plugins", "azml-2fast"),
        *("pytest", "numpy", "azml-click"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused(name):
    """No path, nothing that cannot be imported, nobody else's name."""
    with pytest.raises(click.BadParameter):
        Names.of(name)


def test_a_wrong_name_is_wrong_usage(azml, tmp_path):
    """The command line says so in its own way, and writes nothing."""
    said = azml("plugin", "new", "../x", "--into", str(tmp_path), code=2).err
    assert "'../x' is no name for a plugin; expected that of a framework" in said
    assert list(tmp_path.glob("**/pyproject.toml")) == []
