"""What scikit-learn's callbacks tell a run while a fit goes on."""

import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
import scipy.sparse
import sklearn
from sklearn import metrics
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from azml_integrations import autolog
from azml_integrations.errors import AutologWarning, OptionError
from azml_sklearn import AzmlCallback, LoggedEstimator
from azml_sklearn.portable import without_callbacks

CANCER = load_breast_cancer(return_X_y=True)
SCALED = StandardScaler().fit_transform(CANCER[0]), CANCER[1]
IRIS = load_iris(return_X_y=True)
QUIET = {"silent": True, "log_images": False, "log_models": False}
OLD = tuple(int(part) for part in sklearn.__version__.split(".")[:2]) < (1, 9)
new = pytest.mark.skipif(OLD, reason="scikit-learn has callbacks from 1.9 on")


@pytest.mark.skipif(not OLD, reason="this scikit-learn has callbacks")
def test_an_old_scikit_learn_is_told_so():
    """One clear sentence when it is asked for; the import was no trouble."""
    with pytest.raises(ImportError, match=r"wants scikit-learn >= 1\.9, .* this is 1\."):
        AzmlCallback()


@pytest.fixture
def found(experiment):
    """List runs and children, the oldest first; autolog is off."""
    return lambda: list(experiment.get_runs(include_children=True))[::-1]


def words(X, y):
    return X, np.array(["ill", "well"])[y]


@new
@pytest.mark.parametrize(
    ("data", "weight"),
    [
        (SCALED, None),
        (SCALED, np.linspace(0.5, 1.5, len(SCALED[1]))),
        (words(*SCALED), None),
        ((scipy.sparse.csr_matrix(SCALED[0]), SCALED[1]), None),
        (IRIS, None),
    ],
    ids=["binary", "weighted", "words", "sparse", "multiclass"],
)
def test_the_loss_of_each_iteration(found, data, weight):
    """One point per iteration of lbfgs; the last is scikit-learn's log loss of the fitted model."""
    X, y = data
    callback = AzmlCallback(silent=True)
    model = LogisticRegression(max_iter=500).set_callbacks(callback).fit(X, y, weight)
    (run,) = found()
    points = run.metric_points("iteration_log_loss")
    assert [point.step for point in points] == list(range(1, model.n_iter_[0] + 1))
    assert points[-1].value == pytest.approx(metrics.log_loss(y, model.predict_proba(X), sample_weight=weight))
    assert points[0].value > points[-1].value
    assert (run.get_status(), run.get_properties()["estimator"]) == ("Completed", "LogisticRegression")


@new
def test_results_are_those_without_it(found):
    """The same coefficients to the bit, also by way of a clone."""
    expected = LogisticRegression().fit(*SCALED)
    model = clone(LogisticRegression().set_callbacks(AzmlCallback(silent=True))).fit(*SCALED)
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    assert len(found()) == 1


@new
def test_many_rows_are_thinned_and_none_switch_it_off(found):
    """The cost of an iteration has a cap."""
    X, y = SCALED
    model = LogisticRegression().set_callbacks(AzmlCallback(max_metric_rows=100, silent=True)).fit(X, y)
    rows = np.linspace(0, len(y) - 1, 100).astype(int)
    loss = found()[0].get_metrics()["iteration_log_loss"][-1]
    assert loss == pytest.approx(metrics.log_loss(y[rows], model.predict_proba(X[rows])))
    LogisticRegression().set_callbacks(AzmlCallback(max_metric_rows=0, silent=True)).fit(X, y)
    assert "iteration_log_loss" not in found()[1].get_metrics()


@new
def test_with_autolog_they_write_into_one_run(runs):
    """Iterations stand beside the parameters; steps of a pipeline beside the iterations of its last one."""
    last = LogisticRegression().set_callbacks(AzmlCallback())
    model = make_pipeline(StandardScaler(), "passthrough", last).set_callbacks(AzmlCallback())
    model.fit(*CANCER)
    (run,) = runs()
    found = run.get_metrics()
    assert run.get_properties()["estimator"] == "Pipeline"
    assert len(found["iteration_log_loss"]) == last.n_iter_[0]
    assert 0 < found["fit_time.standardscaler"] < found["fit_time"]
    assert 0 < found["fit_time.logisticregression"] < found["fit_time"]
    assert "fit_time.passthrough" not in found


@new
def test_two_callbacks_without_autolog_share_a_run(found):
    """The outermost one begins it, and ends it."""
    last = LogisticRegression().set_callbacks(AzmlCallback(silent=True))
    make_pipeline(StandardScaler(), last).set_callbacks(AzmlCallback(silent=True)).fit(*CANCER)
    (run,) = found()
    assert {"iteration_log_loss", "fit_time.standardscaler", "fit_time"} <= set(run.get_metrics())
    assert run.get_status() == "Completed"


