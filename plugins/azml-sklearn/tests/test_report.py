"""What a run says about one fit."""

import hashlib
import io
import json
import pickle
import sys
import time
from typing import ClassVar

import joblib
import numpy as np
import pytest
import scipy.sparse
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context, clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_multilabel_classification
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import Lars, LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from sklearn.svm import SVC, LinearSVC

from azml_integrations import autolog
from azml_integrations.errors import AutologWarning
from azml_sklearn import parameters, training

DIABETES = load_diabetes(return_X_y=True)
CANCER = load_breast_cancer(return_X_y=True)
IRIS = load_iris(return_X_y=True)


def file(run, name, tmp_path):
    run.download_file(name, str(tmp_path / "downloaded"))
    return (tmp_path / "downloaded").read_bytes()


def test_the_main_job(runs):
    """Ridge on diabetes: alpha, the errors on the training data, the model as a pickle."""
    X, y = DIABETES
    model = Ridge(alpha=0.03).fit(X, y)
    (run,) = runs()
    found = run.get_properties()
    assert (found["estimator"], found["param.alpha"], found["param.solver"]) == ("Ridge", "0.03", "auto")
    assert found["estimator.class"] == "sklearn.linear_model._ridge.Ridge"
    found, predicted = run.get_metrics(), model.predict(X)
    assert 0 < found.pop("fit_time") < 1
    assert found == {
        "training_mean_squared_error": metrics.mean_squared_error(y, predicted),
        "training_root_mean_squared_error": metrics.root_mean_squared_error(y, predicted),
        "training_mean_absolute_error": metrics.mean_absolute_error(y, predicted),
        "training_r2_score": metrics.r2_score(y, predicted),
    }
    assert run.get_file_names() == [f"outputs/Ridge/{name}" for name in ("model.json", "model.pkl", "signature.json")]


@pytest.mark.parametrize("data", [CANCER, IRIS], ids=["binary", "multiclass"])
def test_a_classifier_is_judged_by_scikit_learns_own_numbers(runs, data):
    """Each metric is what its function of the same name says, sample weights included."""
    X, y = data
    weights = np.linspace(0.5, 1.5, len(y))
    model = RandomForestClassifier(5, max_depth=2, random_state=0).fit(X, y, weights)
    (run,) = runs()
    found = run.get_metrics()  # before we compute ours, which are recorded too
    del found["fit_time"]
    predicted, probability = model.predict(X), model.predict_proba(X)
    weighted = {"average": "weighted", "sample_weight": weights}
    ranked = (y, probability[:, 1]) if len(model.classes_) == 2 else (y, probability)
    expected = {
        "training_accuracy_score": metrics.accuracy_score(y, predicted, sample_weight=weights),
        "training_balanced_accuracy_score": metrics.balanced_accuracy_score(y, predicted, sample_weight=weights),
        "training_precision_score": metrics.precision_score(y, predicted, **weighted),
        "training_recall_score": metrics.recall_score(y, predicted, **weighted),
        "training_f1_score": metrics.f1_score(y, predicted, **weighted),
        "training_log_loss": metrics.log_loss(y, probability, sample_weight=weights),
        "training_roc_auc_score": metrics.roc_auc_score(*ranked, multi_class="ovr", **weighted),
    }
    assert found == pytest.approx(expected)


def test_a_multi_output_regressor_is_judged_too(runs):
    """Two targets at once: the metrics are the means over them, as scikit-learn has it."""
    X, y = DIABETES
    both = np.column_stack([y, y * 2])
    model = Ridge().fit(X, both)
    expected = metrics.root_mean_squared_error(both, model.predict(X))
    assert runs()[0].get_metrics()["training_root_mean_squared_error"] == pytest.approx(expected)


def as_frame(X, y):
    pd = pytest.importorskip("pandas")
    return pd.DataFrame(X, columns=[f"c{number}" for number in range(X.shape[1])]), pd.Series(y, name="y")


