"""``azml mirror``: how far mirrors are, and giving them what they lack."""

import signal
import subprocess
import sys
import time

import pytest
from azml_calls import CALL

from azml_integrations import Mirror, hookimpl
from azml_integrations.mirroring import followers
from azml_integrations.plugins import plugins


class Sink:
    def __init__(self):
        self.error, self.batches = None, []

    def apply(self, run_id, batch):
        if self.error:
            raise self.error
        self.batches.append(run_id)


@pytest.fixture
def sink(workspace, monkeypatch):
    """Install a mirror named ``sink``."""
    sink, module = Sink(), type(sys)("sink_of_a_test")
    module.activate = lambda workspace: sink
    monkeypatch.setitem(sys.modules, module.__name__, module)

    class Plugin:
        @hookimpl
        def azml_mirrors(self):
            return [Mirror("sink", activate="sink_of_a_test:activate")]

    plugins().register(Plugin(), "sink")
    yield sink
    followers().end()


def test_it_is_said_that_there_is_none(azml, workspace):
    """No table without rows."""
    assert "no plugin brings a mirror" in azml("mirror").err
    assert "no plugin brings a mirror" in azml("mirror", "--once").err
    assert azml("mirror", "--output", "json").json == []


def test_once_gives_it_what_it_lacks(azml, ended, sink):
    """Also runs from before; then it is up to date, and stays so."""
    run = ended(loss=1.0)
    followers().end()
    sink.batches.clear()
    for path in (run._workspace.root / "mirrors").rglob(run.id):
        path.unlink()

    azml("mirror", "--once")
    assert sink.batches == [run.id]
    (row,) = azml("mirror", "--output", "json").json
    assert (row["name"], row["state"], row["runs"], row["behind"]) == ("sink", "up to date", 0, 0)
    azml("mirror", "sink", "--once")
    assert sink.batches == [run.id]


@pytest.mark.filterwarnings("ignore::azml_integrations.errors.PluginWarning")
def test_one_that_fails_is_told_and_ends_with_1(azml, ended, sink):
    """A cron job notices."""
    sink.error = ConnectionError("no route")
    ended(loss=1.0)
    followers().end()
    azml("mirror", "--once", code=1)
    (row,) = azml("mirror", "--output", "json").json
    assert (row["state"], row["fault"]) == ("failing", "ConnectionError: no route")
    assert row["behind"] > 100
    assert "ConnectionError: no route" in azml("mirror").out
    assert "mirror failing: sink: ConnectionError: no route; 1 run waits" in azml("doctor").out

    sink.error = None
    azml("mirror", "--once")
    assert azml("mirror", "--output", "json").json[0]["state"] == "up to date"


def test_wrong_names_and_options(azml, sink):
    """As elsewhere: 3 not found, 2 wrong usage."""
    azml("mirror", "snik", "--once", code=3)
    azml("mirror", "--once", "--follow", code=2)


def test_following_ends_with_ctrl_c(workspace, experiment, tmp_path, monkeypatch):
    """And meanwhile gives it what comes."""
    (tmp_path / "plugin_sink.py").write_text(
        "from azml_integrations import Mirror, hookimpl\n"
        "@hookimpl\n"
        "def azml_mirrors():\n"
        "    return [Mirror('sink', activate='plugin_sink:Sink')]\n"
        "class Sink:\n"
        "    def __init__(self, workspace):\n"
        "        self.path = workspace.root / 'sink.txt'\n"
        "    def apply(self, run_id, batch):\n"
        "        with self.path.open('a') as file:\n"
        "            file.write(run_id + '\\n')\n"
    )
    info = tmp_path / "plugin_sink-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[azml_integrations]\nsink = plugin_sink\n")
    monkeypatch.setenv("AZML_PLUGINS", "sink")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {CALL[-1]}"
    command = [*CALL[:-1], program, "--workspace", str(workspace.root), "mirror", "--follow"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        begun = experiment.start_logging(outputs=False, snapshot_directory=None)
        begun.complete()
        until = time.monotonic() + 60
        while not (workspace.root / "sink.txt").exists() and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130, process.stderr.read()
    assert set((workspace.root / "sink.txt").read_text().split()) == {begun.id}
