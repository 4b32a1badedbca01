"""Metrics that the user computes after training: recorded, and in the right run."""

import inspect
import pickle
import threading

import numpy as np
import pytest
from sklearn import metrics
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import mean_squared_error as imported_before
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from azml_integrations import autolog

X, X_TEST, Y, Y_TEST = train_test_split(*load_diabetes(return_X_y=True), random_state=0)
CANCER = load_breast_cancer(return_X_y=True)


def logged(run):
    """Metrics that the user computed."""
    ours = ("training_", "best_", "cv_results", "fits", "fit_time", "inertia", "n_iter")
    return {name: value for name, value in run.get_metrics().items() if not name.startswith(ours)}


def test_the_error_on_the_test_set(runs):
    """The one number that everybody prints."""
    model = Ridge(alpha=0.03).fit(X, Y)
    error = metrics.mean_squared_error(Y_TEST, model.predict(X_TEST))
    assert logged(runs()[0]) == {"mean_squared_error": error}


def test_names_imported_before_are_heard_too(runs):
    """``from sklearn.metrics import ...`` above ``autolog()`` is how most scripts look."""
    model = Ridge().fit(X, Y)
    error = imported_before(Y_TEST, model.predict(X_TEST))
    assert logged(runs()[0]) == {"mean_squared_error": error}


def test_a_second_set_of_data_gets_a_second_name(runs):
    """Training and test error do not end up in one curve."""
    model = Ridge().fit(X, Y)
    first = metrics.mean_squared_error(Y, model.predict(X))
    second = metrics.mean_squared_error(Y_TEST, model.predict(X_TEST))
    assert logged(runs()[0]) == {"mean_squared_error": first, "mean_squared_error_2": second}


def test_the_same_data_again_is_a_curve(runs):
    """A test error after each round belongs under one name, also when the data was loaded again."""
    model = Ridge().fit(X, Y)
    first = metrics.mean_squared_error(Y_TEST, model.predict(X_TEST))
    second = metrics.mean_squared_error(Y_TEST.copy(), model.predict(X_TEST) + 1)
    assert logged(runs()[0]) == {"mean_squared_error": [first, second]}


def test_other_settings_are_another_metric_and_say_which(runs):
    """Macro and weighted F1 are not two points of one curve."""
    model = DecisionTreeClassifier(max_depth=2).fit(*CANCER)
    predicted = model.predict(CANCER[0])
    macro = metrics.f1_score(CANCER[1], predicted, average="macro")
    weighted = metrics.f1_score(CANCER[1], predicted, average="weighted")
    (run,) = runs()
    assert logged(run) == {"f1_score": macro, "f1_score_2": weighted}
    assert told(run)["f1_score_2"] == "average='weighted'"


def test_two_models_each_get_their_own(runs):
    """Not the last fitted model, but the one that made the prediction."""
    one, two = Ridge(alpha=0.1).fit(X, Y), Ridge(alpha=10).fit(X, Y)
    of_one, of_two = one.predict(X_TEST), two.predict(X_TEST)
    first, second = metrics.r2_score(Y_TEST, of_one), metrics.r2_score(Y_TEST, of_two)
    assert [logged(run) for run in runs()] == [{"r2_score": first}, {"r2_score": second}]


def test_the_order_of_the_arguments_does_not_matter(runs):
    """Many people write (predicted, true)."""
    one, two = Ridge(alpha=0.1).fit(X, Y), Ridge(alpha=10).fit(X, Y)
    metrics.mean_absolute_error(one.predict(X_TEST), Y_TEST)
    metrics.mean_absolute_error(two.predict(X_TEST), Y_TEST)
    assert [list(logged(run)) for run in runs()] == [["mean_absolute_error"], ["mean_absolute_error"]]


def test_a_view_of_a_prediction_is_that_prediction(runs):
    """``predict_proba(X)[:, 1]`` is how an AUC is computed."""
    one = make_pipeline(StandardScaler(), LogisticRegression(C=0.1)).fit(*CANCER)
    make_pipeline(StandardScaler(), LogisticRegression(C=10)).fit(*CANCER)
    area = metrics.roc_auc_score(CANCER[1], one.predict_proba(CANCER[0])[:, 1])
    assert [logged(run) for run in runs()] == [{"roc_auc_score": area}, {}]


def test_a_prediction_nobody_knows_belongs_to_the_last_fit(runs):
    """A list made of it, a copy, the answer of a loaded model: the best guess is the latest one."""
    Ridge(alpha=0.1).fit(X, Y)
    model = Ridge(alpha=10).fit(X, Y)
    metrics.max_error(Y_TEST, pickle.loads(pickle.dumps(model)).predict(X_TEST).tolist())
    assert [list(logged(run)) for run in runs()] == [[], ["max_error"]]


def test_a_run_of_the_users_own_is_asked_before_an_older_fit(runs, experiment):
    """Judging a loaded model inside ``with run:`` is about that run."""
    model = pickle.loads(pickle.dumps(Ridge().fit(X, Y)))
    with experiment.start_logging(outputs=None, snapshot_directory=None) as run:
        error = metrics.mean_squared_error(Y_TEST, model.predict(X_TEST))
    assert logged(run) == {"mean_squared_error": error}