@pytest.mark.parametrize(
    "give",
    [
        as_frame,
        lambda X, y: (X.tolist(), y.tolist()),
        lambda X, y: (scipy.sparse.csr_matrix(X), y),
        lambda X, y: (X, np.array(["ill", "well"])[y]),
    ],
    ids=["pandas", "lists", "sparse", "words"],
)
def test_data_in_any_shape_is_judged(runs, give):
    """What scikit-learn takes, the metrics take."""
    X, y = give(*CANCER)
    model = make_pipeline(StandardScaler(with_mean=False), LogisticRegression(max_iter=1000)).fit(X, y)
    found = runs()[0].get_metrics()
    assert found["training_accuracy_score"] == pytest.approx(model.score(X, y))
    assert found["training_roc_auc_score"] > 0.9


def test_several_labels_at_once_are_judged_as_far_as_there_are_metrics(runs, notes):
    """A multi-label classifier has an accuracy, but no single ROC; one sentence says so."""
    X, y = make_multilabel_classification(random_state=0)
    KNeighborsClassifier().fit(X, y)
    assert "training_f1_score" in runs()[0].get_metrics()
    assert "training_roc_auc_score" not in runs()[0].get_metrics()
    names = "training_balanced_accuracy_score, training_log_loss, training_roc_auc_score"
    assert notes(runs()[0]) == [f"not recorded: {names} (there are several targets)"]


