"""Every hook is documented, shown by an example that works, called by the core and implemented by a test.

The hooks are found by looking: one that is added is held to the same.
"""

import ast
import doctest
import functools
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from azml_integrations import hookspecs, offers, records
from azml_integrations.plugins import Plugins

ROOT = Path(__file__).parent.parent
HOOKS = [name for name, value in vars(hookspecs).items() if hasattr(value, f"{hookspecs.PROJECT}_spec")]
NOW = [name for name in HOOKS if not getattr(getattr(hookspecs, name), "azml_deprecation", None)]

PROMISED = {
    "azml_adapters": [],
    "azml_commands": [],
    "azml_figure_renderers": [],
    "azml_launcher": ["target", "workspace"],
    "azml_model_formats": [],
    "azml_mirrors": [],
    "azml_open_store": ["url"],
    "azml_panels": [],
    "azml_portal_url": ["path", "workspace", "start"],
    "azml_run_document": ["run"],
    "azml_run_ended": ["record"],
    "azml_run_ending": ["run"],
    "azml_run_started": ["run"],
    "azml_run_types": [],
}
"""What version 0.1 promised to plugins. A line leaves only with a deprecation that has run out."""

NOUNS = {
    "Adapter": ["framework", "import_name", "activate", "versions", "distribution", "options"],
    "Mirror": ["name", "activate"],
    "AutologOptions": ["log_models", "log_images", "silent", "on_error", "extra"],
    "Batch": ["journal", "before", "after", "events"],
    "Cursor": ["offset", "line", "clock", "damaged"],
    "Links": ["addresses"],
    "ModelFormat": ["name", "classes", "save", "load", "runs_code", "packages", "how"],
    "Panel": ["name", "title", "draw", "needs"],
    "Picture": ["content", "words"],
    "Renderer": ["name", "classes", "draw"],
    "Table": ["columns", "rows"],
    "Text": ["words"],
}
"""The fields that plugins write, or read by position, in their order."""


@functools.cache
def trees(*folders):
    """Return the syntax trees of the modules below some folders that speak of hooks at all."""
    texts = (path.read_text() for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    return [ast.parse(text) for text in texts if any(hook in text for hook in HOOKS)]


def implemented(tree):
    """Yield the names of the functions that are marked with ``hookimpl``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            marks = [one.func if isinstance(one, ast.Call) else one for one in node.decorator_list]
            if any("hookimpl" in (getattr(mark, "id", ""), getattr(mark, "attr", "")) for mark in marks):
                yield node.name


def asked(tree):
    """Yield the names of the hooks that are asked by ``call``, ``tell`` or for what is offered."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            verb = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if verb in ("call", "tell", "offers", "offered"):
                yield node.args[0].value


def section(spec, title):
    """Return a section of a numpydoc docstring, or nothing."""
    found = re.search(
        rf"^{title}\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", inspect.getdoc(spec) + "\n", re.DOTALL | re.MULTILINE
    )
    return found[1] if found else ""


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_is_documented(hook):
    """Its sentence, each argument, what it returns, and an example."""
    spec = getattr(hookspecs, hook)
    signature = inspect.signature(spec)
    parameters = section(spec, "Parameters")
    for argument in signature.parameters:
        assert re.search(rf"^{argument} : \S", parameters, re.MULTILINE), f"{hook}: no word about {argument}"
    assert (signature.return_annotation is None) == (not section(spec, "Returns")), hook
    assert all(parameter.annotation is not inspect.Parameter.empty for parameter in signature.parameters.values())
    assert section(spec, "Examples"), f"{hook} has no example"


@pytest.mark.parametrize("hook", NOW)
def test_the_example_of_a_hook_works(hook):
    """Pasted into a module, it is a plugin that implements this hook."""
    plugins, names = Plugins(), {}
    for example in doctest.DocTestParser().get_examples(inspect.getdoc(getattr(hookspecs, hook))):
        exec(example.source, names)
    plugin = type("Plugin", (), {hook: staticmethod(names[hook])})
    plugins.register(plugin, "example")
    (fact,) = [fact for fact in plugins.facts() if fact.name == "example"]
    assert (fact.hooks, fact.reason) == ((hook,), "")


@pytest.mark.parametrize("hook", NOW)
def test_a_hook_is_called_and_tested(hook):
    """Some module of the core asks it, and some test answers."""
    assert hook in {name for tree in trees("azml_integrations") for name in asked(tree)}, "nobody calls it"
    assert hook in {name for tree in trees("tests") for name in implemented(tree)}, "no test implements it"


def test_the_page_of_hooks_is_up_to_date():
    """Each hook with its signature; the page is made of the specifications."""
    page = (ROOT / "docs" / "reference" / "hooks.md").read_text()
    for hook in HOOKS:
        arguments = ", ".join(inspect.signature(getattr(hookspecs, hook)).parameters)
        assert f"`{hook}({arguments})`" in page, f"{hook}: python docs/tables.py"
    assert "automodule:: azml_integrations.hookspecs" in page
    subprocess.run([sys.executable, "docs/tables.py", "--check"], check=True, cwd=ROOT)


def test_the_laws_stand_on_top():
    """Who reads the module reads them first."""
    for law in ("Never block", "Never raise", "Leave the user's exception", "Undo everything", "Import no framework"):
        assert f"**{law}" in hookspecs.__doc__


def test_no_promise_was_broken():
    """What a version has promised, the next ones keep, or deprecate first."""
    for hook, arguments in PROMISED.items():
        assert set(arguments) <= set(inspect.signature(getattr(hookspecs, hook)).parameters), hook


@pytest.mark.parametrize("noun", NOUNS)
def test_a_noun_only_grows(noun):
    """By fields at its end that have a default: what a plugin writes today is right tomorrow."""
    kind = getattr(records, noun, None) or getattr(offers, noun)
    assert list(kind.__struct_fields__[: len(NOUNS[noun])]) == NOUNS[noun]
    added = kind.__struct_fields__[len(NOUNS[noun]) :]
    assert len(kind.__struct_defaults__) >= len(added)