def test_a_child_fit_keeps_its_metrics(runs, experiment):
    """The loop over alphas: each error in its own run, so that alpha can be drawn against it."""
    errors = []
    with experiment.start_logging(outputs=None, snapshot_directory=None) as run:
        for alpha in (0.1, 1.0, 10.0):
            model = Ridge(alpha=alpha).fit(X, Y)
            errors.append(metrics.mean_squared_error(Y_TEST, model.predict(X_TEST)))
    children = sorted(run.get_children(), key=lambda child: child.number)
    assert [logged(each) for each in [run, *children]] == [{"mean_squared_error": error} for error in errors]


def test_a_metric_without_any_fit_is_nobodys(runs):
    """Comparing two columns makes no run."""
    metrics.mean_squared_error([1.0, 2.0], [1.0, 3.0])
    assert runs() == []


def test_another_threads_fit_is_not_mine(runs):
    """The last fit is that of this context."""
    thread = threading.Thread(target=Ridge().fit, args=(X, Y))
    thread.start()
    thread.join()
    metrics.mean_squared_error([1.0, 2.0], [1.0, 3.0])
    assert logged(runs()[0]) == {}


def test_scikit_learns_own_calls_are_not_recorded(runs):
    """Searches, scorers, importances by permutation, and metrics inside metrics."""
    model = GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, scoring="r2", cv=2).fit(X, Y)
    cross_val_score(Ridge().fit(X, Y), X, Y, cv=2)
    permutation_importance(model, X_TEST, Y_TEST, n_repeats=2)
    metrics.get_scorer("neg_mean_squared_error")(model, X_TEST, Y_TEST)
    assert [logged(run) for run in runs()[:2]] == [{}, {}]
    metrics.root_mean_squared_error(Y_TEST, model.predict(X_TEST))
    assert list(logged(runs()[0])) == ["root_mean_squared_error"]


def told(run):
    return {summary.name: summary.description for summary in run.metric_summaries() if summary.description}


def test_the_score_of_a_model_is_recorded_in_its_run(runs):
    """``model.score`` is the first thing many people ask; it says what it is, and which data is another one."""
    one, two = Ridge(alpha=0.1).fit(X, Y), LogisticRegression(max_iter=9000).fit(*CANCER)
    scores = one.score(X, Y), one.score(X_TEST, Y_TEST), one.score(X_TEST, Y_TEST, np.arange(1.0, 1 + len(Y_TEST)))
    share = two.score(*CANCER)
    of_one, of_two = runs()
    assert logged(of_one) == dict(zip(("score", "score_2", "score_3"), scores, strict=True))
    assert (told(of_one)["score"], told(of_one)["score_2"]) == ("R²", "R²")
    assert told(of_one)["score_3"].startswith("R², sample_weight=array#")
    assert logged(of_two) == {"score": share}
    assert told(of_two) == {"score": "accuracy"}


class Scored(Ridge):
    """A user's regressor with a score of its own."""

    def score(self, X, y):
        """Half of what it was."""
        metrics.mean_squared_error(y, self.predict(X))
        return super().score(X, y) / 2


@pytest.mark.parametrize(
    ("make", "meaning"),
    [
        (lambda: make_pipeline(StandardScaler(), Ridge()), "R²"),
        (lambda: GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2), "R²"),
        (
            lambda: GridSearchCV(Ridge(), {"alpha": [0.1]}, cv=2, scoring="neg_mean_absolute_error"),
            "neg_mean_absolute_error",
        ),
        (
            lambda: GridSearchCV(Ridge(), {"alpha": [0.1]}, cv=2, scoring=["r2", "neg_mean_squared_error"], refit="r2"),
            "r2",
        ),
        (lambda: KMeans(2, n_init=1), "Opposite of the value of X on the K-means objective."),
        (Scored, "Half of what it was."),
    ],
    ids=["pipeline", "search", "search by a scorer", "search by several", "clusters", "the user's own"],
)
def test_a_score_is_told_in_the_words_of_whoever_gives_it(runs, make, meaning):
    """One metric, however many scores are computed inside."""
    Ridge().fit(X, Y)  # the score of the parent class is covered, too
    model = make().fit(X, Y)
    value = model.score(X_TEST, Y_TEST)
    assert [logged(run) for run in runs()] == [{}, {"score": value}]
    assert told(runs()[1])["score"] == meaning


def test_a_score_of_a_model_that_nobody_recorded_is_nobodys(runs):
    """A copy of a recorded model is not the recorded one."""
    model = Ridge().fit(X, Y)
    assert pickle.loads(pickle.dumps(model)).score(X, Y) == model.score(X, Y)
    assert isinstance(logged(runs()[0])["score"], float)


