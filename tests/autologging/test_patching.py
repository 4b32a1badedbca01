"""An observer watches; it never touches the call, the result or the user's exception."""

import asyncio
import inspect
import pickle
import sys
import warnings

import pytest

from azml_integrations import Experiment, Workspace, current_run
from azml_integrations.autologging import Observation, Patches, Target, is_paused, patched, paused
from azml_integrations.errors import AutologWarning


class Toy:
    """A model that learns a mean."""

    calls = 0

    def fit(self, X):
        """Learn."""
        type(self).calls += 1
        self.mean_ = sum(X) / len(X)
        return self

    def fit_all(self, *lists):
        return [Toy().fit(X) for X in lists]

    @staticmethod
    def load(X):
        return Toy().fit(X)

    @classmethod
    def make(cls, X):
        return cls().fit(X)


class Failing:
    def fit(self, X):
        raise ValueError("no data")


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(Toy, "calls", 0)


@pytest.fixture
def runs(azml_home, monkeypatch, tmp_path):
    """Where implicit runs go, newest first."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AZML_EXPERIMENT", "toys")
    here = Workspace.from_config()

    def look():
        return list(Experiment(here, "toys").get_runs(include_children=True))

    return look


def observe(run, model, X):
    run.log("n", len(X))
    fitted = yield
    run.log("mean", fitted.mean_)


def test_an_observer_logs_around_the_call(runs):
    """Before the yield what is known, after it what came out; the run is made and ended by itself."""
    with patched(Target(Toy, "fit", observe)):
        model = Toy().fit([1.0, 2.0, 3.0])

    assert model.mean_ == 2.0
    (run,) = runs()
    assert run.get_metrics() == {"n": 3, "mean": 2.0}
    assert run.get_status() == "Completed"


def test_the_users_words_may_be_ours(runs):
    """Arguments of a call reach the call and the observer, whatever their names are."""

    class Wordy:
        def fit(self, **words):
            return words

    def observe(run, wordy, **words):
        run.log_metrics(words)
        yield

    words = {"source": 1, "observer": 2, "open_run": 3, "on_error": 4}
    with patched(Target(Wordy, "fit", observe)):
        assert Wordy().fit(**words) == words
    assert runs()[0].get_metrics() == words


@pytest.mark.parametrize("error", [None, ValueError("no data")])
def test_a_coroutine_is_observed_until_it_has_come_to_its_end(runs, error):
    """The run is there while it is awaited, and ends as it ends; what the observer yields is given to it."""

    class Patient:
        async def fit(self, X, tell=()):
            for x in X:
                await asyncio.sleep(0)
                for one in tell:
                    one(x)
            if error is not None:
                raise error
            return sum(X)

    def observe(run, patient, X, tell=()):
        run.log("result", (yield {"tell": [lambda x: run.log("x", x), *tell]}))

    async def train():
        both = (Patient().fit([1, 2]), Patient().fit([3, 4]))
        return await asyncio.gather(*both, return_exceptions=True)

    with patched(Target(Patient, "fit", observe)):
        assert inspect.iscoroutinefunction(Patient.fit)
        assert asyncio.run(train()) == ([3, 7] if error is None else [error, error])
        Patient().fit([1]).close()  # never awaited: nothing to record

    several = sorted(runs(), key=lambda run: run.get_metrics()["x"])
    assert [run.status for run in several] == [("Completed" if error is None else "Failed")] * 2
    assert [run.get_metrics()["x"] for run in several] == [[1, 2], [3, 4]]
    assert [run.get_metrics().get("result") for run in several] == ([3, 7] if error is None else [None, None])


def test_the_users_run_is_used_and_not_ended(runs):
    """Inside ``with run:`` nothing new is begun, and completing is the user's business."""
    with Experiment(Workspace.from_config(), "toys").start_logging(outputs=None, snapshot_directory=None) as mine:
        with patched(Target(Toy, "fit", observe)):
            Toy().fit([1.0])
        assert mine.get_status() == "Running"
    assert [run.id for run in runs()] == [mine.id]
    assert mine.get_metrics()["mean"] == 1.0


def raises_before(run, model, X):
    raise RuntimeError("bug in the adapter")
    yield


