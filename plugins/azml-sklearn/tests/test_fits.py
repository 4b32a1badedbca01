"""Which fits count, and whose run they stand in."""

import pickle
import subprocess
import sys
import threading

import cloudpickle
import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.cluster import KMeans
from sklearn.cross_decomposition import PLSRegression
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    IsolationForest,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KernelDensity, LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import OneClassSVM
from sklearn.tree import DecisionTreeClassifier

from azml_integrations import autolog, current_run
from azml_integrations.errors import AutologWarning

DIABETES = load_diabetes(return_X_y=True)
CANCER = load_breast_cancer(return_X_y=True)
IRIS = load_iris(return_X_y=True)


def names(found):
    return [run.get_properties().get("estimator", run.name) for run in found]


def test_each_outermost_fit_is_a_run(runs):
    """Without a run of the user's, every training stands for itself."""
    Ridge(alpha=0.03).fit(*DIABETES)
    Ridge(alpha=0.1).fit(*DIABETES)
    assert [run.get_properties()["param.alpha"] for run in runs()] == ["0.03", "0.1"]
    assert {run.get_status() for run in runs()} == {"Completed"}
    assert current_run() is None


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        VotingClassifier([("nb", GaussianNB()), ("tree", DecisionTreeClassifier())], n_jobs=2),
        BaggingClassifier(n_estimators=4, n_jobs=2),
        StackingClassifier([("nb", GaussianNB()), ("tree", DecisionTreeClassifier())], LogisticRegression()),
        GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-8]}, cv=2, n_jobs=2),
        RandomizedSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-8]}, n_iter=2, cv=2),
    ],
    ids=lambda model: type(model).__name__,
)
def test_fits_inside_a_fit_are_part_of_it(runs, model):
    """A voter of five models is one model; a search over ten candidates is one search."""
    model.fit(*CANCER)
    assert names(runs()) == [type(model).__name__]


@pytest.mark.parametrize("backend", ["threading", "loky", "multiprocessing", "sequential"])
def test_workers_of_a_fit_start_no_runs(runs, backend):
    """Threads and processes of scikit-learn's own parallelism inherit that they are inside a fit."""
    with joblib.parallel_backend(backend, n_jobs=2):
        GridSearchCV(LogisticRegression(max_iter=50), {"C": [0.1, 1, 10]}, cv=2).fit(*make_small())
    assert names(runs()) == ["GridSearchCV"]


def make_small():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    return X, (X[:, 0] > 0).astype(int)


def test_workers_that_switch_autolog_on_start_no_runs_either(experiment, tmp_path):
    """A training module with ``autolog()`` on top is imported again by every worker process."""
    (tmp_path / "my_models.py").write_text(
        "import azml_integrations\n"
        "azml_integrations.autolog('sklearn', silent=True, log_images=False)\n"
        "from sklearn.naive_bayes import GaussianNB\n"
        "class MyBayes(GaussianNB):\n"
        "    pass\n"
    )
    (tmp_path / "train.py").write_text(
        "from my_models import MyBayes\n"
        "from sklearn.datasets import load_iris\n"
        "from sklearn.model_selection import GridSearchCV\n"
        "GridSearchCV(MyBayes(), {'var_smoothing': [1e-9, 1e-8, 1e-7]}, n_jobs=2).fit(*load_iris(return_X_y=True))\n"
    )
    subprocess.run([sys.executable, "train.py"], check=True, cwd=tmp_path)
    assert names(experiment.get_runs()) == ["GridSearchCV"]