@new
def test_inside_a_logged_estimator(found):
    """The estimator inside may have callbacks; they write where the fit is recorded."""
    LoggedEstimator(LogisticRegression().set_callbacks(AzmlCallback()), **QUIET).fit(*SCALED)
    (run,) = found()
    assert {"iteration_log_loss", "training_accuracy_score"} <= set(run.get_metrics())


@new
def test_the_run_given_is_where_it_goes(found, experiment):
    """With autolog on too; a run that is over is not written to."""
    with experiment.start_logging(snapshot_directory=None) as run:
        pass
    LogisticRegression().set_callbacks(AzmlCallback(run, silent=True)).fit(*SCALED)
    assert run.get_metrics() == {}
    given = experiment.start_logging(snapshot_directory=None)
    autolog("sklearn", **QUIET)
    with experiment.start_logging(snapshot_directory=None) as current:
        LogisticRegression().set_callbacks(AzmlCallback(given)).fit(*SCALED)
    assert set(given.get_metrics()) == {"iteration_log_loss"}
    assert "training_accuracy_score" in current.get_metrics()
    assert "iteration_log_loss" not in current.get_metrics()
    assert given.get_status() == "Running"
    given.complete()


@new
@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
def test_the_splits_of_a_search_are_told_as_they_are_done(found, backend):
    """From whichever process; what its candidates do inside is theirs, until the refit."""
    callback = AzmlCallback(silent=True)
    inner = LogisticRegression(max_iter=500).set_callbacks(callback)
    search = GridSearchCV(inner, {"C": [0.1, 1, 10]}, cv=2, n_jobs=2).set_callbacks(callback)
    with joblib.parallel_backend(backend):
        search.fit(*SCALED)
    (run,) = found()
    points = run.metric_points("split_time")
    assert sorted(point.step for point in points) == [0, 1, 2, 3, 4, 5]
    assert all(point.value > 0 for point in points)
    assert run.get_metrics()["search_splits"] == 6
    assert len(run.metric_points("iteration_log_loss")) == search.best_estimator_.n_iter_[0]
    assert run.get_status() == "Completed"


@new
def test_rounds_of_a_halving_search_count_on(found):
    """Each round says how many splits it has; a step is never told twice."""
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingGridSearchCV

    search = HalvingGridSearchCV(Ridge(), {"alpha": [0.1, 1, 10]}, cv=2, random_state=0)
    search.set_callbacks(AzmlCallback(silent=True)).fit(*load_diabetes(return_X_y=True))
    (run,) = found()
    of = run.get_metrics()["search_splits"]
    assert of == [2 * candidates for candidates in search.n_candidates_]
    assert sorted(point.step for point in run.metric_points("split_time")) == list(range(sum(of)))


@new
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_folds_start_no_runs(found, n_jobs):
    """A fold is a part of something; in a worker there is no run to write to."""
    cross_val_score(LogisticRegression().set_callbacks(AzmlCallback()), *SCALED, n_jobs=n_jobs)
    assert found() == []


@new
def test_a_fit_that_fails_is_a_run_that_failed(found):
    """Also where the fit stands in an `except` of the user's, which is no failure of it."""
    with pytest.raises(ValueError, match="at least 2 classes"):
        LogisticRegression().set_callbacks(AzmlCallback()).fit(SCALED[0], np.zeros(len(SCALED[1])))
    try:
        {}["model"]  # not in the cache
    except KeyError:
        LogisticRegression().set_callbacks(AzmlCallback(silent=True)).fit(*SCALED)
    assert [run.get_status() for run in found()] == ["Failed", "Completed"]


@new
def test_no_error_of_ours_reaches_a_fit(found, monkeypatch, notes):
    """What fails at one iteration would fail at each: one warning, one note, a fitted model."""

    def broken(*_):
        raise RuntimeError("a bug in the loss")

    monkeypatch.setattr("azml_sklearn.callback.Losses.of", broken)
    with pytest.warns(AutologWarning, match="a bug in the loss") as caught:
        model = LogisticRegression().set_callbacks(AzmlCallback(silent=True)).fit(*SCALED)
    assert len(caught) == 1
    assert model.score(*SCALED) > 0.9
    (run,) = found()
    assert (run.get_status(), len(notes(run))) == ("Completed", 1)


@new
def test_a_run_that_cannot_be_begun_costs_the_record_only(found, monkeypatch):
    """A full disk."""

    def no_run(**_):
        raise OSError("No space left on device")

    monkeypatch.setattr("azml_integrations.core.process.implicit_run", no_run)
    with pytest.warns(AutologWarning, match="No space left"):
        LogisticRegression().set_callbacks(AzmlCallback(silent=True)).fit(*SCALED)


