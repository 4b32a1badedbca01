"""One explicit call: the full account of a model on data of the user's choice."""

import numpy as np
import pytest
import scipy.sparse
from sklearn import metrics
from sklearn.cluster import DBSCAN, AgglomerativeClustering, KMeans
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from azml_integrations import autolog, log_classification, log_regression
from azml_integrations.errors import NameRefusedError, UserErrorException
from azml_sklearn import evaluate

CANCER = train_test_split(*load_breast_cancer(return_X_y=True), random_state=0)
DIABETES = train_test_split(*load_diabetes(return_X_y=True), random_state=0)
IRIS = load_iris(return_X_y=True)


@pytest.fixture
def run(experiment):
    """Give a run of the user's, with autolog off."""
    with experiment.start_logging(outputs=None, snapshot_directory=None) as run:
        yield run


def scalars(run):
    return {name: value for name, value in run.get_metrics().items() if isinstance(value, int | float)}


def images(run):
    return [name for name in run.get_file_names() if name.endswith(".png")]


def test_a_classifier_on_its_test_set(run):
    """The metrics are scikit-learn's, under ``test_``; they come back as they were logged."""
    X, X_test, y, y_test = CANCER
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    found = evaluate(run, model, X_test, y_test)
    predicted, probability = model.predict(X_test), model.predict_proba(X_test)
    assert found == pytest.approx(
        {
            "test_accuracy_score": metrics.accuracy_score(y_test, predicted),
            "test_balanced_accuracy_score": metrics.balanced_accuracy_score(y_test, predicted),
            "test_precision_score": metrics.precision_score(y_test, predicted, average="weighted"),
            "test_recall_score": metrics.recall_score(y_test, predicted, average="weighted"),
            "test_f1_score": metrics.f1_score(y_test, predicted, average="weighted"),
            "test_log_loss": metrics.log_loss(y_test, probability),
            "test_roc_auc_score": metrics.roc_auc_score(y_test, probability[:, 1]),
        }
    )
    assert scalars(run) == found
    assert all(type(value) is float for value in found.values())


def test_its_pictures_and_tables_carry_the_prefix(run):
    """They lie in the folder of the class, beside those of the training."""
    X, X_test, y, y_test = CANCER
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    evaluate(run, model, X_test, y_test, prefix="holdout")
    names = ("roc_curve", "precision_recall_curve", "confusion_matrix", "calibration_curve")
    assert {f"outputs/Pipeline/holdout_{name}.png" for name in names} == set(images(run))
    found = run.get_metrics()
    for name in names:
        assert found[f"holdout_{name}"].endswith(f"outputs/Pipeline/holdout_{name}.png")
        assert isinstance(found[f"holdout_{name}_table"], dict)
    false, true, _ = metrics.roc_curve(y_test, model.predict_proba(X_test)[:, 1])
    assert found["holdout_roc_curve_table"]["false_positive_rate"] == pytest.approx(false)
    assert found["holdout_roc_curve_table"]["true_positive_rate"] == pytest.approx(true)


def test_a_regressor_with_weights(run):
    """Some rows count more, as they do for scikit-learn."""
    X, X_test, y, y_test = DIABETES
    weight = np.linspace(1, 2, len(y_test))
    model = Ridge().fit(X, y)
    found = evaluate(run, model, X_test, y_test, sample_weight=weight.tolist())
    predicted = model.predict(X_test)
    assert found == pytest.approx(
        {
            f"test_{name}": getattr(metrics, name)(y_test, predicted, sample_weight=weight)
            for name in ("mean_squared_error", "root_mean_squared_error", "mean_absolute_error", "r2_score")
        }
    )
    assert images(run) == ["outputs/Ridge/test_residuals.png"]


def test_a_regressor_with_several_targets(run):
    """Each target has its row."""
    X, X_test, y, y_test = DIABETES
    model = Ridge().fit(X, np.column_stack([y, -y]))
    evaluate(run, model, X_test, np.column_stack([y_test, -y_test]))
    table = run.get_metrics()["test_metrics_by_output"]
    assert table["r2_score"] == pytest.approx(
        metrics.r2_score(np.column_stack([y_test, -y_test]), model.predict(X_test), multioutput="raw_values")
    )


