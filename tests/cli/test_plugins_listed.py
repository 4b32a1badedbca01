"""``azml plugin list``: who is there, and what is wrong with them."""

import pytest

from azml_integrations.hookspecs import hookimpl
from azml_integrations.plugins import plugins

pytestmark = pytest.mark.filterwarnings("ignore::azml_integrations.errors.PluginWarning")  # the commands tell the same


class Broken:
    @hookimpl
    def azml_run_started(self, run):
        raise RuntimeError("boom")


@pytest.fixture
def stumbled(workspace, ended):
    """Let a plugin stumble in a run, and forget it, as another process would."""
    plugins().register(Broken(), "acme")
    run = ended(loss=1.0)
    plugins.cache_clear()
    return run


def test_the_core_is_listed_with_its_hooks(azml):
    """The same in a table and for programs."""
    (core, *_) = azml("plugin", "list", "--json").json
    assert (core["name"], core["state"], core["distribution"], core["fault"]) == (
        "core",
        "loaded",
        "azml-integrations",
        None,
    )
    assert "azml_open_store" in core["hooks"]
    assert azml("plugin", "list", "--output", "json").json == azml("plugin", "list", "--json").json
    assert "azml_open_store" in azml("plugin", "list").out


def test_a_fault_of_an_earlier_process_is_told_from_its_run(azml, stumbled):
    """The doctor and the list see their own process only; what happened in a training, the run has kept."""
    (row,) = [row for row in azml("plugin", "list", "--json").json if row["name"] == "acme"]
    assert row["state"] == "not here"
    assert row["last_run"]["run_id"] == stumbled.id
    assert row["last_run"]["messages"] == ["azml_run_started raised RuntimeError: boom"]
    assert "azml_run_started raised RuntimeError: boom" in azml("plugin", "list").out

    told = azml("doctor").out
    assert f"plugin fault: run {stumbled.id}: plugin acme in 1 run, the last time: azml_run_started raised" in told


def test_a_fault_of_loading_is_told(azml, tmp_path, monkeypatch):
    """With the reason, by both commands; and the others are there."""
    (tmp_path / "plugin_bad.py").write_text("raise SystemExit('I leave')\n")
    info = tmp_path / "plugin_bad-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin-bad\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[azml_integrations]\nbad = plugin_bad\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("AZML_PLUGINS", "bad")

    (row,) = [row for row in azml("plugin", "list", "--json").json if row["name"] == "bad"]
    assert (row["state"], row["distribution"], row["version"]) == ("failed", "plugin-bad", "1.2")
    assert row["fault"] == "SystemExit: I leave"
    assert "plugin failed: bad (plugin-bad 1.2) cannot be used: SystemExit: I leave" in azml("doctor", code=1).out


def test_there_need_be_no_run(azml, monkeypatch, tmp_path):
    """Whoever has just installed a plugin looks before training."""
    monkeypatch.setenv("AZML_HOME", str(tmp_path / "nowhere"))
    assert azml("plugin", "list").out


def test_an_offer_that_is_none_is_told(azml):
    """Nobody has to train, or to wait for a mirror, to learn that a plugin offers nonsense."""

    class Odd:
        @hookimpl
        def azml_mirrors(self):
            return ["warehouse"]

        @hookimpl
        def azml_adapters(self):
            return {"framework": "toy"}

    plugins().register(Odd(), "odd")

    (row,) = [row for row in azml("plugin", "list", "--json").json if row["name"] == "odd"]
    assert "azml_mirrors: 'warehouse' is no azml_integrations.records.Mirror" in row["fault"]
    assert "azml_adapters: {'framework': 'toy'} is no azml_integrations.records.Adapter" in row["fault"]