@new
def test_a_pickle_travels_without_the_run(found, experiment):
    """The fitted model keeps its callback, as scikit-learn has it; what is loaded tomorrow writes elsewhere."""
    with experiment.start_logging(snapshot_directory=None) as run:
        model = LogisticRegression().set_callbacks(AzmlCallback(run, max_metric_rows=99, silent=True)).fit(*SCALED)
        many = len(run.metric_points("iteration_log_loss"))
        loaded = pickle.loads(pickle.dumps(model))
        (callback,) = loaded._skl_callbacks
        assert (callback.run, callback.max_metric_rows, callback.silent) == (None, 99, True)
    loaded.fit(*SCALED)
    assert len(run.metric_points("iteration_log_loss")) == many
    assert len(found()) == 2


class Theirs:
    """A callback of the user's own."""

    def setup(self, estimator, context):
        pass

    on_fit_task_begin = on_fit_task_end = teardown = setup


@new
def test_the_stored_model_is_loaded_without_us(experiment, tmp_path):
    """Ours is left out of the file, at any depth; the user's object keeps it, and a callback of theirs stays."""
    autolog("sklearn", silent=True, log_images=False)
    theirs, ours = Theirs(), AzmlCallback()
    last = LogisticRegression().set_callbacks(ours)
    search = GridSearchCV(make_pipeline(StandardScaler(), last), {"logisticregression__C": [1.0]}, cv=2)
    search.set_callbacks(ours).fit(*CANCER)
    assert search._skl_callbacks == [ours]
    (run,) = experiment.get_runs()
    run.download_file("outputs/GridSearchCV/model.pkl", str(tmp_path / "model.pkl"))
    program = (
        "import pickle, sys\n"
        "model = pickle.load(open('model.pkl', 'rb'))\n"
        "print(model.steps[1][1].C, [name for name in sys.modules if name.startswith('azml')])\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert answer.stdout.strip() == "1.0 []"
    kept = without_callbacks(LogisticRegression().set_callbacks(theirs, ours))
    assert kept._skl_callbacks == [theirs]
    plain = make_pipeline(StandardScaler(), LogisticRegression().set_callbacks(theirs))
    assert without_callbacks(plain) is plain
    copied = without_callbacks(search).best_estimator_.steps[1][1]
    assert copied.coef_ is search.best_estimator_.steps[1][1].coef_  # nothing large is copied


@new
def test_callbacks_of_the_users_are_called_too(found):
    """Both hear of every iteration."""
    heard = []

    class Listening(Theirs):
        def on_fit_task_end(self, estimator, context):
            heard.append(context.task_name)

    model = LogisticRegression().set_callbacks(Listening(), AzmlCallback(silent=True)).fit(*SCALED)
    assert heard.count("lbfgs-iter") == model.n_iter_[0] + 1  # scikit-learn's last one is empty
    assert len(found()) == 1


@new
def test_an_estimator_nobody_knows_tells_its_score(found):
    """Whatever offers its state in each iteration is scored, as long as that is cheap."""
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.callback import CallbackSupportMixin, with_callbacks

    class Halfway(CallbackSupportMixin, RegressorMixin, BaseEstimator):
        """Goes half of the way to the mean, four times."""

        @with_callbacks
        def fit(self, X, y):
            self.mean_ = 0.0
            root = self._init_callback_context(max_subtasks=4)
            for _ in range(4):
                task = root.subcontext(task_name="step").call_on_fit_task_begin(estimator=self)
                self.mean_ += (y.mean() - self.mean_) / 2
                state = {"mean_": self.mean_}
                task.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes=state)
            return self

        def predict(self, X):
            return np.full(len(X), self.mean_)

    X, y = load_diabetes(return_X_y=True)
    model = Halfway().set_callbacks(AzmlCallback(silent=True)).fit(X, y)
    first, *_ = points = found()[0].metric_points("iteration_score")
    assert first.step == 1
    assert first.value == pytest.approx(metrics.r2_score(y, np.full(len(y), y.mean() / 2)))
    assert points[-1].value <= model.score(X, y)


@new
@pytest.mark.parametrize(
    "wrong", [{"run": "run_1"}, {"max_metric_rows": -1}, {"max_metric_rows": True}, {"silent": "yes"}]
)
def test_wrong_arguments_are_refused(wrong):
    """At once: a callback is no estimator."""
    with pytest.raises(OptionError, match=f"AzmlCallback got {next(iter(wrong))}="):
        AzmlCallback(**wrong)
