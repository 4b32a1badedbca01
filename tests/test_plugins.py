"""Plugins are found late, asked one by one, and cannot hurt each other or the training."""

import importlib.metadata
import os
import subprocess
import sys
import threading
import time
import warnings
from types import ModuleType

import pluggy
import pytest

from azml_integrations import hookspecs, versions
from azml_integrations._version import __version__
from azml_integrations.errors import PluginWarning
from azml_integrations.hookspecs import hookimpl
from azml_integrations.offers import Renderer
from azml_integrations.plugins import Plugins, plugins, reach


@pytest.fixture
def install(tmp_path, monkeypatch, azml_home):
    """Install plugins as pip does: a module and a distribution with an entry point each."""
    monkeypatch.delenv("AZML_PLUGINS")

    def one(name, source, *, module=None):
        module = module or f"plugin_{name}"
        (tmp_path / f"{module}.py").write_text("from azml_integrations.hookspecs import hookimpl\n" + source)
        info = tmp_path / f"{module}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[azml_integrations]\n{name} = {module}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)
        importlib.invalidate_caches()

    monkeypatch.syspath_prepend(tmp_path)
    return one


OPENS = "@hookimpl\ndef azml_open_store(url):\n    return {!r}\n"


def test_nothing_is_looked_for_at_import():
    """``import azml_integrations`` scans no entry points and loads no plugin; looking does not load what is slow."""
    program = (
        "import sys\n"
        "from azml_integrations import Run, hookimpl\n"
        "assert 'azml_integrations.entries' not in sys.modules\n"
        "import azml_integrations.entries as e, azml_integrations.plugins as p\n"
        "looked = []\n"
        "p.entries = lambda group: looked.append(group) or e.entries(group)\n"
        "plugins = p.plugins()\n"
        "assert not looked\n"
        "plugins.facts()\n"
        "assert looked == ['azml_integrations']\n"
        "assert 'importlib.metadata' not in sys.modules\n"
    )
    surroundings = {**os.environ, "AZML_PLUGINS": ""}
    subprocess.run([sys.executable, "-c", program], check=True, env=surroundings)


def test_an_installed_plugin_is_asked(install):
    """An entry point of the group is all that it takes."""
    install("acme", OPENS.format("acme's store"))
    assert Plugins().call("azml_open_store", url="acme://x") == "acme's store"


def test_a_plugin_that_cannot_be_loaded_is_left_out_with_a_word(install):
    """A stranger's broken module costs one warning; the others work."""
    install("broken", "raise ImportError('no libacme.so')\n")
    install("rude", "raise SystemExit('I leave')\n")
    install("acme", OPENS.format("acme's store"))
    ours = Plugins()

    with pytest.warns(PluginWarning) as caught:
        assert ours.call("azml_open_store", url="x") == "acme's store"

    told = sorted(str(warning.message) for warning in caught)
    assert len(told) == 2
    assert "'broken' (plugin_broken 1.2) cannot be used: ImportError: no libacme.so" in told[0]
    assert "'rude'" in told[1]
    facts = {fact.name: fact for fact in ours.facts()}
    assert facts["broken"].state == "failed"
    assert facts["broken"].reason == "ImportError: no libacme.so"
    assert facts["acme"].state == "loaded"
    assert facts["acme"].distribution == "plugin_acme 1.2"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def azml_adapters(:\n", "SyntaxError"),
        ("class Panic(BaseException): pass\nraise Panic('native code')\n", "Panic: native code"),
        ("import no_such_module_anywhere\n", "ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
        ("@hookimpl\ndef azml_open_store(url, nonsense):\n    pass\n", "PluginValidationError"),
    ],
)
def test_whatever_is_wrong_with_a_module_it_is_named(install, source, reason):
    """Also what is no `Exception`, as a panic in native code; nothing of it stays in use."""
    install("broken", "@hookimpl\ndef azml_adapters():\n    return ['half']\n" + source)
    ours = Plugins()
    with pytest.warns(PluginWarning, match="'broken'"):
        facts = {fact.name: fact for fact in ours.facts()}
    assert facts["broken"].state == "failed"
    assert facts["broken"].reason.startswith(reason)
    assert ["half"] not in ours.call("azml_adapters")


