"""Who stands around a call."""

import importlib
import sys

import pytest

from azml_integrations.autologging import calling, is_called_from


class Model:
    def fit(self, train):
        return train()


class Finer(Model):
    pass


class Stranger:
    def fit(self, train):
        return train()


def test_the_nearest_object_of_the_class_is_found():
    """A subclass counts, a stranger's method of the same name does not, another method does not."""
    outer, inner = Model(), Finer()

    assert outer.fit(lambda: inner.fit(lambda: calling(Model, "fit"))) is inner
    assert outer.fit(lambda: Stranger().fit(lambda: calling(Model, "fit"))) is outer
    assert outer.fit(lambda: calling(Model, "predict")) is None
    assert calling(Model, "fit") is None


@pytest.fixture
def acme(tmp_path, monkeypatch):
    """A package that calls back from two of its modules, and another whose name begins the same."""
    for package in ("caller_acme", "caller_acme_more"):
        (tmp_path / package).mkdir()
        for module in ("__init__", "search", "voting"):
            (tmp_path / package / f"{module}.py").write_text("def call(function):\n    return function()\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda name: importlib.import_module(name).call
    for name in [name for name in sys.modules if name.partition(".")[0] in ("acme", "acme_more")]:
        del sys.modules[name]


def test_a_package_around_a_call_is_seen(acme):
    """At any distance; a module that does not count hides no other, and a longer name is another package."""

    def ask():
        return is_called_from("caller_acme", but={"caller_acme.search"})

    assert not ask()
    assert acme("caller_acme")(ask)
    assert acme("caller_acme.voting")(lambda: acme("caller_acme.search")(ask))
    assert not acme("caller_acme.search")(ask)
    assert not acme("caller_acme_more.voting")(ask)
