"""One line switches everything on, another one everything off."""

import functools
import importlib
import subprocess
import sys
from types import ModuleType

import pytest

from azml_integrations import Adapter, Experiment, Workspace, autolog, hookimpl
from azml_integrations.autologging import Target, is_paused, paused, stumble
from azml_integrations.autologging.switch import switch
from azml_integrations.errors import AutologWarning, OptionError, PluginWarning
from azml_integrations.plugins import plugins


class Offer:
    """A plugin that offers adapters."""

    def __init__(self, *adapters):
        self.adapters = list(adapters)

    @hookimpl
    def azml_adapters(self):
        return self.adapters


@pytest.fixture
def acme(azml_home, tmp_path, monkeypatch):
    """A framework of its own kind, an adapter for it, and what the adapter was told."""
    (tmp_path / "acme.py").write_text("class Model:\n    def fit(self):\n        return self\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    log = []
    adapter_module = ModuleType("acme_adapter")

    def activate(options):
        import acme

        log.append(options)
        original = acme.Model.fit
        acme.Model.fit = lambda self: self
        return lambda: setattr(acme.Model, "fit", original)

    def activate_by_targets(options):
        import acme

        def watch(run, model):
            run.log("seen", 1)
            yield

        yield Target(acme.Model, "fit", watch)
        return lambda: log.append("undone")

    def break_down(options):
        import acme

        yield Target(acme.Model, "fit", None)
        raise RuntimeError("acme 9 is new to me")

    vars(adapter_module).update(activate=activate, by_targets=activate_by_targets, break_down=break_down)
    monkeypatch.setitem(sys.modules, "acme_adapter", adapter_module)
    plugins().register(Offer(Adapter("acme", "acme", "acme_adapter:activate", options=("depth",))), "acme")
    yield log
    sys.modules.pop("acme", None)


def offer(name, activate):
    plugins().register(Offer(Adapter(name, "acme", f"acme_adapter:{activate}")), name)


def test_nothing_is_imported(acme):
    """The line may stand on top of every script: it costs no framework."""
    autolog()
    assert "acme" not in sys.modules
    assert acme == []
    import acme as framework

    assert len(acme) == 1
    assert framework.Model.fit.__name__ == "<lambda>"


def test_it_acts_at_once_when_the_framework_is_there(acme):
    """The line may stand below the imports too."""
    import acme as framework

    autolog()
    assert len(acme) == 1
    assert framework.Model.fit.__name__ == "<lambda>"


def test_it_begins_as_ever_where_autolog_is_paused(acme, monkeypatch):
    """Another adapter's own work may be the first to import a framework: that pause is not this adapter's."""
    found = []
    monkeypatch.setattr(sys.modules["acme_adapter"], "activate", lambda options: found.append(is_paused()))
    autolog("acme")
    with paused():
        importlib.import_module("acme")
        assert is_paused()
    assert found == [False]


def test_false_undoes_everything(acme):
    """To the object."""
    import acme as framework

    before = dict(vars(framework.Model))
    autolog()
    autolog(False)
    assert dict(vars(framework.Model)) == before
    assert switch().watched() == []
    autolog()
    autolog(disable=True)
    assert dict(vars(framework.Model)) == before


def test_false_before_the_import_means_never(acme):
    """The wish is taken back, and so is the finder."""
    before = list(sys.meta_path)
    autolog()
    assert len(sys.meta_path) == len(before) + 1
    autolog(False)
    importlib.import_module("acme")
    assert acme == []
    assert sys.meta_path == before


def test_one_framework_can_be_switched_off(acme):
    """``autolog("acme", disable=True)`` leaves the others alone."""
    plugins().register(Offer(Adapter("other", "no_such_module", "acme_adapter:activate")), "other")
    autolog()
    autolog("acme", disable=True)
    assert switch().watched() == ["other"]


def test_twice_is_once(acme):
    """A notebook cell may be run again."""
    import acme as framework

    autolog()
    patched = framework.Model.fit
    autolog()
    autolog(True)
    autolog("acme")
    assert framework.Model.fit is patched
    assert len(acme) == 1


def test_other_options_replace_the_earlier_ones(acme):
    """The latest call says what holds; undone is then all of it."""
    import acme as framework

    before = framework.Model.fit
    autolog()
    autolog("acme", log_models=False, log_images=False, silent=True, on_error="raise", depth=3)
    first, second = acme
    assert (first.log_models, first.silent, first.on_error, dict(first.extra)) == (True, False, "warn", {})
    assert (second.log_models, second.log_images, second.silent, second.on_error) == (False, False, True, "raise")
    assert dict(second.extra) == {"depth": 3}
    autolog(False)
    assert framework.Model.fit is before


def test_an_unknown_framework_is_refused_with_the_way_out(acme):
    """The message says what there is, and what to install."""
    with pytest.raises(
        OptionError, match="no adapter for 'torch' is installed; known frameworks: acme; pip install azml-torch"
    ):
        autolog("torch")
    assert switch().watched() == []


def test_an_option_that_nobody_knows_is_refused(acme):
    """A misspelt option would otherwise do nothing, silently."""
    with pytest.raises(OptionError, match="no option 'dept'; acme knows depth"):
        autolog("acme", dept=3)
    with pytest.raises(OptionError, match='need its name: autolog\\("sklearn"'):
        autolog(depth=3)
    with pytest.raises(OptionError, match="on_error"):
        autolog(on_error="explode")
    with pytest.raises(OptionError, match="names of frameworks"):
        autolog(3)
    assert acme == []


def test_no_adapter_at_all_is_said(azml_home):
    """The newcomer who installed only the core learns what is missing."""
    with pytest.warns(AutologWarning, match="pip install azml-sklearn"):
        autolog()


def test_an_adapter_may_yield_what_to_observe(acme, monkeypatch, tmp_path):
    """The simplest adapter: targets by yield, its own undoing by return."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AZML_EXPERIMENT", "toys")
    import acme as framework

    offer("targets", "by_targets")
    before = framework.Model.fit
    autolog("targets")
    framework.Model().fit()
    (run,) = Experiment(Workspace.from_config(), "toys").get_runs()
    assert run.get_metrics() == {"seen": 1}
    autolog(False)
    assert framework.Model.fit is before
    assert acme == ["undone"]


def test_an_adapter_that_breaks_leaves_the_framework_alone(acme):
    """What it had patched so far is undone, and one warning says so."""
    import acme as framework

    offer("broken", "break_down")
    before = framework.Model.fit
    with pytest.warns(AutologWarning, match="autolog of broken: RuntimeError: acme 9 is new to me") as caught:
        autolog("broken")
    assert caught[0].filename == __file__
    assert framework.Model.fit is before


def test_a_plugin_that_offers_nonsense_is_named(azml_home):
    """Whatever it returns, the other adapters work."""
    plugins().register(Offer("sklearn"), "nonsense")
    with (
        pytest.warns(PluginWarning, match="plugin 'nonsense': azml_adapters: 'sklearn' is no .*Adapter") as nonsense,
        pytest.warns(AutologWarning, match="no adapter is installed") as nothing,
    ):
        autolog()
    assert {caught.filename for caught in [*nonsense, *nothing]} == {__file__}


def test_a_warning_points_past_the_framework(tmp_path, monkeypatch):
    """The user called the framework, and the framework called us: the line to look at is the user's."""
    (tmp_path / "acme_inner.py").write_text("def call(function):\n    function()\n")
    monkeypatch.syspath_prepend(tmp_path)
    inner = importlib.import_module("acme_inner")
    stumbling = functools.partial(stumble, "acme_inner (tested with acme 1)", OSError("full"))
    with pytest.warns(AutologWarning, match="full") as caught:
        inner.call(stumbling)
    assert caught[0].filename == __file__


def test_autolog_is_cheap_and_light():
    """A fresh process: no framework, no numpy, no pandas after the line."""
    program = (
        "import sys, azml_integrations\n"
        "azml_integrations.autolog()\n"
        "print([m for m in ('sklearn', 'numpy', 'torch', 'pandas', 'matplotlib', 'sqlite3') if m in sys.modules])\n"
    )
    answer = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