def test_a_plugin_for_another_version_is_refused(install):
    """It says so in its entry module, and the reason says what to do."""
    install("acme", "requires_azml = '>=0.1,<2'\n" + OPENS.format("acme's store"))
    install("late", "requires_azml = '>=7'\n" + OPENS.format("late"))
    install("newer", "requires_azml = '>=7'\nfrom azml_integrations.hookspecs import NotYet\n")
    install("odd", "requires_azml = 7\n" + OPENS.format("odd"))
    ours = Plugins()
    with pytest.warns(PluginWarning) as caught:
        facts = {fact.name: fact for fact in ours.facts()}

    assert (facts["acme"].state, ours.call("azml_open_store", url="x")) == ("loaded", "acme's store")
    wanted = f"it requires azml_integrations >=7, and this is {__version__}; install versions that fit each other"
    assert facts["late"].reason.endswith(wanted)
    assert facts["newer"].reason == wanted  # not the ImportError that comes of it
    assert "its requires_azml cannot be read: it is no string but 7" in facts["odd"].reason
    assert len(caught) == 3


def test_a_filter_that_makes_errors_of_warnings_leaves_no_half_of_the_plugins(install):
    """Everybody else is loaded all the same."""
    install("acme", OPENS.format("acme's store"))
    install("broken", "raise ImportError\n")
    ours = Plugins()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PluginWarning):
            ours.facts()
    assert ours.call("azml_open_store", url="x") == "acme's store"


def test_a_hook_that_does_not_exist_is_named(ours):
    """A slip in a name, or a hook of a newer version, would else be silence."""

    class Slip:
        @hookimpl
        def azml_run_strated(self, run):
            pass

    ours.register(Slip(), "slip")
    (fact,) = [fact for fact in ours.facts() if fact.name == "slip"]
    assert fact.reason == f"azml_run_strated: no hook of azml_integrations {__version__}"
    assert (fact.state, fact.hooks) == ("loaded", ("azml_run_strated",))


# -- deprecation -------------------------------------------------------------------------------------


def azml_colour(shade, tint):
    """Tell a colour; this contract is a test's."""


def azml_color(shade):
    """Tell a colour by its old name."""


@pytest.fixture
def moving(azml_home):
    """Give plugins under a contract in which a hook and an argument were renamed."""
    specs = ModuleType("specs")
    specs.azml_colour = hookspecs.deprecated(since="0.3", gone="0.4", arguments={"tint": "shade"})(
        hookspecs.hookspec(azml_colour)
    )
    specs.azml_color = hookspecs.deprecated(since="0.3", gone="0.4", hook="azml_colour")(hookspecs.hookspec(azml_color))
    specs.azml_open_store = hookspecs.azml_open_store
    return Plugins(specs)


def test_an_old_name_works_on_and_its_author_is_warned(moving):
    """A rename breaks nobody for one minor version; users are not bothered, the warning points into the plugin."""

    class Old:
        @hookimpl
        def azml_color(self, shade):
            return f"old {shade}"

    class OldArgument:
        @hookimpl
        def azml_colour(self, tint):
            return f"argument {tint}"

    class New:
        @hookimpl
        def azml_colour(self, shade):
            return f"new {shade}"

    def register():
        for plugin in (Old(), OldArgument(), New()):
            moving.register(plugin)

    with pytest.warns(DeprecationWarning, match="deprecated since azml_integrations 0.3") as caught:
        register()

    assert [str(warning.message) for warning in caught] == [
        "plugin 'Old' uses azml_color, now azml_colour: deprecated since azml_integrations 0.3, gone in 0.4",
        "plugin 'OldArgument' uses azml_colour(tint), now shade: deprecated since azml_integrations 0.3, gone in 0.4",
    ]
    assert {warning.filename for warning in caught} == {__file__}
    assert moving.call("azml_colour", shade="red") == ["new red", "argument red", "old red"]


def test_what_was_to_go_is_gone():
    """A deprecation has a date; with the version that it names it leaves the contract."""
    for name, spec in vars(hookspecs).items():
        deprecation = getattr(spec, "azml_deprecation", None)
        if deprecation is not None:
            assert not versions.allows(f">={deprecation.gone}", __version__), name
            assert versions.allows(f">{deprecation.since}", deprecation.gone), name


