"""The metrics of a model's own training data, beside those that scikit-learn's functions compute."""

import numpy as np
import pytest
import scipy.sparse
from sklearn import metrics
from sklearn.cluster import DBSCAN, AgglomerativeClustering, FeatureAgglomeration, KMeans
from sklearn.covariance import EllipticEnvelope
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import OneClassSVM

from azml_integrations import autolog

DIABETES = load_diabetes(return_X_y=True)
CANCER = load_breast_cancer(return_X_y=True)
IRIS = load_iris(return_X_y=True)


def training(run):
    found = run.get_metrics()
    return {name.removeprefix("training_"): value for name, value in found.items() if name.startswith("training_")}


def shape_of_clusters(X, labels):
    return {
        "silhouette_score": metrics.silhouette_score(X, labels),
        "davies_bouldin_score": metrics.davies_bouldin_score(X, labels),
        "calinski_harabasz_score": metrics.calinski_harabasz_score(X, labels),
    }


def test_balanced_accuracy_does_not_reward_the_majority(runs):
    """Nine of ten right by always saying the same is one half, or a third, when each class counts alike."""
    rows = np.zeros((100, 1))
    DummyClassifier().fit(rows, np.repeat([0, 1], [90, 10]))
    DummyClassifier().fit(rows, np.repeat(["a", "b", "c"], [90, 5, 5]))
    of_two, of_three = map(training, runs())
    assert (of_two["accuracy_score"], of_two["balanced_accuracy_score"]) == (0.9, 0.5)
    assert (of_three["accuracy_score"], of_three["balanced_accuracy_score"]) == (0.9, pytest.approx(1 / 3))


@pytest.mark.parametrize(
    "model",
    [KMeans(3, n_init=1, random_state=0), AgglomerativeClustering(3), GaussianMixture(3, random_state=0)],
    ids=lambda model: type(model).__name__,
)
def test_clusters_are_judged_by_their_shape(runs, model):
    """Compact and far apart: three of scikit-learn's own functions say how much, and the clusters are counted."""
    X, _ = IRIS
    labels = model.fit(X).predict(X) if hasattr(model, "predict") else model.fit(X).labels_
    (run,) = runs()
    found = training(run)
    autolog(False)
    assert found == pytest.approx({"n_clusters": 3} | shape_of_clusters(X, labels))


def test_known_groups_are_compared_with_the_clusters(runs):
    """A y that scikit-learn itself ignores says how well the clusters meet it."""
    X, y = IRIS
    labels = KMeans(3, n_init=1, random_state=0).fit(X, y).labels_
    found = training(runs()[0])
    autolog(False)
    assert found["adjusted_rand_score"] == pytest.approx(metrics.adjusted_rand_score(y, labels))
    assert found["v_measure_score"] == pytest.approx(metrics.v_measure_score(y, labels))


def test_a_pipelines_clusters_are_judged_where_they_were_made(runs):
    """Distances count in the space that the clustering step sees: here each feature has the same weight."""
    X, _ = IRIS
    model = make_pipeline(StandardScaler(), KMeans(3, n_init=1, random_state=0)).fit(X)
    found = training(runs()[0])
    autolog(False)
    assert found == pytest.approx({"n_clusters": 3} | shape_of_clusters(model[0].transform(X), model[-1].labels_))


def test_noise_is_no_cluster(runs):
    """DBSCAN leaves rows out: they are counted apart."""
    X, _ = IRIS
    labels = DBSCAN(eps=0.4).fit(X).labels_
    found = training(runs()[0])
    assert found["n_clusters"] == len(set(labels) - {-1})
    assert found["n_noise"] == (labels == -1).sum() > 0
    assert found["silhouette_score"] == pytest.approx(metrics.silhouette_score(X, labels))


def test_sparse_rows_are_clustered_and_judged_sparse(runs, notes, monkeypatch):
    """Nothing turns them into a dense table, not even two of three metrics; and that is said."""
    X = scipy.sparse.random(300, 40, 0.2, "csr", random_state=0)
    toarray, dense = scipy.sparse.csr_matrix.toarray, []
    monkeypatch.setattr(scipy.sparse.csr_matrix, "toarray", lambda self: (dense.append(self.shape), toarray(self))[1])
    labels = KMeans(3, n_init=1, random_state=0).fit(X).labels_
    (run,) = runs()
    assert training(run)["silhouette_score"] == pytest.approx(metrics.silhouette_score(X, labels))
    assert (1, 40) in dense  # of scikit-learn's own: a row that became a centre
    assert X.shape not in dense
    names = "training_davies_bouldin_score, training_calinski_harabasz_score"
    assert notes(run) == [f"not recorded: {names} (scikit-learn has it for dense data only)"]


def test_a_silhouette_compares_so_many_rows_and_says_so(runs, notes):
    """Each row with each other: five thousand rows are 25 million distances, two thousand are enough."""
    X = np.random.default_rng(0).normal(size=(5000, 2))
    labels = KMeans(4, n_init=1, random_state=0).fit(X).labels_
    (run,) = runs()
    found, some = training(run), np.linspace(0, 4999, 2000).astype(int)
    autolog(False)
    assert found["silhouette_score"] == pytest.approx(metrics.silhouette_score(X[some], labels[some]))
    assert found["davies_bouldin_score"] == pytest.approx(metrics.davies_bouldin_score(X, labels))
    assert notes(run) == ["training_silhouette_score is that of 2,000 of 5,000 rows, evenly chosen"]


