"""Acting on an import, without importing, and without a trace."""

import importlib
import importlib.resources
import importlib.util
import sys
import threading
from importlib.machinery import SourceFileLoader

import pytest

from azml_integrations.autologging import when_imported
from azml_integrations.errors import AutologWarning


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write an importable module that is imported nowhere yet."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def write(name, source=""):
        path = tmp_path.joinpath(*name.split("."))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".py").write_text(source)
        importlib.invalidate_caches()
        return name

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture(autouse=True)
def clean_meta_path():
    before = list(sys.meta_path)
    yield
    assert sys.meta_path == before, "a finder was left behind"


def test_it_acts_after_the_import_and_leaves(module):
    """The module is complete when we get it, and the finder is gone afterwards."""
    name, seen = module("later", "answer = 42"), []
    when_imported(name, lambda found: seen.append(found.answer))
    assert seen == []
    assert name not in sys.modules

    import later

    assert seen == [42]
    assert later.__spec__.loader is later.__loader__


def test_it_acts_at_once_on_what_is_there(module):
    """No import, no finder."""
    name, seen = module("early", "answer = 1"), []
    importlib.import_module(name)
    before = list(sys.meta_path)
    when_imported(name, lambda found: seen.append(found.answer))
    assert seen == [1]
    assert sys.meta_path == before


def test_several_wishes_for_one_module_are_all_heard(module):
    """In their order, each once."""
    name, seen = module("popular"), []
    when_imported(name, lambda _: seen.append(1))
    when_imported(name, lambda _: seen.append(2))
    importlib.import_module(name)
    importlib.reload(sys.modules[name])
    assert seen == [1, 2]


def test_spec_and_loader_are_honest(module):
    """Resources, reload and whoever looks at the loader find what they would have found."""
    name = module("honest", "during = __spec__.loader\n")
    when_imported(name, lambda _: None)
    found = importlib.import_module(name)

    assert type(found.__loader__) is SourceFileLoader
    assert found.__spec__.loader is found.__loader__
    assert found.during is found.__loader__
    assert vars(found.__loader__).keys() == {"name", "path"}
    assert importlib.resources.files(found) is not None if found.__spec__.submodule_search_locations else True
    assert importlib.util.find_spec(name) is found.__spec__


def test_looking_for_a_spec_is_no_import(module):
    """``find_spec`` alone fires nothing; the import after it does."""
    name, seen = module("looked_at"), []
    when_imported(name, seen.append)
    assert importlib.util.find_spec(name) is not None
    assert seen == []
    importlib.import_module(name)
    assert [found.__name__ for found in seen] == [name]


def test_an_error_of_ours_is_no_import_error(module):
    """The framework works without us; one warning says so."""
    name = module("fine", "answer = 42")

    def act(_):
        raise RuntimeError("this version is new to me")

    when_imported(name, act)
    with pytest.warns(AutologWarning, match="fine: RuntimeError: this version is new to me") as caught:
        assert importlib.import_module(name).answer == 42
    assert caught[0].filename == __file__


def test_an_import_that_fails_can_be_tried_again(module):
    """A missing library is installed, the import repeated: then we act."""
    name, seen = module("fragile", "import sys\nif not hasattr(sys, 'fragile_ready'): raise ImportError('not yet')"), []
    when_imported(name, seen.append)
    with pytest.raises(ImportError, match="not yet"):
        importlib.import_module(name)
    assert seen == []
    sys.fragile_ready = True
    try:
        importlib.import_module(name)
    finally:
        del sys.fragile_ready
    assert len(seen) == 1


def test_a_missing_module_stays_missing(module):
    """Waiting for something that is not installed changes no error."""
    forget = when_imported("no_such_framework", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match="no_such_framework"):
        importlib.import_module("no_such_framework")
    forget()


def test_a_wish_can_be_taken_back(module):
    """``autolog(False)`` before the framework has come."""
    name, seen = module("unwanted"), []
    when_imported(name, seen.append)()
    importlib.import_module(name)
    assert seen == []


def test_a_module_in_the_middle_of_its_import_is_waited_for(module):
    """autolog() called by a module that the framework itself imports: we act when the framework is complete."""
    module(
        "inner_call",
        "import circus_seen\nfrom azml_integrations.autologging import when_imported\n"
        "when_imported('circus', lambda m: circus_seen.seen.append(m.answer))\n",
    )
    module("circus_seen", "seen = []")
    name = module("circus", "import inner_call\nanswer = 42\n")
    module("unrelated")

    importlib.import_module(name)
    import circus_seen

    assert circus_seen.seen == []
    importlib.import_module("unrelated")
    assert circus_seen.seen == [42]


def test_two_threads_importing_fire_once(module):
    """Python imports a module once; so do we act."""
    name, seen = module("shared", "import time; time.sleep(0.1)"), []
    when_imported(name, seen.append)
    threads = [threading.Thread(target=importlib.import_module, args=(name,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 1


def test_another_hook_of_the_same_kind_gets_along(module):
    """mlflow and wrapt hook imports the same way, and ask every finder, ours too."""
    name, seen = module("contested"), []

    class Theirs:
        busy = False

        def find_spec(self, fullname, path=None, target=None):
            if fullname != name or self.busy:
                return None
            self.busy = True
            try:
                return importlib.util.find_spec(fullname)
            finally:
                self.busy = False

    theirs = Theirs()
    for ours_first in (True, False):
        sys.modules.pop(name, None)
        seen.clear()
        if ours_first:
            sys.meta_path.insert(0, theirs)
            when_imported(name, seen.append)
        else:
            when_imported(name, seen.append)
            sys.meta_path.insert(0, theirs)
        importlib.import_module(name)
        sys.meta_path.remove(theirs)
        assert len(seen) == 1