def test_ctrl_c_while_loading_is_the_users(install):
    """We catch what a plugin does, not what the user does."""
    install("slow", "raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        Plugins().call("azml_adapters")


def test_the_allow_list_decides_who_is_loaded(install, monkeypatch):
    """``AZML_PLUGINS=acme`` means acme and nobody else; the core's own plugin is always there."""
    for name in ("acme", "other"):
        install(name, OPENS.format(None))
    monkeypatch.setenv("AZML_PLUGINS", "acme, missing")

    facts = {fact.name: fact for fact in Plugins().facts()}

    assert (facts["acme"].state, facts["core"].state) == ("loaded", "loaded")
    assert (facts["other"].state, facts["other"].reason) == ("left out", "not named in AZML_PLUGINS")
    assert "plugin_other" not in sys.modules


def test_a_stranger_does_not_take_the_cores_name(install):
    """The core's own defaults come by the same door, and go through it first."""
    install("core", OPENS.format("stolen"))
    ours = Plugins()
    with pytest.warns(PluginWarning, match=r"'core' \(plugin_core 1.2\) cannot be used"):
        (core,) = [fact for fact in ours.facts() if fact.name == "core"]
    assert (core.origin, core.state) == ("azml_integrations.defaults", "loaded")


def test_of_two_with_one_name_the_list_names_both(install):
    """One is used; the warning and the fact say which, and which is not."""
    install("acme", OPENS.format("the first"), module="plugin_a")
    install("acme", OPENS.format("the second"), module="plugin_b")
    ours = Plugins()

    with pytest.warns(PluginWarning, match="has that name; uninstall one of them") as caught:
        (fact,) = [fact for fact in ours.facts() if fact.name == "acme"]

    other = {"plugin_a 1.2": "plugin_b 1.2", "plugin_b 1.2": "plugin_a 1.2"}[fact.distribution]
    assert fact.state == "loaded"
    assert fact.reason == f"the name is taken: {other} offers a plugin 'acme', too, and is not used"
    assert other in str(caught[0].message)
    assert fact.distribution in str(caught[0].message)
    assert len(ours.offers("azml_open_store", url="x")) == 1


def test_an_empty_allow_list_keeps_all_strangers_out(install, monkeypatch):
    """Unset and empty are two things."""
    install("acme", OPENS.format(None))
    monkeypatch.setenv("AZML_PLUGINS", "")
    assert {fact.name: fact.state for fact in Plugins().facts()}["acme"] == "left out"


def test_a_plugin_can_be_left_out_by_name(install, monkeypatch):
    """The way out that the warning of a broken plugin names."""
    install("acme", "raise ImportError\n")
    monkeypatch.setenv("AZML_DISABLE_PLUGINS", "acme")
    facts = {fact.name: fact for fact in Plugins().facts()}
    assert (facts["acme"].state, facts["acme"].reason) == ("left out", "named in AZML_DISABLE_PLUGINS")


def test_two_plugins_of_one_name_do_not_both_get_in(install):
    """The second one is refused by name, and said so."""
    install("acme", OPENS.format("first"), module="plugin_one")
    install("acme", OPENS.format("second"), module="plugin_two")
    with pytest.warns(PluginWarning, match="'acme'"):
        Plugins().facts()


class Plugin:
    """A plugin whose answer, or error, is given."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = 0

    @hookimpl
    def azml_open_store(self, url):
        self.asked += 1
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


class Adapters(Plugin):
    @hookimpl
    def azml_adapters(self):
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.fixture
def ours(azml_home):
    return Plugins()


def test_a_raising_plugin_does_not_stop_the_others(ours):
    """pluggy's own loop would end at the first error; ours goes on, in pluggy's order: last registered, first asked."""
    ours.register(Adapters(["first"]), "a")
    ours.register(Adapters(RuntimeError("boom")), "b")
    ours.register(Adapters(["third"]), "c")

    with pytest.warns(PluginWarning, match="plugin 'b': azml_adapters raised RuntimeError: boom"):
        assert ours.call("azml_adapters") == [["third"], ["first"]]


def test_a_plugin_is_complained_about_once_per_hook(ours):
    """A training of a million steps gets one warning, not a million."""
    ours.register(Adapters(RuntimeError("boom")), "a")

    def train():
        for _ in range(3):
            ours.call("azml_adapters")
            ours.call("azml_open_store", url="x")

    with pytest.warns(PluginWarning) as caught:
        train()
    assert len(caught) == 2
    (fact,) = [fact for fact in ours.facts() if fact.name == "a"]
    assert fact.reason == "azml_adapters raised RuntimeError: boom; azml_open_store raised RuntimeError: boom"


def test_a_plugin_that_exits_does_not_end_the_training(ours):
    """``sys.exit`` in a hook is an error like any other; Ctrl-C is the user's."""
    ours.register(Adapters(SystemExit(1)), "a")
    with pytest.warns(PluginWarning, match="SystemExit"):
        assert ours.call("azml_adapters") == []
    ours.register(Adapters(KeyboardInterrupt()), "b")
    with pytest.raises(KeyboardInterrupt):
        ours.call("azml_adapters")


def test_the_first_answer_is_enough_where_the_hook_says_so(ours):
    """``firstresult``: who comes after the first answer is not asked at all."""
    asked_late, silent, answering = Plugin("late"), Plugin(None), Plugin("mine")
    for name, plugin in (("a", asked_late), ("b", answering), ("c", silent)):
        ours.register(plugin, name)

    assert ours.call("azml_open_store", url="x") == "mine"
    assert (silent.asked, answering.asked, asked_late.asked) == (1, 1, 0)
    assert Plugins().call("azml_open_store", url="x") is None


def test_tryfirst_and_trylast_keep_their_meaning(ours):
    """The order is pluggy's, whatever the order of registration."""

    class First:
        @hookimpl(tryfirst=True)
        def azml_adapters(self):
            return ["first"]

    class Last:
        @hookimpl(trylast=True)
        def azml_adapters(self):
            return ["last"]

    for name, plugin in (("f", First()), ("m", Adapters(["middle"])), ("l", Last())):
        ours.register(plugin, name)
    assert ours.call("azml_adapters") == [["first"], ["middle"], ["last"]]


def test_a_plugin_gets_only_what_it_asks_for(ours):
    """A hook can grow an argument without breaking anybody."""

    class Modest:
        @hookimpl
        def azml_open_store(self):
            return "took nothing"

    ours.register(Modest(), "modest")
    assert ours.call("azml_open_store", url="x") == "took nothing"


def test_a_wrapper_is_refused(ours):
    """What stands around all others cannot be isolated."""

    class Wrapper:
        @hookimpl(wrapper=True)
        def azml_adapters(self):
            return (yield)

    with pytest.raises(pluggy.PluginValidationError, match="azml_adapters: wrappers cannot be isolated"):
        ours.register(Wrapper(), "w")
    assert ours.call("azml_adapters") == Plugins().call("azml_adapters")


def test_a_plugin_can_be_taken_out_again(ours):
    """What a notebook registers, a notebook can unregister, by object or by name."""
    one, two = Plugin("one"), Plugin("two")
    ours.register(one, "one")
    ours.register(two)
    assert ours.call("azml_open_store", url="x") == "two"
    ours.unregister(two)
    ours.unregister("one")
    assert ours.call("azml_open_store", url="x") is None
    with pytest.raises(ValueError, match="no plugin 'one' is registered"):
        ours.unregister("one")


def test_threads_that_come_first_together_all_see_every_plugin(install):
    """Discovery happens once, and nobody is answered before it is done."""
    install("acme", "import time\ntime.sleep(0.2)\n" + OPENS.format("there"))
    ours, answers = Plugins(), []

    def ask():
        answers.append(ours.call("azml_open_store", url="x"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["there"] * 8


def test_a_plugin_that_asks_while_it_is_loaded_does_not_hang(install):
    """A module that starts a run at import sees the plugins before it, and is not loaded twice."""
    install("acme", "from azml_integrations.plugins import plugins\nseen = plugins().call('azml_adapters')\n")
    began = time.perf_counter()
    assert plugins().call("azml_adapters") is not None
    assert time.perf_counter() - began < 60
    assert {fact.name: fact.state for fact in plugins().facts()}["acme"] == "loaded"


def test_what_a_plugin_offers_is_known_with_its_name(install):
    """Who looks for nouns of ours gets those, each with whose it is; what is none is left out with a word."""
    install("acme", "from azml_integrations.offers import Renderer\n@hookimpl\ndef azml_figure_renderers():\n"
                    "    return [Renderer('x', ('m.X',), 'm:draw'), 'm:draw']\n")  # fmt: skip
    there = Plugins()

    with pytest.warns(PluginWarning, match=r"plugin 'acme': azml_figure_renderers: 'm:draw' is no .*\.Renderer"):
        offered = there.offered("azml_figure_renderers", Renderer)

    assert offered == [("acme", Renderer("x", ("m.X",), "m:draw"))]
    assert "is no" in next(fact.reason for fact in there.facts() if fact.name == "acme")
    assert there.offered("azml_figure_renderers", Renderer) == offered  # said once


def test_an_address_is_reached():
    """``package.module:name``, with dots in the name."""
    assert reach("importlib.metadata:EntryPoint.load") is importlib.metadata.EntryPoint.load
    for nothing in ("importlib.metadata", "importlib.metadata:", ":load", 3):
        with pytest.raises(ValueError, match="is no address"):
            reach(nothing)