SHAPE = "training_silhouette_score, training_davies_bouldin_score, training_calinski_harabasz_score"


@pytest.mark.parametrize(
    ("model", "X", "note"),
    [
        (KMeans(1, n_init=1), IRIS[0], f"{SHAPE} (there is only one cluster)"),
        (KMeans(3, n_init=1), IRIS[0][[0, 60, 120]], f"{SHAPE} (each row is a cluster of its own)"),
        (DBSCAN(metric="precomputed"), 1 - np.eye(9), f"{SHAPE} (the data are distances)"),
        (FeatureAgglomeration(2), IRIS[0], "training metrics (the model has no cluster for each row)"),
    ],
    ids=["one", "each", "distances", "features"],
)
def test_clusters_without_a_shape_have_a_reason(runs, notes, model, X, note):
    """No number, no silence."""
    model.fit(X)
    assert notes(runs()[0]) == [f"not recorded: {note}"]


@pytest.mark.parametrize(
    "model",
    [IsolationForest(n_estimators=20, random_state=0), OneClassSVM(nu=0.1), EllipticEnvelope(random_state=0)],
    ids=lambda model: type(model).__name__,
)
def test_outliers_are_counted(runs, model):
    """How many, which share, how normal the rows are, and the offset at which a row is one."""
    X = IRIS[0]
    made = make_pipeline(StandardScaler(), model).fit(X)
    out, scores = made.predict(X) == -1, made.score_samples(X)
    (run,) = runs()
    assert training(run) == pytest.approx(
        {
            "n_outliers": out.sum(),
            "outlier_share": out.mean(),
            "score_samples_mean": scores.mean(),
            "score_samples_min": scores.min(),
            "score_samples_max": scores.max(),
        }
    )
    assert run.get_metrics()["offset"] == pytest.approx(float(np.ravel(made[-1].offset_)[0]))


def test_a_local_outlier_factor_is_asked_for_what_it_knows(runs):
    """It cannot predict, but says which of its own rows are outliers."""
    X = IRIS[0]
    model = LocalOutlierFactor(contamination=0.1)
    out = model.fit_predict(X) == -1
    found = training(runs()[0])
    assert found["n_outliers"] == out.sum() == 15
    assert found["score_samples_min"] == model.negative_outlier_factor_.min()


def test_known_outliers_are_compared_with_the_found_ones(runs):
    """Precision and recall are those of the outliers, which are what one looks for."""
    X, y = CANCER
    truth = np.where(y == 0, -1, 1)
    model = IsolationForest(n_estimators=20, contamination=0.3, random_state=0).fit(X, truth)
    predicted, scores = model.predict(X), model.score_samples(X)
    found = training(runs()[0])
    autolog(False)
    expected = {
        "accuracy_score": metrics.accuracy_score(truth, predicted),
        "precision_score": metrics.precision_score(truth, predicted, pos_label=-1),
        "recall_score": metrics.recall_score(truth, predicted, pos_label=-1),
        "f1_score": metrics.f1_score(truth, predicted, pos_label=-1),
        "roc_auc_score": metrics.roc_auc_score(truth, scores),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_each_target_of_several_has_its_own_numbers(runs):
    """A mean over targets hides the one that failed."""
    X, y = DIABETES
    both = np.column_stack([y, np.random.default_rng(0).normal(size=len(y))])
    predicted = LinearRegression().fit(X, both).predict(X)
    found = runs()[0].get_metrics()["training_metrics_by_output"]
    autolog(False)
    assert found["output"] == [0, 1]
    for name in ("mean_squared_error", "root_mean_squared_error", "mean_absolute_error", "r2_score"):
        expected = getattr(metrics, name)(both, predicted, multioutput="raw_values")
        assert found[name] == pytest.approx(expected)


def test_what_a_clustering_search_found_is_judged(runs):
    """A search is as good as its best estimator."""
    search = GridSearchCV(KMeans(n_init=1, random_state=0), {"n_clusters": [2, 3]}, cv=3).fit(IRIS[0])
    found = training(runs()[0])
    autolog(False)
    labels = search.best_estimator_.labels_
    assert found["silhouette_score"] == pytest.approx(metrics.silhouette_score(IRIS[0], labels))


def test_the_labels_of_a_classifier_that_says_something_else_are_balanced_too(runs):
    """An answer that is none of the classes is wrong, and nothing more."""
    X, y = IRIS
    model = Shouting(max_iter=1000).fit(X, y.astype(str))
    found = training(runs()[0])
    autolog(False)
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        expected = metrics.balanced_accuracy_score(y.astype(str), model.predict(X))
    assert found["balanced_accuracy_score"] == pytest.approx(expected)


class Shouting(LogisticRegression):
    def predict(self, X):
        said = super().predict(X)
        return np.where(said == "2", "two!", said)


def test_words_are_no_distances(runs, notes):
    """A pipeline may cluster what is no number to us; that costs the metrics of shape only."""
    words = np.array([["a"], ["b"], ["a"], ["b"]])
    lengths = FunctionTransformer(lambda X: [[float(ord(word))] for (word,) in X])
    autolog("sklearn", silent=True, log_models=False)
    make_pipeline(lengths, KMeans(2, n_init=1, random_state=0)).fit(words)
    assert training(runs()[0])["silhouette_score"] == 1
    assert notes(runs()[0]) == []
