"""What a framework looks like from outside, before and after."""

import sys
import types
import warnings

from azml_integrations.testing.surfaces import surface


def test_what_python_notes_in_a_module_is_no_change_of_it(monkeypatch):
    """A framework that warns, of whatever, has a registry of its warnings; nobody has replaced anything."""
    module = types.ModuleType("warning_framework")
    exec("import warnings\ndef warn(): warnings.warn('slow')\n", vars(module))
    monkeypatch.setitem(sys.modules, "warning_framework", module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module.warn()
        before = surface(["warning_framework"])
        vars(module)["__warningregistry__"].clear()
        module.warn()
        vars(module)["__warningregistry__"]["another"] = True
    assert "__warningregistry__" in vars(module)
    assert before.unlike(surface(["warning_framework"])) == set()
