"""A run comes back as the class that stands for its type, wherever it is found."""

import subprocess
import sys

import pytest

from azml_integrations.core import Run, get_run, run_types
from azml_integrations.errors import PluginWarning
from azml_integrations.hookspecs import hookimpl
from azml_integrations.plugins import plugins


class Special(Run):
    """A kind of run."""


class Offers:
    """A plugin that names a class for each of some types."""

    def __init__(self, offered):
        self._offered = offered

    @hookimpl
    def azml_run_types(self):
        return self._offered


@pytest.fixture
def typed(experiment):
    """Make a parent and a child of a type."""

    def make(run_type):
        parent = Run._create(experiment, run_type=run_type)
        child = Run._create(experiment, parent_id=parent.id, run_type=run_type)
        child.complete()
        parent.complete()
        return parent, child

    return make


@pytest.fixture
def offer(azml_home):
    def one(offered):
        plugins().register(Offers(offered), f"offers {offered}")

    return one


def test_every_way_of_finding_a_run_gives_its_class(workspace, experiment, typed, offer):
    """`Run.get`, `ws.get_run`, `get_run`, `get_runs`, `Run.list`, `get_children`, `parent`."""
    offer({"test.special": f"{__name__}:Special"})
    parent, child = typed("test.special")
    typed(None)
    found = [
        Run.get(workspace, parent.id),
        workspace.get_run(parent.id),
        get_run(experiment, parent.id),
        next(experiment.get_runs(type="test.special")),
        next(Run.list(experiment, type="test.special")),
        next(parent.get_children()),
        next(Run(experiment, parent.id).get_children(recursive=True)),
        child.parent,
    ]
    assert [type(run).__name__ for run in found] == ["Special"] * 8
    assert {run.id for run in found} == {parent.id, child.id}
    assert {type(run) for run in experiment.get_runs()} == {Special, Run}
    assert type(Run(experiment, parent.id)) is Run  # SDK v1's constructor makes what it is called on


def test_a_provider_comes_before_plugins(workspace, typed, offer):
    """SDK v1's own hook gets the experiment and a record that has the run's id; the last one wins."""
    offer({"test.provided": f"{__name__}:Special"})
    parent, _ = typed("test.provided")
    seen = []

    def provide(experiment, record):
        seen.append((experiment.name, record.run_id, record.type))
        return Special._handle(experiment, record.run_id)

    try:
        Run.add_type_provider("test.provided", lambda *_: None)
        Run.add_type_provider("test.provided", provide)
        assert type(workspace.get_run(parent.id)) is Special
        assert seen == [("trials", parent.id, "test.provided")]
    finally:
        del run_types._factories["test.provided"]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("no_such_module:Class", "ModuleNotFoundError"),
        (f"{__name__}:NoSuchClass", "AttributeError"),
        (f"{__name__}:Offers", "it is no subclass of"),
        ("json", "ValueError|AttributeError"),
        (3, "ModuleNotFoundError"),
    ],
)
def test_a_broken_plugin_hurts_nobody(workspace, typed, offer, address, said):
    """The run is a plain one, and the plugin's fault is told once."""
    offer({"test.broken": address})
    parent, _ = typed("test.broken")
    run_types._loaded.cache_clear()
    with pytest.warns(PluginWarning, match=rf"'test.broken' are shown as plain runs.*({said})"):
        assert type(workspace.get_run(parent.id)) is Run
    assert type(workspace.get_run(parent.id)) is Run


def test_the_next_plugin_is_asked(workspace, typed, offer):
    """One that names a class that is not there, and one that answers nonsense, leave room for the others."""
    offer({"test.next": f"{__name__}:Special"})
    offer({"test.next": "no_such_module:Class"})
    offer(["nonsense"])
    parent, _ = typed("test.next")
    run_types._loaded.cache_clear()
    with pytest.warns(PluginWarning, match="no_such_module"):
        assert type(workspace.get_run(parent.id)) is Special


def test_nothing_is_imported_for_a_type_that_no_run_has(workspace, run):
    """An interactive run costs no plugin and no room upstairs."""
    program = (
        "import sys\n"
        "from azml_integrations.core import Workspace\n"
        f"print(type(Workspace.get('test').get_run({run.id!r})).__name__)\n"
        "print([name for name in sys.modules if 'sweeps' in name or name == 'azml_integrations.defaults'])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "Run\n[]\n"
