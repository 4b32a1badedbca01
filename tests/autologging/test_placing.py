"""Where a training stands when several adapters, or several trainings, meet in one run."""

import pytest

from azml_integrations import Experiment, Workspace, current_run
from azml_integrations.autologging import (
    Observation,
    Patches,
    Target,
    attempt,
    log_parameters,
    observed_run,
    patched,
    place_fit,
)
from azml_integrations.errors import AutologWarning


class Toy:
    """Something to train."""

    def fit(self, X, callbacks=None, **more):
        self.given = callbacks, more
        return self

    def only(self, X):
        return X


@pytest.fixture
def runs(azml_home, monkeypatch, tmp_path):
    """All runs of the experiment, newest first."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AZML_EXPERIMENT", "toys")
    here = Workspace.from_config()
    return lambda: list(Experiment(here, "toys").get_runs(include_children=True))


def watching(run, *args, **kwargs):
    run.add_properties({"estimator": "Toy"})
    yield


def test_an_observer_adds_an_argument(runs):
    """A callback is injected into a new list: the user's own is not touched."""

    def inject(run, toy, X, callbacks=None, **_):
        yield {"callbacks": ["ours", *(callbacks or ())], "extra": 1}

    mine = ["mine"]
    with patched(Target(Toy, "fit", inject)):
        by_name, by_place, without = Toy().fit(0, callbacks=mine), Toy().fit(0, mine), Toy().fit(0, other=2)

    assert by_name.given == by_place.given == (["ours", "mine"], {"extra": 1})
    assert without.given == (["ours"], {"other": 2, "extra": 1})
    assert mine == ["mine"]


@pytest.mark.parametrize(("given", "said"), [({"callbacks": 1}, "takes no such argument"), (7, "yields 7")])
def test_an_argument_that_nobody_takes_costs_a_warning(runs, given, said):
    """The user's call goes as it was meant."""

    def wrong(run, toy, X):
        yield given

    with patched(Target(Toy, "only", wrong)), pytest.warns(AutologWarning, match=said):
        assert Toy().only(3) == 3

    assert runs()[0].status == "Completed"


def test_a_call_is_left_alone(runs):
    """An adapter that says None has no run begun, and calls inside are still seen."""

    def outer(run, toy, X):
        raise AssertionError("not to be observed")
        yield

    class Nested(Toy):
        def only(self, X):
            return self.fit(X)

    targets = Target(Nested, "only", outer, lambda toy, X: None), Target(Toy, "fit", watching)
    with patched(*targets):
        Nested().only(1)

    assert [run.properties["estimator"] for run in runs()] == ["Toy"]


def test_a_second_training_stands_in_a_child(runs):
    """The first stands in the user's run."""
    target = Target(Toy, "fit", watching, lambda *_, **__: place_fit("toy", "Toy"))
    with patched(target), Experiment(Workspace.from_config(), "toys").start_logging() as run:
        Toy().fit(1)
        Toy().fit(2)

    child, own = runs()
    assert (own.id, child.parent.id, child.status) == (run.id, run.id, "Completed")
    assert child.properties["estimator"] == own.properties["estimator"] == "Toy"


def test_a_training_without_a_run_begins_one_and_ends_it(runs):
    """Whoever begins it ends it."""
    with patched(Target(Toy, "fit", watching, lambda *_, **__: place_fit("toy", "Toy"))):
        Toy().fit(1)

    assert [run.status for run in runs()] == ["Completed"]
    assert current_run() is None


def test_two_adapters_of_one_training_share_its_run(runs):
    """The inner one finds the run of the outer one, also where that is a child; a second one inside has its own."""
    found = []

    def inner(run, *args, **kwargs):
        found.append(run.id)
        if observed_run() is None:
            run.add_properties({"estimator": "Toy"})
        yield

    target = Target(Toy, "fit", inner, lambda *_, **__: place_fit("inner", "Toy"))
    with patched(target, source="inner"), Experiment(Workspace.from_config(), "toys").start_logging() as run:
        watching_run = lambda: place_fit("outer", "Outer")  # noqa: E731
        Toy().fit(0)  # the user's run is taken by the inner adapter
        with Observation("outer", watching, open_run=watching_run) as seen:
            assert observed_run() is seen.run
            Toy().fit(1)
            Toy().fit(2)

    assert found[0] == run.id
    assert found[1] == seen.run.id
    assert len(set(found)) == 3
    assert observed_run() is None


def test_an_observation_that_is_left_elsewhere_is_over(runs):
    """A step of a loop may end in another context than it began in."""
    import contextvars

    seen = Observation("toy", watching).__enter__()
    contextvars.copy_context().run(seen.__exit__, None, None, None)

    assert observed_run() is None


def test_parameters_are_readable(runs):
    """What cannot be written is told, and costs the others nothing."""
    import numpy as np

    class Broken:
        def __repr__(self):
            raise ValueError("no words")

    with Experiment(Workspace.from_config(), "toys").start_logging() as run:
        given = {"eta": np.float64(0.1), "depth": 3, "metric": ["auc"], "obj": len, "name": "gbtree", "bad": Broken()}
        assert log_parameters(run, "toy", given) == 5
        assert log_parameters(run, "toy", {"depth": 4, "seed": 1}) == 1

    assert {key: text for key, text in run.properties.items() if key.startswith("param.")} == {
        "param.eta": "0.1",
        "param.depth": "3",
        "param.metric": "['auc']",
        "param.obj": "builtins.len",
        "param.name": "gbtree",
        "param.seed": "1",
    }
    first, second = (note.message for note in run._record().notes)
    assert "bad (its repr raised ValueError: no words)" in first
    assert "param.depth" in second


def test_an_attempt_costs_only_itself(runs):
    """One thing that fails is a warning and a note."""
    with Experiment(Workspace.from_config(), "toys").start_logging() as run:
        with pytest.warns(AutologWarning, match="no room"), attempt("toy", run):
            raise OSError("no room")
        with pytest.raises(OSError, match="no room"), attempt("toy", run, on_error="raise"):
            raise OSError("no room")

    assert [note.message for note in run._record().notes] == ["OSError: no room"]


def test_undone_patches_leave_arguments_alone(runs):
    """After undo nothing is added."""
    patches = Patches("toy")
    patches.observe(Target(Toy, "fit", watching))
    observed = Toy.fit
    patches.undo()

    assert observed(Toy(), 1).given == (None, {})
    assert runs() == []
