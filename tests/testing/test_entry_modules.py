"""A plugin that breaks a law is told which."""

from types import ModuleType

import pytest

from azml_integrations.hookspecs import hookimpl
from azml_integrations.records import Adapter
from azml_integrations.testing import check_plugin


def plugin(**members):
    module = ModuleType("entry")
    vars(module).update(members)
    return module


def test_a_good_plugin_passes():
    """The check is silent about a plugin that keeps the laws."""

    @hookimpl
    def azml_adapters():
        """Offer json."""
        return [Adapter("json", "tomllib", "json:loads")]

    module = plugin(azml_adapters=azml_adapters)
    module.__name__ = "json"
    check_plugin(module)


def test_a_misspelt_hook_is_named():
    """``azml_adaptors`` would never be called, and nobody would know."""

    @hookimpl
    def azml_adaptors():
        """Offer nothing."""

    with pytest.raises(AssertionError, match=r"azml_adaptors is no hook; there are azml_adapters"):
        check_plugin(plugin(azml_adaptors=azml_adaptors))


def test_a_hook_without_words_is_named():
    """A hook is documentation too."""

    @hookimpl
    def azml_run_started(run):
        pass

    with pytest.raises(AssertionError, match="azml_run_started has no docstring"):
        check_plugin(plugin(azml_run_started=azml_run_started))


def test_an_argument_that_the_hook_does_not_have_is_named():
    """The specification says what can be asked for."""

    @hookimpl
    def azml_run_ended(run):
        """Wait for the wrong argument."""

    with pytest.raises(AssertionError, match="azml_run_ended"):
        check_plugin(plugin(azml_run_ended=azml_run_ended))


def test_a_wrapper_is_named():
    """A wrapper stands around all other plugins, so its error would be theirs."""

    @hookimpl(wrapper=True)
    def azml_run_started(run):
        """Stand around."""
        return (yield)

    with pytest.raises(AssertionError, match="cannot be isolated"):
        check_plugin(plugin(azml_run_started=azml_run_started))


def test_a_module_without_hooks_is_named():
    """An entry point that leads to nothing is a mistake."""
    with pytest.raises(AssertionError, match="no hook"):
        check_plugin(ModuleType("empty"))


def test_a_framework_at_the_top_is_named(tmp_path, monkeypatch):
    """``import azml_integrations`` must not cost the import of every framework."""
    (tmp_path / "heavy_framework.py").touch()
    (tmp_path / "heavy_plugin.py").write_text(
        "import heavy_framework\n"
        "from azml_integrations import Adapter, hookimpl\n"
        "@hookimpl\n"
        "def azml_adapters():\n"
        '    """Offer heavy."""\n'
        "    return [Adapter('heavy', 'heavy_framework', 'heavy_plugin:activate')]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(AssertionError, match="importing heavy_plugin imports heavy_framework"):
        check_plugin("heavy_plugin")


def test_an_adapter_that_leads_nowhere_is_named():
    """``activate`` is a string, so a typo in it would show only in a user's training."""

    @hookimpl
    def azml_adapters():
        """Offer something."""
        return [Adapter("x", "x", "no_such_package:activate"), "not an adapter"]

    module = plugin(azml_adapters=azml_adapters)
    module.__name__ = "json"
    with pytest.raises(AssertionError, match=r"(?s)is not 'package.module:function'.*not an Adapter"):
        check_plugin(module)


@pytest.mark.parametrize(
    ("wanted", "told"), [(">=99", "requires_azml is '>=99', and this is"), ("new", "requires_azml: ")]
)
def test_a_plugin_for_other_versions_is_named(wanted, told):
    """It would be installed, and never used."""
    with pytest.raises(AssertionError, match=told):
        check_plugin(plugin(requires_azml=wanted))