def test_a_search_is_its_best_estimator(run):
    """The search answers with what it found."""
    X, X_test, y, y_test = CANCER
    search = GridSearchCV(make_pipeline(StandardScaler(), SVC()), {"svc__C": [0.1, 1.0]}, cv=3).fit(X, y)
    found = evaluate(run, search, X_test, y_test)
    assert found["test_accuracy_score"] == pytest.approx(search.score(X_test, y_test))
    assert "outputs/GridSearchCV/test_roc_curve.png" in run.get_file_names()


def test_clusters_of_new_rows_with_and_without_the_truth(run):
    """Shape always; agreement where it is known what the rows are."""
    X, y = IRIS
    model = KMeans(3, n_init=1, random_state=0).fit(X[::2])
    labels = model.predict(X[1::2])
    shape = evaluate(run, model, X[1::2], prefix="alone")
    both = evaluate(run, model, X[1::2], y[1::2], prefix="known")
    assert shape["alone_silhouette_score"] == pytest.approx(metrics.silhouette_score(X[1::2], labels))
    assert both["known_adjusted_rand_score"] == pytest.approx(metrics.adjusted_rand_score(y[1::2], labels))
    assert {name.removeprefix("alone_") for name in shape} < {name.removeprefix("known_") for name in both}


def test_clusters_that_cannot_be_predicted_are_those_of_the_fit(run):
    """An agglomeration knows its own rows only."""
    X, y = IRIS
    model = AgglomerativeClustering(3).fit(X)
    found = evaluate(run, model, X, y, prefix="own")
    assert found["own_adjusted_rand_score"] == pytest.approx(metrics.adjusted_rand_score(y, model.labels_))
    with pytest.raises(UserErrorException, match="cannot be evaluated: the model has no cluster for each row"):
        evaluate(run, model, X[:50])


def test_outliers_with_the_truth(run):
    """Their pictures are those of finding an outlier."""
    X, X_test, _, y_test = CANCER
    truth = np.where(y_test == 0, -1, 1)
    model = IsolationForest(n_estimators=20, random_state=0).fit(X)
    found = evaluate(run, model, X_test, truth)
    assert found["test_recall_score"] == pytest.approx(metrics.recall_score(truth, model.predict(X_test), pos_label=-1))
    assert "outputs/IsolationForest/test_roc_curve.png" in run.get_file_names()


def test_sparse_rows_stay_sparse(run):
    """A table of half a billion cells, of which a thousand are filled, has no room as a dense one."""
    X = scipy.sparse.csr_matrix((np.ones(1000), (np.arange(1000), np.arange(1000) * 499)), shape=(1000, 500_000))
    y = np.arange(1000) % 2
    model = MultinomialNB().fit(X, y)
    assert evaluate(run, model, X, y)["test_accuracy_score"] == model.score(X, y)


def test_while_autolog_is_on_nothing_is_recorded_twice(runs, experiment):
    """What `evaluate` asks of the model and of scikit-learn's metrics is nobody's prediction and nobody's metric."""
    X, X_test, y, y_test = CANCER
    model = GaussianNB().fit(X, y)
    clusters = KMeans(2, n_init=1, random_state=0).fit(X)
    before = [run.get_metrics() for run in runs()]
    with experiment.start_logging(outputs=None, snapshot_directory=None) as run:
        found = evaluate(run, model, X_test, y_test) | evaluate(run, clusters, X_test, y_test, prefix="clusters")
    assert [other.get_metrics() for other in runs()[:2]] == before
    assert len(runs()) == 3
    assert scalars(run) == found


def test_evaluating_again_is_a_second_point(run):
    """Nothing is replaced: a metric becomes a vector, an image gets the next name."""
    X, y = IRIS
    model = GaussianNB().fit(X, y)
    evaluate(run, model, X, y)
    evaluate(run, model, X[::2], y[::2])
    assert len(run.get_metrics()["test_accuracy_score"]) == 2
    assert "outputs/GaussianNB/test_roc_curve_1.png" in run.get_file_names()


def test_the_users_random_numbers_are_unmoved(run):
    """A dummy draws its answers from numpy's global state, or from a generator of the user's."""
    X, y = IRIS
    own = np.random.RandomState(3)
    for state, strategy in ((None, "stratified"), (own, "uniform")):
        model = DummyClassifier(strategy=strategy, random_state=state).fit(X, y)
        before = np.random.get_state(), own.get_state()  # noqa: NPY002 - this is the state that the model draws from
        evaluate(run, model, X, y, prefix=strategy)
        after = np.random.get_state(), own.get_state()  # noqa: NPY002 - as above
        np.testing.assert_equal(after, before)
        model.predict(X)
        assert [state[2] for state in before] != [np.random.get_state()[2], own.get_state()[2]]  # noqa: NPY002 - as above


