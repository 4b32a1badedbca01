"""The tutorial for plugins, followed to the letter: every file is written, every command is run."""

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "write-a-plugin.md"
BLOCK = re.compile(
    r"^```(?:\{code-block\} python\n:caption: (?P<file>\S+)\n\n|(?P<console>console)\n)(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


class Reader:
    """Somebody who does what a page says.

    Parameters
    ----------
    folder : Path
        Where they stand; ``cd`` takes them elsewhere.
    surroundings : dict
        Environment variables of their shell.
    """

    def __init__(self, folder, surroundings):
        self.folder, self.surroundings = folder, surroundings
        self.said = []

    def read(self, page):
        """Write each file, run each command, and compare what it says with the page."""
        for block in BLOCK.finditer(page):
            if block["file"]:
                (self.folder / block["file"]).write_text(block["text"])
            else:
                self.type(block["text"])

    def type(self, console):
        """Run the commands of a block; below each stands what it prints, `...` for anything."""
        for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", console, re.MULTILINE):
            printed = self.run(shlex.split(command))
            same = doctest.OutputChecker().check_output(
                expected, printed, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
            )
            assert same or not expected, f"{command}\nprinted:\n{printed}\nthe page says:\n{expected}"
            self.said.append(command)

    def run(self, words):
        """Run one command, which has to go well."""
        if words[0] == "cd":
            self.folder = self.folder / words[1]
            return ""
        done = subprocess.run(
            words, cwd=self.folder, env=self.surroundings, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout


class OfflineReader(Reader):
    """One whose installer puts a distribution on the path as it is: an index may be out of reach."""

    def run(self, words):
        """Install the folder instead of building it; what else is asked for is there already."""
        if words[:4] != ["python", "-m", "pip", "install"]:
            return super().run([sys.executable if word == "python" else word for word in words])
        assert [word for word in words[4:] if not word.startswith("-")] == [".", "pytest"]
        (package,) = (path.parent for path in self.folder.glob("*/__init__.py"))
        info = self.folder / f"{package.name}-0.1.0.dist-info"
        info.mkdir()
        name = self.folder.name
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
        (info / "entry_points.txt").write_text(f"[azml_integrations]\n{name.removeprefix('azml-')} = {package.name}\n")
        self.surroundings["PYTHONPATH"] = os.pathsep.join([str(self.folder), *filter(None, sys.path)])
        return ""


def surroundings(tmp_path, **more):
    """Give a shell a home of its own, and a terminal of a known width."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("AZML_", "AZUREML_", "PYTEST_"))}
    wide = {"COLUMNS": "120", "PYTHONDONTWRITEBYTECODE": "1", "AZML_HOME": str(tmp_path / "home")}
    return {**ours, **wide, **more}


def test_the_tutorial_for_plugins_runs_as_written(tmp_path):
    """It ends with a plugin whose contract tests pass, and whose training shows."""
    work = tmp_path / "work"
    work.mkdir()
    scripts = str(Path(sys.executable).parent)
    path = os.pathsep.join([scripts, os.environ["PATH"]])
    reader = OfflineReader(work, surroundings(tmp_path, PATH=path, AZML_PLUGINS="brook"))

    reader.read(PAGE.read_text())

    assert [command for command in reader.said if "install" not in command] == [
        "azml plugin new brook",
        "cd azml-brook",
        "python -m pytest -q",
        "azml plugin list",
        "rm tests/brook.py",
        "python -m pytest -q",
        "python train.py",
        "azml run show @latest",
    ]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_tutorial_for_plugins_runs_in_a_fresh_environment(tmp_path):
    """Nothing of ours is on the path but what an installer put there, and everything is fetched and built."""
    root = Path(__file__).parent.parent
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    scripts = tmp_path / "venv" / "bin"
    subprocess.run([scripts / "python", "-m", "pip", "install", "--quiet", root], check=True)
    work = tmp_path / "work"
    work.mkdir()
    path = os.pathsep.join([str(scripts), os.environ["PATH"]])
    ours = surroundings(tmp_path, PATH=path)
    ours.pop("PYTHONPATH", None)
    Reader(work, ours).read(PAGE.read_text())
