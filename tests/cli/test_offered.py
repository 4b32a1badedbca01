"""Plugins add commands, and take none away."""

import subprocess
import sys
from types import SimpleNamespace

import click
import pytest
from click.shell_completion import ShellComplete

from azml_integrations.cli.app import azml as command
from azml_integrations.hookspecs import hookimpl
from azml_integrations.plugins import plugins

BEST = """
import click
from azml_integrations.cli import form, shared, workspace

@click.command()
@click.argument("metric")
@shared
def best(metric):
    "Say which run is best."
    click.echo(f"{metric} in {workspace().name} as {form()}")

@click.command()
def falls():
    raise ZeroDivisionError("in the plugin")

no_command = 3
"""


@pytest.fixture
def offer(tmp_path, monkeypatch, workspace):
    """Register plugins that offer commands of a module which nobody has imported."""
    (tmp_path / "acme_commands.py").write_text(BEST)
    monkeypatch.syspath_prepend(tmp_path)

    def one(answer, name="acme"):
        @hookimpl
        def azml_commands():
            return answer

        plugins().register(SimpleNamespace(azml_commands=azml_commands), name)

    yield one
    sys.modules.pop("acme_commands", None)


def test_a_plugin_adds_a_command(azml, offer, workspace):
    """It takes the options that every command takes."""
    offer({"best": "acme_commands:best"})

    assert azml("best", "mse", "--output", "json").out == f"mse in {workspace.name} as json\n"
    assert "Say which run is best." in azml("best", "--help").out


def test_help_names_it_in_a_section_of_its_own_without_its_module(azml, offer):
    """A slow import costs only whoever wants the command."""
    offer({"best": "acme_commands:best"})

    ours, _, theirs = azml("--help").out.partition("Commands of plugins:\n")

    assert "doctor" in ours
    assert theirs.split() == ["best", "from", "plugin", "acme"]
    assert "acme_commands" not in sys.modules


def test_without_such_plugins_help_has_no_such_section(azml):
    """What nobody offers is not mentioned."""
    assert "Commands of plugins" not in azml("--help").out


def test_names_are_completed_without_its_module(offer):
    """The shell asks at each press of a key."""
    offer({"best": "acme_commands:best"})
    completion = ShellComplete(command, {}, "azml", "_AZML_COMPLETE")

    assert [one.value for one in completion.get_completions([], "be")] == ["best"]
    assert {"best", "run", "doctor"} <= {one.value for one in completion.get_completions([], "")}
    assert "acme_commands" not in sys.modules


def test_a_command_of_ours_is_never_replaced(azml, offer):
    """``azml run`` lists runs whatever is installed; the plugin is named."""
    offer({"run": "acme_commands:best"})

    assert "acme" not in azml("run", "--help").out
    told = azml("--help")
    assert "warning: plugin 'acme': command 'run': it is left out; azml has a command of that name" in told.err
    assert "Commands of plugins" not in told.out
    assert "command 'run'" in next(fact.reason for fact in plugins().facts() if fact.name == "acme")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("best", "expected a dict"),
        ({"best": print}, "expected a dict"),
        ({"a b": "acme_commands:best"}, "small letters"),
        ({"best": "acme_commands:best"}, "plugin 'acme' has a command of that name"),
    ],
)
def test_what_is_no_command_is_left_out_with_a_word(azml, offer, answer, said):
    """A mistake of one plugin leaves the command of another."""
    offer(answer, name="clumsy")
    offer({"best": "acme_commands:best"})  # asked first: the last registered

    told = azml("--help")

    assert said in told.err
    assert "from plugin acme" in told.out


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("acme_gone:best", "ModuleNotFoundError: No module named 'acme_gone'"),
        ("acme_commands:worst", "AttributeError: "),
        ("acme_commands:no_command", "TypeError: acme_commands:no_command is a int, no click.Command"),
        ("acme_commands", "ValueError: 'acme_commands' is no address"),
    ],
)
def test_a_broken_command_is_named_and_the_others_live(azml, offer, address, said):
    """One line, the plugin's name, and the way out."""
    offer({"best": address})

    line = azml("best", code=1).err

    assert line.startswith("error: the command 'best' of plugin 'acme' cannot be had: " + said)
    assert "AZML_DISABLE_PLUGINS=acme" in line
    assert "best" in azml("--help").out
    azml("doctor")


def test_a_traceback_of_a_command_names_its_plugin(offer, workspace):
    """What it raised is left as it is."""
    offer({"falls": "acme_commands:falls"})

    with pytest.raises(ZeroDivisionError) as caught:
        command(["falls"], standalone_mode=False)

    assert caught.value.__notes__ == ["the command 'falls' comes from plugin 'acme'"]


def test_no_plugin_is_asked_for_a_command_of_ours():
    """``azml run list`` looks for no entry points: help, and unknown names, do."""
    program = (
        "import importlib.metadata as m, sys\n"
        "m.entry_points = lambda **_: sys.exit('scanned')\n"
        "from azml_integrations.cli.app import azml\n"
        "azml(['run', 'list', '--help'], standalone_mode=False)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, capture_output=True).returncode == 0


def test_an_unknown_name_is_still_wrong_usage(azml, offer):
    """As without plugins."""
    offer({"best": "acme_commands:best"})
    assert "No such command 'bset'" in azml("bset", code=2).err
    assert isinstance(command, click.Group)


def test_what_is_wrong_with_an_offer_is_listed(azml, offer):
    """``azml plugin list`` says it too; nothing that is offered is imported for that."""
    offer({"run": "acme_commands:best", "best": "acme_commands:best"})

    @hookimpl
    def azml_panels():
        return "acme_panels:draw"

    plugins().register(SimpleNamespace(azml_panels=azml_panels), "clumsy")
    faults = {row["name"]: row["fault"] or "" for row in azml("plugin", "list", "--output", "json").json}

    assert "command 'run': it is left out" in faults["acme"]
    assert "'acme_panels:draw' is no azml_integrations.offers.Panel" in faults["clumsy"]
    assert "acme_commands" not in sys.modules