@pytest.mark.parametrize(
    "model",
    [SVC(), GridSearchCV(SVC(), {"C": [0.1, 1.0]}, cv=3), RidgeClassifier()],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.parametrize("data", [CANCER, IRIS], ids=["binary", "one-vs-rest"])
def test_a_decision_function_is_enough_for_the_area_but_not_for_the_loss(runs, notes, model, data):
    """What ranks the rows gives an ROC AUC; where probabilities are wanted, a note says so."""
    X, y = data
    made = clone(model).fit(X, y)
    scores = made.decision_function(X)
    columns = scores[:, None] if scores.ndim == 1 else scores.T
    (run,) = runs()
    found = run.get_metrics()
    autolog(False)
    if scores.ndim == 1:
        expected = metrics.roc_auc_score(y, scores)
    else:
        areas = [
            metrics.roc_auc_score(y == label, column) for label, column in zip(made.classes_, columns, strict=True)
        ]
        expected = np.average(areas, weights=np.bincount(y))
    assert found["training_roc_auc_score"] == pytest.approx(expected)
    assert "training_log_loss" not in found
    assert notes(run) == ["not recorded: training_log_loss (the model gives no probabilities)"]


class Sure(ClassifierMixin, BaseEstimator):
    """A user's classifier that only predicts."""

    _parameter_constraints: ClassVar = {}

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


@pytest.mark.parametrize(
    ("model", "data", "reason"),
    [
        (
            Sure(),
            IRIS,
            "roc_auc_score, roc_curve, precision_recall_curve (the model gives neither probabilities nor a decision",
        ),
        (
            SVC(decision_function_shape="ovo"),
            IRIS,
            "roc_auc_score, roc_curve, precision_recall_curve (the decision function compares pairs",
        ),
        (make_pipeline(StandardScaler(), SVC(decision_function_shape="ovo")), IRIS, "compares pairs of classes"),
        (GaussianNB(), (IRIS[0], IRIS[1] * 0), "(there is only one class)"),
        (GaussianNB(), (np.arange(202.0)[:, None], np.arange(202) // 2), "(101 classes are more than 100)"),
        (GaussianNB(), (np.arange(202.0)[:, None], np.arange(202) // 2), "confusion_matrix (101 classes are too many"),
        (GridSearchCV(SVC(), {"C": [1]}, refit=False), IRIS, "training metrics (the model cannot predict)"),
        (DummyRegressor(), ([[0]], [1.0]), "training_r2_score (one row has no variance)"),
    ],
)
def test_what_is_not_recorded_is_said_in_one_sentence(runs, notes, model, data, reason):
    """A number that is missing without a word looks like a bug; each reason stands once, in one note per fit."""
    autolog("sklearn", silent=True)
    clone(model).fit(*data)
    (note,) = notes(runs()[0])
    assert note.startswith("not recorded: ")
    assert reason in note


def test_a_regressor_that_is_judged_in_full_has_no_note(runs, notes):
    """Silence means that nothing is missing."""
    Ridge().fit(*DIABETES)
    assert notes(runs()[0]) == []


def test_the_time_of_a_fit_is_that_of_the_fit(runs, monkeypatch):
    """What we do before and after it is not the user's time."""
    slow = parameters.as_text
    monkeypatch.setattr(parameters, "as_text", lambda value: time.sleep(0.05) or slow(value))
    monkeypatch.setattr("azml_sklearn.report.ask", lambda *_: time.sleep(0.3))
    Ridge().fit(*DIABETES)
    assert 0 < runs()[0].get_metrics()["fit_time"] < 0.2  # eight parameters took 0.4 s


def test_what_an_estimator_counts_is_a_metric_in_its_own_words(runs):
    """Inertia of clusters, iterations of whatever iterates: one number, no table, no None."""
    clusters = make_pipeline(StandardScaler(), KMeans(3, n_init=1, random_state=0)).fit(IRIS[0])
    LogisticRegression(max_iter=7).set_params(solver="saga", tol=100.0).fit(*CANCER)
    Ridge().fit(*DIABETES)
    Lars(n_nonzero_coefs=2).fit(DIABETES[0], np.column_stack([DIABETES[1], DIABETES[1] * 2]))
    of_clusters, of_lines, plain, several = [run.get_metrics() for run in runs()]
    assert of_clusters["inertia"] == clusters[-1].inertia_
    assert of_clusters["n_iter"] == clusters[-1].n_iter_
    assert of_lines["n_iter"] == 1
    assert not {"inertia", "n_iter"} & {*plain, *several}


def test_a_metric_that_cannot_be_computed_costs_only_itself(runs, notes):
    """Targets that are both multi-class and multi-output: one note, no warning; parameters and model are there."""
    X, y = IRIS
    MultiOutputClassifier(RandomForestClassifier(3)).fit(X, np.column_stack([y, (y + 1) % 3]))
    (run,) = runs()
    assert "outputs/MultiOutputClassifier/model.pkl" in run.get_file_names()
    why = "scikit-learn has no metrics for targets both multi-class and multi-output"
    assert notes(run) == [f"not recorded: training metrics ({why})"]
    assert run.get_status() == "Completed"


def test_a_large_training_set_is_judged_on_an_even_sample_and_says_so(runs, notes):
    """The cap is an option; the rows are the same every time."""
    autolog("sklearn", silent=True, max_metric_rows=100)
    X, y = DIABETES
    model = Ridge().fit(X, y)
    (run,) = runs()
    rows = np.linspace(0, len(y) - 1, 100).astype(int)
    expected = metrics.mean_squared_error(y[rows], model.predict(X[rows]))
    assert run.get_metrics()["training_mean_squared_error"] == pytest.approx(expected)
    assert any("100 of 442 rows" in note for note in notes(run))


def test_training_metrics_can_be_left_out(runs):
    """``max_metric_rows=0``: no extra predict at all."""
    autolog("sklearn", silent=True, max_metric_rows=0, log_images=False)
    Ridge().fit(*DIABETES)
    assert runs()[0].get_metrics().keys() == {"fit_time"}


def test_a_senseless_option_is_refused(experiment):
    """A negative number of rows means nothing; one warning, and scikit-learn works."""
    with pytest.warns(AutologWarning, match="max_metric_rows is a number of at least 0"):
        autolog("sklearn", max_metric_rows=-1)


class Rude:
    def __repr__(self):
        raise RuntimeError("no words")


def test_a_parameter_without_words_costs_only_itself(runs, notes):
    """A ``repr`` that raises must not mark a training as failed."""
    model = FunctionTransformer(abs, kw_args={"rude": Rude()})
    made = make_pipeline(StandardScaler(), Ridge())
    made.steps[0] = ("words", model)
    autolog("sklearn", silent=True, log_models=False)
    with pytest.raises(TypeError):  # the user's own: abs takes no such argument
        made.fit(*DIABETES)
    (run,) = runs()
    found = run.get_properties()
    assert found["param.ridge__alpha"] == "1.0"
    assert found["param.words__func"] == "builtins.abs"
    assert "param.words__kw_args" not in found
    assert any("words__kw_args is not recorded" in note for note in notes(run))


def test_long_values_are_kept(runs):
    """Five hundred characters lose all data elsewhere."""
    DummyClassifier(constant="x" * 5000, strategy="constant").fit([[0], [1]], ["x" * 5000, "b"])
    assert runs()[0].get_properties()["param.constant"] == "x" * 5000


def test_addresses_do_not_make_two_runs_differ(runs):
    """A function's name is its value, not where it lay in memory."""
    make_pipeline(FunctionTransformer(np.log1p), Ridge()).fit(abs(DIABETES[0]), DIABETES[1])
    assert not any(" at 0x" in value for key, value in runs()[0].get_properties().items() if key.startswith("param."))


def test_the_model_comes_back(runs, tmp_path):
    """The pickle is the fitted model, and its JSON says what one must know before loading it."""
    X, y = CANCER
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    (run,) = runs()
    content = file(run, "outputs/Pipeline/model.pkl", tmp_path)
    for loaded in (pickle.loads(content), joblib.load(io.BytesIO(content))):
        np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    facts = json.loads(file(run, "outputs/Pipeline/model.json", tmp_path))
    assert (facts["class"], facts["module"]) == ("Pipeline", "sklearn.pipeline")
    assert (facts["sha256"], facts["size"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert facts["versions"]["python"] == sys.version.split()[0]
    assert facts["versions"].keys() == {"python", "scikit-learn", "numpy", "scipy", "joblib"}
    assert "trust" in facts["load"]


def test_a_model_beyond_the_cap_is_left_out_and_said_so(runs, notes):
    """A forest of gigabytes does not fill the disk silently."""
    autolog("sklearn", silent=True, max_model_bytes=1000, log_images=False)
    RandomForestClassifier(50).fit(*IRIS)
    (run,) = runs()
    assert run.get_file_names() == ["outputs/RandomForestClassifier/signature.json"]
    assert any("larger than" in note and "max_model_bytes" in note for note in notes(run))
    assert "training_accuracy_score" in run.get_metrics()


def test_a_model_that_cannot_be_pickled_costs_only_the_pickle(runs, notes):
    """A lambda in a pipeline is no reason to lose its metrics."""
    with pytest.warns(AutologWarning, match="lambda"):
        make_pipeline(FunctionTransformer(lambda X: X), Ridge()).fit(*DIABETES)
    (run,) = runs()
    assert "training_r2_score" in run.get_metrics()
    assert any("lambda" in note for note in notes(run))


def test_models_can_be_left_out(runs):
    """``log_models=False`` writes no file."""
    autolog("sklearn", silent=True, log_models=False, log_images=False)
    Ridge().fit(*DIABETES)
    assert runs()[0].get_file_names() == []


def test_the_users_files_are_never_taken(runs, experiment, tmp_path):
    """A user's ``outputs/Ridge/model.pkl`` stays; ours goes beside it."""
    with experiment.start_logging(outputs=None, snapshot_directory=None) as run:
        run.upload_file("outputs/Ridge/model.pkl", io.BytesIO(b"mine"))
        Ridge().fit(*DIABETES)
    assert file(run, "outputs/Ridge/model.pkl", tmp_path) == b"mine"
    assert "outputs/Ridge_2/model.pkl" in run.get_file_names()


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (LogisticRegression(max_iter=3000), CANCER),
        (LogisticRegression(max_iter=3000), IRIS),
        (LinearSVC(), CANCER),
        (LinearSVC(), IRIS),
    ],
    ids=["binary", "one-vs-rest", "binary by decision", "one-vs-rest by decision"],
)
def test_a_classifier_gets_its_pictures(runs, tmp_path, model, data):
    """They lie beside the model, and get_metrics knows them."""
    autolog("sklearn", silent=True)
    X, y = data
    make_pipeline(StandardScaler(), model).fit(X, y)
    (run,) = runs()
    for name in ("roc_curve", "precision_recall_curve", "confusion_matrix", "feature_importances"):
        assert run.get_metrics()[name].endswith(f"outputs/Pipeline/{name}.png")
        assert file(run, f"outputs/Pipeline/{name}.png", tmp_path).startswith(b"\x89PNG")


def test_where_there_is_nothing_to_draw_the_run_says_why(runs, notes):
    """Pairs of classes have no curve for a single one."""
    autolog("sklearn", silent=True)
    SVC(decision_function_shape="ovo").fit(np.tile(np.arange(8.0), 5)[:, None], np.tile([0, 1, 2, 3, 0, 1, 2, 3], 5))
    (run,) = runs()
    assert any("one-vs-one" in note for note in notes(run))
    assert "confusion_matrix" in run.get_metrics()


def test_no_matplotlib_is_no_trouble(runs, notes, monkeypatch):
    """The numbers are worth more than the pictures."""
    autolog("sklearn", silent=True)
    monkeypatch.setattr("azml_integrations.pictures.album.find_spec", lambda _: None)
    LogisticRegression(max_iter=3000).fit(*IRIS)
    (run,) = runs()
    assert any("matplotlib is not installed" in note for note in notes(run))
    assert "training_accuracy_score" in run.get_metrics()


def test_a_search_says_what_it_found(runs):
    """The best parameters and their score stand in the run."""
    search = GridSearchCV(Ridge(), {"alpha": [0.01, 0.1, 1.0]}, cv=3).fit(*DIABETES)
    (run,) = runs()
    assert run.get_properties()["best.alpha"] == str(search.best_params_["alpha"])
    assert run.get_metrics()["best_score"] == search.best_score_


def test_one_line_says_what_was_logged_and_where(experiment, capfd):
    """Unless silent; on stderr, so that a program's output stays its own."""
    autolog("sklearn", log_images=False)
    Ridge().fit(*DIABETES)
    (run,) = experiment.get_runs()
    out, err = capfd.readouterr()
    said = "8 parameters, 4 training metrics, model.pkl in outputs/Ridge"
    line = f"azml: Ridge: {said}; see it with: azml run show {run.id}\n"
    assert out == ""
    assert err.endswith(line)
    autolog("sklearn", silent=True, log_images=False)
    Ridge().fit(*DIABETES)
    assert capfd.readouterr() == ("", "")


def test_labels_given_sparse_are_judged_as_dense_ones_are(runs, notes, monkeypatch):
    """Of a y too large to be made dense fewer rows are judged, and the run says so."""
    X, y = make_multilabel_classification(random_state=0)
    y[:, 0] |= ~y.any(axis=1)  # a row without any label would make the answers dense
    model = OneVsRestClassifier(GaussianNB())
    model.fit(X, y)
    model.fit(X, scipy.sparse.csr_array(y))
    monkeypatch.setattr(training, "MOST_LABELS", 50 * y.shape[1])
    model.fit(X, scipy.sparse.coo_matrix(y))
    dense, sparse, thin = runs()
    assert scipy.sparse.issparse(model.predict(X))
    for name in ("accuracy_score", "precision_score", "recall_score", "f1_score"):
        assert sparse.get_metrics()[f"training_{name}"] == dense.get_metrics()[f"training_{name}"]
    assert notes(sparse) == notes(dense)
    assert "50 of 100 rows" in notes(thin)[0]


def test_rows_are_taken_of_every_sparse_format(runs, notes):
    """COO has no rows to take; the metrics are those of the same data as CSR."""
    autolog("sklearn", silent=True, log_images=False, max_metric_rows=50)
    for of_format in (scipy.sparse.csr_matrix, scipy.sparse.coo_matrix, scipy.sparse.bsr_array):
        Ridge(solver="lsqr").fit(of_format(DIABETES[0]), DIABETES[1])
    expected, *others = [run.get_metrics()["training_r2_score"] for run in runs()]
    assert others == pytest.approx([expected, expected])
    assert all(len(notes(run)) == 1 for run in runs())


def test_data_that_can_be_read_once_is_not_read_again(runs, notes):
    """A generator of texts is gone after the fit: a note, no warning."""
    texts = ["good wine", "bad wine", "good beer"]
    make_pipeline(CountVectorizer(), MultinomialNB()).fit((text for text in texts), [1, 0, 1])
    assert notes(runs()[0]) == ["not recorded: training metrics (a generator can be read only once)"]


@pytest.mark.parametrize("model", [SelfTrainingClassifier(LogisticRegression(max_iter=500)), LabelSpreading()])
def test_a_row_without_a_label_is_no_mistake(runs, notes, model):
    """A semi-supervised model takes -1 for an unknown label; it is judged on the labels that are known."""
    X, y = IRIS
    known = np.arange(len(y)) % 3 == 0
    model.fit(X, np.where(known, y, -1))
    found = runs()[0].get_metrics()
    assert found["training_accuracy_score"] == model.score(X[known], y[known]) > 0.9
    assert found["training_roc_auc_score"] > 0.9
    assert notes(runs()[0]) == []