def test_threads_of_the_user_each_have_their_run(runs):
    """Four trainings at once are four runs, complete ones: no state is shared between them."""
    threads = [threading.Thread(target=Ridge(alpha=alpha).fit, args=DIABETES) for alpha in (0.1, 0.2, 0.3, 0.4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = runs()
    assert sorted(run.get_properties()["param.alpha"] for run in found) == ["0.1", "0.2", "0.3", "0.4"]
    assert all("training_r2_score" in run.get_metrics() for run in found)


@pytest.mark.parametrize(
    "model",
    [KMeans(2, n_init=1), IsolationForest(n_estimators=5), LocalOutlierFactor(), KernelDensity()],
    ids=lambda model: type(model).__name__,
)
def test_what_clusters_or_scores_outliers_counts(runs, model):
    """A training need not predict a target."""
    model.fit(CANCER[0][:100])
    assert names(runs()) == [type(model).__name__]


def test_a_fit_by_another_name_counts_once(runs):
    """``fit_predict`` fits, and ``fit_transform`` of a clusterer too."""
    KMeans(2, n_init=1).fit_predict(IRIS[0])
    KMeans(2, n_init=1).fit_transform(IRIS[0])
    assert names(runs()) == ["KMeans", "KMeans"]


def test_a_transformer_alone_is_no_training(runs):
    """Scaling the data leaves no run behind, also not the forest inside a feature selection."""
    StandardScaler().fit(IRIS[0])
    PCA(2).fit_transform(IRIS[0])
    SelectFromModel(LinearRegression()).fit(*DIABETES)
    assert runs() == []


def test_a_transformer_inside_a_run_is_told(runs, experiment):
    """How the data was prepared belongs to the run; it is numbered, never overwritten."""
    with experiment.start_logging(outputs=None, snapshot_directory=None) as run:
        StandardScaler(with_mean=False).fit(IRIS[0])
        MinMaxScaler().fit_transform(IRIS[0])
        LogisticRegression(max_iter=1000).fit(*IRIS)
    found = run.get_properties()
    assert found["preprocessing.1"] == "StandardScaler(copy=True, with_mean=False, with_std=True)"
    assert found["preprocessing.2"].startswith("MinMaxScaler(clip=False")
    assert found["estimator"] == "LogisticRegression"
    assert len(runs()) == 1


def test_the_first_fit_stands_in_the_users_run_and_later_ones_in_children(runs, experiment):
    """A loop over alphas in one run loses nothing, and never raises."""
    with experiment.start_logging(outputs=None, snapshot_directory=None) as run:
        for alpha in (0.1, 0.5, 1.0):
            Ridge(alpha=alpha).fit(*DIABETES)
        assert run.get_status() == "Running"
    assert run.get_properties()["param.alpha"] == "0.1"
    children = sorted(run.get_children(), key=lambda child: child.number)
    assert [child.get_properties()["param.alpha"] for child in children] == ["0.5", "1.0"]
    assert {child.get_status() for child in children} == {"Completed"}
    assert all("training_mean_squared_error" in child.get_metrics() for child in [run, *children])


def test_switching_on_again_remembers_that_a_run_has_a_fit(runs, experiment):
    """A notebook cell with ``autolog(...)`` between two fits changes nothing about the first."""
    from azml_integrations import autolog

    with experiment.start_logging(outputs=None, snapshot_directory=None) as run:
        Ridge(alpha=0.1).fit(*DIABETES)
        autolog("sklearn", silent=True, log_models=False)
        Ridge(alpha=0.5).fit(*DIABETES)
    assert run.get_properties()["param.alpha"] == "0.1"
    (child,) = run.get_children()
    assert child.get_properties()["param.alpha"] == "0.5"


def test_a_loop_over_partial_fit_is_one_run(runs, notes):
    """Ten batches are one training: one run, a curve of metrics, one model, stored when the loop is over."""
    X, y = load_digits(return_X_y=True)
    model = SGDClassifier(random_state=0)
    for start in range(0, 1000, 100):
        model.partial_fit(X[start : start + 100], y[start : start + 100], classes=np.arange(10))
    (run,) = runs()
    assert "outputs/SGDClassifier/model.pkl" not in run.get_file_names()

    GaussianNB().fit(X, y)  # another training begins

    loop, other = runs()
    assert (loop.id, other.get_properties()["estimator"]) == (run.id, "GaussianNB")
    assert "outputs/SGDClassifier/model.pkl" in loop.get_file_names()
    points = loop.metric_points("training_accuracy_score")
    assert points[0].step == 1
    assert 0 < loop.get_metrics()["fit_time"] < 5
    (note,) = notes(loop)
    assert note.startswith("not recorded, or not in each step: training_log_loss (the model gives no probabilities)")
    assert loop.get_status() == "Completed"


def test_a_loop_that_ends_with_the_program_leaves_its_model(experiment, tmp_path):
    """Nobody says where a loop ends; the end of the program is the latest moment."""
    (tmp_path / "loop.py").write_text(
        "import azml_integrations\n"
        "azml_integrations.autolog('sklearn', silent=True)\n"
        "from sklearn.linear_model import SGDRegressor\n"
        "def train():\n"
        "    model = SGDRegressor(random_state=0)\n"
        "    for number in range(5):\n"
        "        model.partial_fit([[number], [number + 1.0]], [0.0, 1.0])\n"
        "train()\n"
    )
    subprocess.run([sys.executable, "loop.py"], check=True, cwd=tmp_path)
    (run,) = experiment.get_runs()
    assert "outputs/SGDRegressor/model.pkl" in run.get_file_names()
    assert run.get_status() == "Completed"


def test_two_partial_fit_loops_that_take_turns_are_two_runs(runs):
    """Comparing two models batch by batch is two trainings, not twenty."""
    X, y = make_small()
    models = SGDClassifier(alpha=0.1, random_state=0), SGDClassifier(alpha=0.2, random_state=0)
    for start in range(0, 60, 6):
        for model in models:
            model.partial_fit(X[start : start + 6], y[start : start + 6], classes=[0, 1])
    assert [run.get_properties()["param.alpha"] for run in runs()] == ["0.1", "0.2"]


def test_a_fit_that_fails_is_a_failed_run(runs):
    """The user's exception arrives as it left; the run says Failed, with the reason."""
    with pytest.raises(ValueError, match="Input X contains NaN") as caught:
        Ridge().fit([[np.nan]], [1.0])
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    (run,) = runs()
    assert run.get_status() == "Failed"
    assert "NaN" in run.get_details()["error"]["error"]["message"]
    assert current_run() is None


def test_a_fit_that_fails_in_the_users_run_leaves_that_run_to_the_user(runs, experiment):
    """They may catch it and go on."""
    with experiment.start_logging(outputs=None, snapshot_directory=None) as run:
        with pytest.raises(ValueError, match="NaN"):
            Ridge().fit([[np.nan]], [1.0])
        assert run.get_status() == "Running"


def test_parameters_that_scikit_learn_refuses_start_no_run(runs):
    """Nothing was trained, so there is nothing to record."""
    with pytest.raises(ValueError, match="alpha"):
        Ridge(alpha=-1).fit(*DIABETES)
    assert runs() == []


class Labelled(ClassifierMixin, BaseEstimator):
    """A user's classifier that encodes its labels by hand, and fits another model."""

    def fit(self, X, y):
        self.inner_ = DecisionTreeClassifier(random_state=0).fit(X, y)
        self.classes_ = self.inner_.classes_
        return self

    def predict(self, X):
        return self.inner_.predict(X)


def test_a_model_that_encodes_its_labels_is_judged_on_the_users(runs):
    """StackingClassifier hands encoded labels to its base class; the metrics must be about the user's."""
    X, y = CANCER
    words = np.where(y == 1, "benign", "malignant")
    model = StackingClassifier([("nb", GaussianNB())], LogisticRegression(), cv=2).fit(X, words)
    (run,) = runs()
    assert run.get_metrics()["training_accuracy_score"] == model.score(X, words)


def test_an_estimator_of_the_users_own_is_one_training(runs):
    """A fit that scikit-learn does not decorate is seen itself; the training inside it is a part of it."""
    Labelled().fit(*IRIS)
    assert names(runs()) == ["Labelled"]


class Doubling(LinearRegression):
    """A user's subclass that changes its data on the way."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(np.asarray(X) * 2, y, sample_weight)

    def predict(self, X):
        return super().predict(np.asarray(X) * 2)


def test_a_subclass_is_judged_on_what_its_user_gave(runs):
    """The data of the outermost ``fit`` counts, with its weights."""
    X, y = DIABETES
    weights = np.linspace(0.1, 2, len(y))
    model = Doubling().fit(X, y, sample_weight=weights)
    (run,) = runs()
    assert run.get_metrics()["training_r2_score"] == pytest.approx(model.score(X, y, weights))


def test_an_unfitted_model_still_complains(runs):
    """Our descriptors do not get between the user and scikit-learn's errors."""
    Ridge().fit(*DIABETES)
    with pytest.raises(NotFittedError):
        Ridge().predict(DIABETES[0])
    with pytest.raises(AttributeError, match="predict_proba"):
        _ = clone(Ridge()).predict_proba


def test_a_forest_in_threads_is_one_run(runs):
    """A hundred trees are one forest."""
    RandomForestRegressor(20, n_jobs=4).fit(*DIABETES)
    assert names(runs()) == ["RandomForestRegressor"]


class Longer(Ridge):
    """A user's class whose fit goes on when its parent's is over."""

    def __init__(self, alpha=1.0, fails=False):
        super().__init__(alpha=alpha)
        self.fails = fails

    def fit(self, X, y):
        super().fit(X, y)
        if self.fails:
            raise ValueError("too late")
        self.trees_ = DecisionTreeClassifier().fit(X, y > 100)  # a part of it, no training of its own
        return self


def test_a_fit_is_over_when_its_outermost_call_is(runs, tmp_path):
    """What a subclass learns after ``super().fit`` belongs to the model that is stored."""
    model = Longer().fit(*DIABETES)
    (run,) = runs()
    run.download_file("outputs/Longer/model.pkl", str(tmp_path / "model"))
    assert joblib.load(tmp_path / "model").trees_.get_depth() == model.trees_.get_depth()


def test_a_fit_that_fails_after_its_parents_is_a_failed_run(runs):
    """The error is the user's, and it stands in the run."""
    with pytest.raises(ValueError, match="too late"):
        Longer(fails=True).fit(*DIABETES)
    (run,) = runs()
    assert run.get_status() == "Failed"
    assert "ValueError: too late" in run.get_details()["error"]["error"]["message"]


@pytest.mark.parametrize(
    ("model", "y", "late"),
    [
        (MultiOutputClassifier(GaussianNB()), np.c_[CANCER[1], 1 - CANCER[1]], "classes_"),
        (OneClassSVM(), None, "offset_"),
        (PLSRegression(), CANCER[1], "x_scores_"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_attributes_that_come_late_are_in_the_stored_model(runs, tmp_path, model, y, late):
    """Three of scikit-learn's own classes go on after ``super().fit``, too."""
    clone(model).fit(CANCER[0], y)
    (run,) = runs()
    run.download_file(f"outputs/{type(model).__name__}/model.pkl", str(tmp_path / "model"))
    assert hasattr(joblib.load(tmp_path / "model"), late)


def test_a_loop_in_a_users_run_leaves_its_model_when_the_run_ends(runs, experiment):
    """Not at the next fit, when the run is Completed already."""
    model = SGDClassifier(random_state=0)
    with experiment.start_logging(outputs=None, snapshot_directory=None) as run:
        for _ in range(3):
            model.partial_fit(*CANCER, classes=[0, 1])
    assert "outputs/SGDClassifier/model.pkl" in run.get_file_names()
    assert run.get_metrics()["fit_time"] > 0


class Median(RegressorMixin, BaseEstimator):
    """A user's regressor as scikit-learn's guide teaches it: nothing of it is decorated."""

    def __init__(self, times=1.0):
        self.times = times

    def fit(self, X, y, sample_weight=None):
        """Learn the median."""
        if self.times < 0:
            raise ValueError("times is negative")
        self.helper_ = LinearRegression().fit(X, y)  # a part of it
        self.median_ = float(np.median(y)) * self.times
        return self

    def predict(self, X):
        return np.full(len(X), self.median_)


def test_an_estimator_from_elsewhere_is_recorded_as_one_of_scikit_learns(experiment, tmp_path):
    """Whether its class was there before autolog or comes afterwards; parameters, metrics, model."""
    plain = vars(Median)["fit"]
    autolog("sklearn", silent=True, log_images=False)

    class Later(Median):
        def fit(self, X, y):
            return super().fit(X, y)

    model = Median(times=2.0).fit(*DIABETES)
    with pytest.warns(AutologWarning, match="cannot hold this Later"):  # a local class has no pickle
        Later().fit(*DIABETES)
    later, run = experiment.get_runs()
    assert run.get_properties()["param.times"] == "2.0"
    error = np.mean((DIABETES[1] - model.median_) ** 2)
    assert run.get_metrics()["training_mean_squared_error"] == pytest.approx(error)
    run.download_file("outputs/Median/model.pkl", str(tmp_path / "model"))
    assert joblib.load(tmp_path / "model").median_ == model.median_
    assert later.get_properties()["estimator"] == "Later"
    assert mean_absolute_error(DIABETES[1], model.predict(DIABETES[0])) == run.get_metrics()["mean_absolute_error"]
    assert Median.fit is plain
    autolog(False)
    assert vars(Median)["fit"] is plain
    assert "__init_subclass__" not in vars(BaseEstimator)


def test_an_estimator_from_elsewhere_fails_as_it_does_without_us(runs):
    """Its error is its own, with no frame of ours; the run is Failed."""
    with pytest.raises(ValueError, match="times is negative") as caught:
        Median(times=-1.0).fit(*DIABETES)
    assert [entry.name for entry in caught.traceback][1:] == ["fit"]
    assert runs()[0].get_status() == "Failed"


def test_inside_something_observed_an_estimator_from_elsewhere_is_a_part_of_it(runs):
    """In a pipeline, in a search with workers, in an ensemble."""
    make_pipeline(StandardScaler(), Median()).fit(*DIABETES)
    GridSearchCV(Median(), {"times": [1.0, 2.0]}, cv=2, n_jobs=2).fit(*DIABETES)
    BaggingRegressor(Median(), 3).fit(*DIABETES)
    assert names(runs()) == ["Pipeline", "GridSearchCV", "BaggingRegressor"]


def test_a_class_defined_while_we_listen_is_pickled_by_value_without_us(runs):
    """cloudpickle sends classes of a script to workers: they must not need our package."""
    namespace = {"Median": Median, "__name__": "__main__"}
    exec("class Mine(Median):\n    def fit(self, X, y):\n        return super().fit(X, y)", namespace)
    sent = cloudpickle.dumps(namespace["Mine"])
    assert b"azml_sklearn" not in sent
    assert pickle.loads(sent)(times=3.0).get_params() == {"times": 3.0}