def test_the_model_is_left_as_it_was(run):
    """Same attributes after as before."""
    X, y = IRIS
    model = make_pipeline(PCA(2), GaussianNB()).fit(X, y)
    before = {step: dict(vars(part)) for step, part in model.steps}
    evaluate(run, model, X, y)
    assert all(vars(part).keys() == before[step].keys() for step, part in model.steps)


def test_what_is_missing_is_said(run, notes):
    """A number that is not there has its reason in the run."""
    X, y = IRIS
    evaluate(run, SVC().fit(X, y), X, y)
    assert notes(run) == ["not recorded: test_log_loss, test_calibration_curve (the model gives no probabilities)"]


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda run, X, y: evaluate(run, GaussianNB(), X, y), UserErrorException, "GaussianNB that is not fitted"),
        (lambda run, X, y: evaluate(run, GaussianNB().fit(X, y), X), UserErrorException, "got no y for a GaussianNB"),
        (
            lambda run, X, y: evaluate(run, GaussianNB().fit(X, y), X, y[:9]),
            UserErrorException,
            "X of 150 rows and y of 9",
        ),
        (
            lambda run, X, y: evaluate(run, GaussianNB().fit(X, y), X, y, sample_weight=[1.0]),
            UserErrorException,
            "sample_weight of 1;",
        ),
        (lambda run, X, y: evaluate(run, GaussianNB().fit(X, y), X, y, "a/b"), NameRefusedError, "prefix 'a/b'"),
        (lambda run, X, y: evaluate(run, PCA().fit(X), X, y), UserErrorException, "PCA, which cannot be evaluated"),
        (lambda run, X, y: evaluate(run, LocalOutlierFactor().fit(X), X[:9]), UserErrorException, "cannot predict"),
        (lambda run, X, y: evaluate(run, DBSCAN().fit(X), X[:9]), UserErrorException, "no cluster for each row"),
        (lambda run, X, y: evaluate(GaussianNB().fit(X, y), X, y), UserErrorException, "expected a Run, then"),
        (lambda run, X, y: evaluate(run, X, y, None), UserErrorException, "as estimator; expected a fitted one"),
        (
            lambda run, X, y: evaluate(run, GridSearchCV(SVC(), {"C": [1.0]}, refit=False).fit(X, y), X, y),
            UserErrorException,
            "the model cannot predict",
        ),
    ],
)
def test_an_explicit_call_raises_and_says_the_way_out(run, call, error, told):
    """Whoever calls us hears from us; and nothing is logged of a call that failed."""
    with pytest.raises(error, match=told):
        call(run, *IRIS)
    assert run.get_metrics() == {}


def test_the_models_own_errors_are_its_own(run):
    """What predict raises leaves as it came."""
    X, y = IRIS
    with pytest.raises(ValueError, match="X has 3 features, but GaussianNB is expecting 4"):
        evaluate(run, GaussianNB().fit(X, y), X[:, :3], y)


def test_evaluate_works_after_autolog_is_off(run):
    """It needs no switch."""
    autolog(False)
    X, y = IRIS
    assert evaluate(run, GaussianNB().fit(X, y), X, y)["test_accuracy_score"] == 0.96


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_the_call_that_knows_no_framework_has_the_same_numbers(run, weighted):
    """``log_classification`` and ``log_regression`` of the core, for whoever has nothing but arrays."""
    X, y = IRIS
    weight = np.linspace(0.1, 2, len(y)) if weighted else None
    model = GaussianNB().fit(X[:, :2], y)
    found = evaluate(run, model, X[:, :2], y, sample_weight=weight)
    given = y, model.predict_proba(X[:, :2])
    again = log_classification(run, *given, prefix="plain", sample_weight=weight, name="GaussianNB")
    assert list(again.values()) == pytest.approx(list(found.values()))
    assert [name.replace("plain", "test") for name in again] == list(found)
    tables = run.get_metrics()
    assert tables["plain_roc_curve_table"] == tables["test_roc_curve_table"]
    assert {name.replace("plain_", "test_") for name in images(run)} == {
        name for name in images(run) if "/test" in name
    }
    X, X_test, y, y_test = DIABETES
    regressor = Ridge().fit(X, y)
    found = evaluate(run, regressor, X_test, y_test, prefix="ridge")
    assert log_regression(run, y_test, regressor.predict(X_test), prefix="ridge") == pytest.approx(found)