def raises_after(run, model, X):
    yield
    raise RuntimeError("bug in the adapter")


def yields_twice(run, model, X):
    yield
    yield


def never_yields(run, model, X):
    run.log("n", len(X))
    return
    yield


@pytest.mark.parametrize(
    ("observer", "told"),
    [
        (raises_before, "bug in the adapter"),
        (raises_after, "bug in the adapter"),
        (yields_twice, "yields more than once"),
    ],
)
def test_a_broken_observer_leaves_fit_alone(runs, observer, told):
    """The user's model is worth more than our notes about it; the run says what is missing in it."""
    with patched(Target(Toy, "fit", observer)), pytest.warns(AutologWarning, match=told) as caught:
        model = Toy().fit([1.0, 2.0, 3.0])

    assert caught[0].filename == __file__
    assert model.mean_ == 2.0
    assert Toy.calls == 1
    (run,) = runs()
    assert run.get_status() == "Completed"
    assert any(told in note.message for note in run._record().notes)


def test_an_observer_may_leave_before_the_call(runs):
    """Who wants only the beginning need not wait for the end."""
    with patched(Target(Toy, "fit", never_yields)):
        Toy().fit([1.0])
    assert runs()[0].get_metrics() == {"n": 1}


def test_the_users_exception_leaves_as_it_came(runs):
    """Same object, no cause, no context of ours; the run is Failed before it arrives."""
    seen = []

    def watch(run, model, X):
        try:
            yield
        finally:
            seen.append(sys.exc_info()[0])

    with patched(Target(Failing, "fit", watch)), pytest.raises(ValueError, match="no data") as caught:
        Failing().fit([])
    status = runs()[0].get_status()
    error = caught.value
    assert (error.args, error.__cause__, error.__context__) == (("no data",), None, None)

    assert status == "Failed"
    assert runs()[0].get_details()["error"]["error"]["message"].endswith("no data")
    assert seen == [GeneratorExit]


def test_ctrl_c_in_training_is_a_failed_run(runs):
    """The user stopped it; the run must not look as if it were still running."""

    class Stopped:
        def fit(self, X):
            raise KeyboardInterrupt

    with patched(Target(Stopped, "fit", observe)), pytest.raises(KeyboardInterrupt):
        Stopped().fit([1.0])
    assert runs()[0].get_status() == "Failed"


def test_an_observer_that_stumbles_over_a_failing_call_does_not_replace_its_error(runs):
    """Even where warnings are errors, the user sees their own exception."""

    def watch(run, model, X):
        try:
            yield
        finally:
            raise RuntimeError("and I fail as well")

    with warnings.catch_warnings(), patched(Target(Failing, "fit", watch)):
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="no data"):
            Failing().fit([])


def test_tracking_that_cannot_begin_leaves_fit_alone(runs, monkeypatch):
    """No run, no notes: the training goes on with one warning."""

    def no_run(**_):
        raise OSError("disk full")

    monkeypatch.setattr("azml_integrations.core.process.implicit_run", no_run)
    with patched(Target(Toy, "fit", observe)), pytest.warns(AutologWarning, match="disk full"):
        assert Toy().fit([1.0]).mean_ == 1.0


def test_errors_can_be_let_out_for_who_writes_an_adapter(runs):
    """``on_error="raise"`` shows the traceback instead of a warning."""
    with (
        patched(Target(Toy, "fit", raises_after), on_error="raise"),
        pytest.raises(RuntimeError, match="bug in the adapter"),
    ):
        Toy().fit([1.0])


def test_only_the_outermost_call_is_observed(runs):
    """A fit that fits is one training."""

    def outer(run, model, *lists):
        yield

    with patched(Target(Toy, "fit_all", outer), Target(Toy, "fit", observe)):
        Toy().fit_all([1.0], [2.0], [3.0])
    (run,) = runs()
    assert run.get_metrics() == {}


def test_autolog_is_off_while_an_observer_works(runs):
    """An observer that trains a model to judge another one does not observe itself."""

    def curious(run, model, X):
        assert is_paused()
        Toy().fit([5.0])
        yield
        Toy().fit([6.0])

    with patched(Target(Toy, "fit", curious)):
        Toy().fit([1.0])
    assert not is_paused()
    assert len(runs()) == 1
    assert Toy.calls == 3


