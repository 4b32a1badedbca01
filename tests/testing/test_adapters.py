"""The contract of an adapter lets a good one pass, and names what a bad one does."""

import contextlib
import threading
import time
from unittest import mock

import pytest
import toy_observers

from azml_integrations import implicit_experiment, implicit_run
from azml_integrations.autologging import Patches
from azml_integrations.testing import AdapterContract, toy

X, Y = [0.0, 1.0, 2.0], [1.0, 3.0, 5.0]


class TestToy(AdapterContract):
    """An adapter of fifteen lines keeps every promise."""

    plugin = "toy_plugin"
    expected = ("loss", "training_score", "param.rate", "outputs/*.json")
    options = {"save_as": "line"}  # noqa: RUF012 - as an author writes it

    @pytest.fixture
    def training(self):
        return lambda: toy.Model().fit(X, Y)

    @pytest.fixture
    def failing(self):
        return lambda error: toy.Model().fit(X, Y, callbacks=[toy.failing_at(1, error)])

    @pytest.fixture
    def idle(self):
        return lambda: toy.Model().get_params()


class TestFaults(AdapterContract):
    """An adapter that breaks a promise is found by the test of that promise."""

    plugin = "toy_plugin"

    training, failing, idle = TestToy.training, TestToy.failing, TestToy.idle

    @pytest.fixture
    def bad(self, stage, monkeypatch):
        """Put another fit in the place of the toy's."""

        def put(wrap, *, undone=True):
            def activate(_):
                patches = Patches("toy")
                patches.replace(toy.Model, "fit", wrap(vars(toy.Model)["fit"]))
                return patches.undo if undone else None

            monkeypatch.setattr(toy_observers, "activate", activate)

        monkeypatch.setattr(toy.Model, "fit", vars(toy.Model)["fit"])  # given back, whatever an adapter leaves
        return put

    @staticmethod
    def recording(fit):
        """Wrap a fit in a run, and ask nobody whether that is wanted."""

        def fitted(*args, **kwargs):
            with implicit_run() as run:
                run.log("loss", 1.0)
                return fit(*args, **kwargs)

        return fitted

    def test_an_exception_that_is_kept_back(self, stage, bad, failing):
        def swallowing(fit):
            def fitted(*args, **kwargs):
                with implicit_run(), contextlib.suppress(Exception):
                    return fit(*args, **kwargs)

            return fitted

        bad(swallowing)
        with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
            AdapterContract.test_an_exception_of_the_users_leaves_as_it_came(TestToy(), stage, failing)

    def test_an_exception_with_something_added(self, stage, bad, failing):
        def adding(fit):
            def fitted(*args, **kwargs):
                try:
                    return fit(*args, **kwargs)
                except Exception as error:
                    error.add_note("seen by toy")
                    raise

            return fitted

        bad(adding)
        with pytest.raises(AssertionError, match="seen by toy"):
            AdapterContract.test_an_exception_of_the_users_leaves_as_it_came(TestToy(), stage, failing)

    def test_a_run_that_nobody_asked_for(self, stage, bad, idle, monkeypatch):
        monkeypatch.setattr(toy_observers, "activate", lambda _: implicit_run().complete())
        with pytest.raises(AssertionError, match=r"\[Run\("):
            AdapterContract.test_where_nothing_is_trained_there_is_no_run(TestToy(), stage, idle)

    def test_a_pause_that_is_not_heard(self, stage, bad, training):
        bad(self.recording)
        with pytest.raises(AssertionError, match=r"\[Run\("):
            AdapterContract.test_switched_off_nothing_is_recorded(TestToy(), stage, training)

    def test_a_framework_that_is_not_given_back(self, stage, bad, training):
        bad(self.recording, undone=False)
        with pytest.raises(AssertionError, match=r"after autolog\(False\): .*toy\.Model\.fit is <function"):
            AdapterContract.test_a_training_is_unchanged(TestToy(), stage, training)

    def test_a_run_beside_the_users(self, stage, bad, training):
        bad(self.recording)
        with pytest.raises(AssertionError, match="Left contains one more item"):
            AdapterContract.test_a_training_belongs_to_the_run_around_it(TestToy(), stage, training)

    @pytest.mark.parametrize("fault", ["no run can be begun", "nothing can be written"])
    def test_a_fault_that_reaches_the_user(self, stage, bad, training, fault, monkeypatch):
        bad(self.recording)
        with pytest.raises(OSError, match="injected"):
            AdapterContract.test_a_fault_of_ours_is_a_warning(TestToy(), stage, training, fault, monkeypatch)

    def test_a_fault_that_nobody_hears_of(self, stage, bad, training, monkeypatch):
        def silent(fit):
            def fitted(*args, **kwargs):
                with contextlib.suppress(OSError):
                    implicit_run().complete()
                return fit(*args, **kwargs)

            return fitted

        bad(silent)
        with pytest.raises(AssertionError, match="nobody was told"):
            AdapterContract.test_a_fault_of_ours_is_a_warning(
                TestToy(), stage, training, "no run can be begun", monkeypatch
            )

    def test_a_worker_that_writes(self, stage, bad, as_worker, training):
        def starting(fit):
            def fitted(*args, **kwargs):
                implicit_experiment().start_logging(outputs=None, snapshot_directory=None).complete()
                return fit(*args, **kwargs)

            return fitted

        bad(starting)
        with pytest.raises(AssertionError, match=r"Run\("):
            AdapterContract.test_a_worker_of_a_group_writes_nothing(TestToy(), stage, None, training)

    def test_threads_that_meet(self, stage, bad, training):
        def alone(fit):
            lock = threading.Lock()

            def fitted(*args, **kwargs):
                if not lock.acquire(blocking=False):
                    raise RuntimeError("one at a time")
                with contextlib.closing(mock.Mock(close=lock.release)):
                    time.sleep(0.2)
                    return fit(*args, **kwargs)

            return fitted

        bad(alone)
        with pytest.raises(AssertionError, match="one at a time"):
            AdapterContract.test_threads_train_side_by_side(TestToy(), stage, training)

    def test_what_is_missing_in_the_test_itself(self, stage, training):
        class Poor(TestToy):
            expected, options = ("accuracy", "loss"), {}

        with pytest.raises(AssertionError, match=r"\['accuracy'\]"):
            AdapterContract.test_a_training_is_recorded(Poor(), stage, training)
        with pytest.raises(AssertionError, match="give a value for each option"):
            AdapterContract.test_a_training_with_every_option_is_unchanged(Poor(), stage, training)
        Poor.framework = "tax"
        with pytest.raises(AssertionError, match="toy_plugin offers toy, not tax"):
            Poor()._adapter()


for _name in [name for name in vars(AdapterContract) if name.startswith("test_")]:
    setattr(TestFaults, _name, None)  # these are for good adapters