def test_trouble_with_a_score_is_not_the_users(runs, monkeypatch, notes):
    """The number comes back whatever happens to us; its own errors come as they are."""
    from azml_integrations.errors import AutologWarning

    model = Ridge().fit(X, Y)
    with pytest.raises(ValueError, match="inconsistent numbers"):
        model.score(X, Y_TEST)
    monkeypatch.setattr("azml_sklearn.predictions.record_score", lambda *_: 1 / 0)
    with pytest.warns(AutologWarning, match="division") as caught:
        assert model.score(X, Y) > 0
    assert caught[0].filename == __file__
    assert logged(runs()[0]) == {}
    assert any("division" in note for note in notes(runs()[0]))


def test_one_number_per_class_is_a_list_and_a_matrix_is_none(runs):
    """What is no number, or a few of them, is no metric."""
    model = DecisionTreeClassifier(max_depth=2).fit(*CANCER)
    predicted = model.predict(CANCER[0])
    per_class = metrics.f1_score(CANCER[1], predicted, average=None)
    metrics.confusion_matrix(CANCER[1], predicted)
    metrics.classification_report(CANCER[1], predicted)
    metrics.roc_curve(CANCER[1], predicted)
    metrics.euclidean_distances(CANCER[0][:2])
    assert logged(runs()[0]) == {"f1_score": per_class.tolist()}


def test_a_metric_that_raises_is_the_users_to_see(runs):
    """Our ears change nothing about its errors."""
    model = Ridge().fit(X, Y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples") as caught:
        metrics.mean_squared_error(Y, model.predict(X_TEST))
    assert caught.value.__context__ is None
    assert logged(runs()[0]) == {}


def test_trouble_with_recording_is_not_the_metrics(runs, monkeypatch):
    """The number comes back whatever happens to us."""
    from azml_integrations.errors import AutologWarning

    model = Ridge().fit(X, Y)
    predicted = model.predict(X_TEST)
    monkeypatch.setattr("azml_sklearn.evaluation.record", lambda *_: 1 / 0)
    with pytest.warns(AutologWarning, match="division") as caught:
        assert metrics.mean_squared_error(Y_TEST, predicted) > 0
    assert caught[0].filename == __file__


def test_metric_functions_stay_what_they_are(runs):
    """Scorers pickle (elsewhere they do not), signatures and identities are untouched."""
    scorer = metrics.make_scorer(metrics.mean_squared_error)
    assert pickle.loads(pickle.dumps(scorer))._score_func is metrics.mean_squared_error
    assert metrics.mean_squared_error is imported_before
    assert list(inspect.signature(metrics.mean_squared_error).parameters)[:2] == ["y_true", "y_pred"]


def test_predicting_methods_stay_what_they_are(runs):
    """Seen from the class they are the very same functions; instances pickle, clone and explain themselves."""
    before = inspect.unwrap(Ridge.predict), inspect.signature(Ridge().predict), inspect.signature(Ridge().score)
    model = Ridge().fit(X, Y)
    assert (Ridge.predict, inspect.signature(model.predict), inspect.signature(model.score)) == before
    assert Ridge.score.__qualname__ == "RegressorMixin.score"
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model.score))(X, Y), model.score(X, Y))
    assert model.predict.__self__ is model
    assert model.predict.__name__ == "predict"
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model.predict))(X), model.predict(X))
    assert clone(model).get_params() == model.get_params()


def test_a_class_made_in_a_notebook_travels_to_workers(runs):
    """A class of ``__main__`` is pickled by value, with its methods: none of ours may go along."""
    autolog("sklearn", silent=True, log_models=False, log_images=False)
    cloudpickle = pytest.importorskip("cloudpickle")

    class Mine(Ridge):
        def predict(self, X):
            return super().predict(X) + 1

    Mine.__module__ = "__main__"
    model = Mine().fit(X, Y)
    content = cloudpickle.dumps(model)
    assert b"azml_" not in content
    np.testing.assert_array_equal(pickle.loads(content).predict(X), model.predict(X))
    error = metrics.mean_squared_error(Y_TEST, model.predict(X_TEST))
    assert logged(runs()[0]) == {"mean_squared_error": error}


def test_predictions_are_not_kept_alive(runs):
    """Knowing who made an array must not keep the array."""
    import gc
    import weakref

    model = Ridge().fit(X, Y)
    result = model.predict(X)
    reference = weakref.ref(result)
    del result
    gc.collect()
    assert reference() is None
    estimator = weakref.ref(model)
    del model
    gc.collect()
    assert estimator() is None


def test_a_metric_of_each_class_is_another_than_that_of_all(runs):
    """``average=None`` is a setting: f1_score is one number, f1_score_2 a list; the user hears nothing."""
    model = LogisticRegression(max_iter=5000).fit(*CANCER)
    predicted = model.predict(CANCER[0])
    of_all = metrics.f1_score(CANCER[1], predicted)
    of_each = metrics.f1_score(CANCER[1], predicted, average=None, sample_weight=None)
    found = logged(runs()[0])
    assert found["f1_score"] == of_all
    assert found["f1_score_2"] == of_each.tolist()