def test_paused_switches_it_off_here(runs):
    """What is called inside is nobody's training."""
    with patched(Target(Toy, "fit", observe)), paused():
        Toy().fit([1.0])
    assert runs() == []


def test_one_framework_is_paused_by_its_name(runs):
    """A trainer of Lightning silences torch's loop rules; a fit of scikit-learn inside it is still recorded."""
    with patched(Target(Toy, "fit", observe), source="toy"), paused("torch"):
        assert (is_paused("torch"), is_paused("toy"), is_paused()) == (True, False, False)
        with paused("toy"):
            assert is_paused("torch")
            Toy().fit([1.0])
        assert runs() == []
        Toy().fit([1.0])
    assert len(runs()) == 1
    with paused():
        assert is_paused("torch")
        assert is_paused()
    assert not is_paused("torch")


def test_what_is_patched_looks_like_what_it_was(runs):
    """Name, docstring, signature and pickle of a patched method are the original's."""
    before = inspect.signature(Toy.fit)
    with patched(Target(Toy, "fit", observe)):
        assert (Toy.fit.__name__, Toy.fit.__doc__, inspect.signature(Toy.fit)) == ("fit", "Learn.", before)
        assert pickle.loads(pickle.dumps(Toy.fit)) is Toy.fit


def test_everything_is_put_back(runs):
    """After the block, class and module are what they were, to the object."""

    class Heir(Toy):
        pass

    before = dict(vars(Toy)), dict(vars(Heir))
    with patched(Target(Toy, "fit", observe), Target(Heir, "fit", observe), Target(Toy, "load", observe)):
        assert "fit" in vars(Heir)
    assert (dict(vars(Toy)), dict(vars(Heir))) == before


def test_static_and_class_methods_stay_what_they_are(runs):
    """They are called with and without an instance, as before."""

    def watch(run, *args):
        made = yield
        run.log("mean", made.mean_)

    with patched(Target(Toy, "load", watch), Target(Toy, "make", watch)):
        assert Toy.load([1.0]).mean_ == 1.0
        assert Toy().load([2.0]).mean_ == 2.0
        assert isinstance(Toy.make([3.0]), Toy)
    assert [run.get_metrics()["mean"] for run in runs()] == [3.0, 2.0, 1.0]


def test_a_foreign_patch_on_top_survives_our_undoing(runs):
    """We do not tear down what somebody else has built on ours; ours steps aside by itself."""
    original = Toy.fit
    patches = Patches("toys")
    patches.observe(Target(Toy, "fit", observe))
    ours = Toy.fit

    def theirs(self, X):
        return ours(self, X)

    Toy.fit = theirs
    try:
        patches.undo()
        assert Toy.fit is theirs
        Toy().fit([1.0])
        assert runs() == []
    finally:
        Toy.fit = original


def test_undoing_twice_does_no_harm():
    """The second time there is nothing left to do."""
    patches = Patches("toys")
    patches.replace(Toy, "extra", 1)
    patches.undo()
    patches.undo()
    assert not hasattr(Toy, "extra")


def outer(value):
    def inner():
        return value

    return inner


def test_a_closure_cell_is_written_and_restored():
    """The function stays the same object for everyone who holds it."""
    function = outer("old")
    patches = Patches("cells")
    patches.replace_cell(function, "value", "new")
    assert function() == "new"
    patches.undo()
    assert function() == "old"
    with pytest.raises(ValueError, match="no closure cell 'nothing'"):
        patches.replace_cell(function, "nothing", 1)


def test_a_missing_attribute_is_an_error_at_once():
    """A typo in an adapter shows when it is patched, not in a user's training."""
    with pytest.raises(AttributeError), patched(Target(Toy, "fitt", observe)):
        pass


def test_an_observation_can_stand_alone(runs):
    """For an adapter with a choke point of its own: enter, set the result, leave."""
    with Observation("toys", observe, Toy(), [1.0, 3.0]) as seen:
        assert current_run() is seen.run
        seen.result = Toy().fit([1.0, 3.0])
    assert current_run() is None
    assert runs()[0].get_metrics() == {"n": 2, "mean": 2.0}
