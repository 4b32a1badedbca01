"""Mirrors in a test: one that remembers, the one of the guide, and followers that end with the test."""

import importlib
import os
import re
import sys
import textwrap
import threading
from pathlib import Path

import msgspec
import pytest

from azml_integrations import Mirror, hookimpl, journal
from azml_integrations.mirroring import Follower, followers, ledgers
from azml_integrations.plugins import plugins
from azml_integrations.records import Cursor
from azml_integrations.store.view import batches

GUIDE = Path(__file__).parent.parent.parent / "docs" / "how-to" / "mirror-runs.md"


@pytest.fixture(autouse=True)
def _ended():
    yield
    followers().end()


class Remembering:
    """A mirror that keeps what it gets, or raises what it is told to; in this process only."""

    def __init__(self):
        self.batches, self.threads, self.closed, self.error, self.begun = [], set(), 0, None, 0

    def apply(self, run_id, batch):
        self.threads.add(threading.get_ident())
        if self.error is not None:
            raise self.error
        self.batches.append((run_id, batch))

    def close(self):
        self.closed += 1

    def events(self, run_id):
        return [event for of, batch in self.batches if of == run_id for event in batch.events]


@pytest.fixture
def remembering():
    """Give the class of mirrors that remember."""
    return Remembering


@pytest.fixture
def offer(workspace, monkeypatch):
    """Install mirrors by name: each is an object that `activate` returns, or an error that it raises."""

    def offer(**several):
        module = type(sys)("mirrors_of_a_test")
        for name, mirror in several.items():

            def activate(workspace, mirror=mirror):
                if isinstance(mirror, BaseException):
                    raise mirror
                mirror.begun += 1
                return mirror

            setattr(module, name, activate)
        monkeypatch.setitem(sys.modules, module.__name__, module)

        class Plugin:
            @hookimpl
            def azml_mirrors(self):
                return [Mirror(name, activate=f"{module.__name__}:{name}") for name in several]

        plugins().register(Plugin(), "mirrors")

    return offer


@pytest.fixture
def mirror(offer):
    """Install one mirror that remembers."""
    mirror = Remembering()
    offer(memory=mirror)
    return mirror


@pytest.fixture
def follower(workspace):
    """Give the follower of an installed mirror, without its thread."""

    def follower(name="memory"):
        return Follower(workspace, *ledgers(workspace)[name])

    return follower


@pytest.fixture
def begin(experiment):
    """Begin a run."""
    return lambda: experiment.start_logging(outputs=False, snapshot_directory=None)


@pytest.fixture
def written(workspace):
    """Return every event of a run, as its journals have it, in their order."""

    def written(run_id):
        paths = journal.files(workspace.view.folder(run_id))
        return [event for path in paths for batch in batches(path, Cursor()) for event in batch.events]

    return written


@pytest.fixture
def guide(azml_home, tmp_path, monkeypatch):
    """Give the module of the guide, word for word, in a folder on the path."""
    folder = tmp_path / "guide"
    folder.mkdir()
    (code,) = re.findall(r"```python\n# azml_file_mirror\.py\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    (folder / "azml_file_mirror.py").write_text(textwrap.dedent(code))
    info = folder / "azml_file_mirror-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: azml-file-mirror\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[azml_integrations]\nfile-mirror = azml_file_mirror\n")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("AZML_PLUGINS", "file-mirror")
    monkeypatch.setenv("EVENT_FILE", str(tmp_path / "events.jsonl"))
    monkeypatch.delitem(sys.modules, "azml_file_mirror", raising=False)
    importlib.invalidate_caches()
    plugins.cache_clear()
    yield tmp_path / "events.jsonl"
    sys.modules.pop("azml_file_mirror", None)


@pytest.fixture
def mirrored(guide):
    """Return the events of a run in the file of the guide, by journal, in their order."""

    def mirrored(run_id):
        found, open_lines = [], []
        for line in guide.read_bytes().splitlines():
            said = msgspec.json.decode(line)
            if "mark" in said:
                found += [(said["mark"][1], event) for of, event in open_lines if of == run_id]
                open_lines = []
            else:
                open_lines.append((said["run"], said["event"]))
        assert not open_lines, "lines without a mark"
        return found

    return mirrored
