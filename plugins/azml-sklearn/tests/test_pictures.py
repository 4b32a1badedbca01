"""What is drawn and tabled of a fit, beside the numbers of scikit-learn's own functions."""

import sys

import numpy as np
import pytest
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC

from azml_integrations import autolog
from azml_integrations.errors import AutologWarning
from azml_integrations.pictures import (
    Judged,
    confusion_matrix,
    letters,
    paint,
    precision_recall_curve,
    residuals,
    roc_curve,
)
from azml_integrations.pictures import calibration_curve as calibration
from azml_sklearn.pictures import course_of_fit, feature_importances
from azml_sklearn.pictures.evidence import Evidence

DIABETES = load_diabetes(return_X_y=True)
CANCER = load_breast_cancer(return_X_y=True)
DIGITS = load_digits(return_X_y=True)
IRIS = load_iris(return_X_y=True)


@pytest.fixture
def pictured(runs):
    """Autolog with pictures, without models; the result is what a fit logged, and then autolog is off."""
    autolog("sklearn", silent=True, log_models=False)

    def look():
        found = runs()[-1].get_metrics()
        autolog(False)
        return found

    return look


def judged_by_forest(data, weight=None):
    """Return a forest's answers, coarse enough that several rows share a probability."""
    X, y = data
    model = RandomForestClassifier(5, max_depth=3, random_state=0).fit(X, y)
    probability = model.predict_proba(X)
    return Judged(len(y), len(y), y, model.predict(X), weight, True, model.classes_, probability)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_roc_curves_go_through_scikit_learns_points(weighted):
    """Of two classes one curve, of three one each against the others: the very same corners, and the area."""
    for data in (CANCER, IRIS):
        weight = np.linspace(0.5, 1.5, len(data[1])) if weighted else None
        judged = judged_by_forest(data, weight)
        curves = roc_curve.facts(judged)
        assert [curve.label for curve in curves] == ([1] if len(judged.classes) == 2 else [0, 1, 2])
        for curve in curves:
            right, ranked = judged.y == curve.label, judged.probability[:, curve.label]
            false, true, threshold = metrics.roc_curve(right, ranked, sample_weight=weight)
            np.testing.assert_allclose(curve.false, false)
            np.testing.assert_allclose(curve.true, true)
            np.testing.assert_allclose(curve.threshold, threshold)
            assert curve.area == pytest.approx(metrics.roc_auc_score(right, ranked, sample_weight=weight))


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_precision_recall_curves_go_through_scikit_learns_points(weighted):
    """From the highest threshold on, which is scikit-learn's order backwards; average precision in the legend."""
    for data in (CANCER, IRIS):
        weight = np.linspace(0.5, 1.5, len(data[1])) if weighted else None
        judged = judged_by_forest(data, weight)
        curves = precision_recall_curve.facts(judged)
        for curve in curves:
            right, ranked = judged.y == curve.label, judged.probability[:, curve.label]
            precision, recall, threshold = metrics.precision_recall_curve(right, ranked, sample_weight=weight)
            np.testing.assert_allclose(curve.precision, precision[::-1])
            np.testing.assert_allclose(curve.recall, recall[::-1])
            np.testing.assert_allclose(curve.threshold[1:], threshold[::-1])
            average = metrics.average_precision_score(right, ranked, sample_weight=weight)
            assert curve.average == pytest.approx(average)
            (drawn,) = precision_recall_curve.page([curve], "").rows[0]
            assert drawn.marks[-1].label == f"{curve.label} (AP = {average:.3f})"
            steps = drawn.marks[-1]
            assert np.sum(np.diff(steps.x) * steps.y[1:]) == pytest.approx(average)  # the area that one sees


def test_calibration_is_scikit_learns(pictured):
    """Bins of equal width, with the rows that each has; of three classes, three curves."""
    X, y = IRIS
    model = GaussianNB().fit(X, y)
    table = pictured()["calibration_curve_table"]
    probability = model.predict_proba(X)
    for label in range(3):
        came, said = calibration_curve(y == label, probability[:, label], n_bins=10)
        mine = [place for place, each in enumerate(table["class"]) if each == str(label)]
        assert [table["fraction_of_positives"][place] for place in mine] == pytest.approx(came)
        assert [table["mean_predicted_probability"][place] for place in mine] == pytest.approx(said)
        assert sum(table["rows"][place] for place in mine) == 150


def test_calibration_of_many_classes_is_that_of_the_likeliest(pictured):
    """Ten curves on one page say nothing; how sure the model is of its answer, and how often it is right, does."""
    X, y = DIGITS
    model = GaussianNB().fit(X, y)
    table = pictured()["calibration_curve_table"]
    probability = model.predict_proba(X)
    came, said = calibration_curve(model.predict(X) == y, probability.max(axis=1), n_bins=10)
    assert table.keys() == {"mean_predicted_probability", "fraction_of_positives", "rows"}
    assert table["fraction_of_positives"] == pytest.approx(came)
    assert table["mean_predicted_probability"] == pytest.approx(said)


def test_weights_count_in_calibration_too():
    """Two rows in a bin, of which the right one counts three times."""
    judged = Judged(
        2,
        2,
        np.array([0, 1]),
        np.array([1, 1]),
        np.array([1.0, 3.0]),
        classifies=True,
        classes=np.array([0, 1]),
        probability=np.array([[0.38, 0.62], [0.34, 0.66]]),
    )
    (curve,) = calibration.facts(judged)
    assert curve.came.tolist() == [0.75]
    assert curve.said.tolist() == [pytest.approx((0.62 + 3 * 0.66) / 4)]
    assert curve.rows.tolist() == [2]


def test_the_confusion_matrix_is_drawn_and_tabled(pictured):
    """Dark is a large share of the true class; the table has the cells that are not empty."""
    X, y = IRIS
    model = GaussianNB().fit(X, y)
    table = pictured()["confusion_matrix_table"]
    expected = metrics.confusion_matrix(y, model.predict(X))
    assert dict(zip(zip(table["true"], table["predicted"], strict=True), table["count"], strict=True)) == {
        (str(row), str(column)): expected[row, column] for row, column in np.argwhere(expected)
    }
    ((panel,),) = confusion_matrix.page(confusion_matrix.Matrix(model.classes_, expected), "").rows
    assert panel.marks[0].texts == [[str(count) for count in row] for row in expected.tolist()]
    np.testing.assert_allclose(panel.marks[0].shade, metrics.confusion_matrix(y, model.predict(X), normalize="true"))


def test_residuals_are_true_minus_predicted(pictured):
    """Two panels: what was true, and how far off it was, against what the model says."""
    X, y = DIABETES
    predicted = Ridge().fit(X, y).predict(X)
    table = pictured()["residuals_table"]
    rows = table["row"]
    assert len(rows) == 250  # of 442, evenly
    assert (rows[0], rows[-1]) == (0, 441)
    np.testing.assert_allclose(table["true"], y[rows])
    np.testing.assert_allclose(table["predicted"], predicted[rows])
    np.testing.assert_allclose(table["residual"], (y - predicted)[rows])
    outputs = residuals.facts(Judged(442, 442, y, predicted, None))
    ((actual, wrong),) = residuals.page(outputs, "").rows
    np.testing.assert_allclose(actual.marks[0].y, y)
    np.testing.assert_allclose(wrong.marks[0].y, y - predicted)
    np.testing.assert_allclose(wrong.marks[0].x, predicted)


def test_several_targets_have_a_row_of_panels_each(pictured):
    """The first four; the title says when there are more, and the table which target a row is of."""
    X, y = DIABETES
    many = np.column_stack([y * factor for factor in range(1, 7)])
    predicted = LinearRegression().fit(X, many).predict(X)
    table = pictured()["residuals_table"]
    assert set(table["output"]) == {0, 1, 2, 3}
    third = [place for place, output in enumerate(table["output"]) if output == 2]
    rows = [table["row"][place] for place in third]
    assert [table["residual"][place] for place in third] == pytest.approx((many - predicted)[rows, 2])
    outputs = residuals.facts(Judged(442, 442, many, predicted, None))
    drawn = residuals.page(outputs, "Residuals")
    assert (len(drawn.rows), drawn.title) == (4, "Residuals, the first 4 of 6 targets")


def test_many_rows_are_thinned_evenly_for_drawing():
    """A hundred thousand dots are one blot, and slow."""
    y = np.arange(100_000.0)
    (output,) = residuals.facts(Judged(len(y), len(y), y, y, None))
    assert len(output.rows) == 2000
    assert set(np.diff(output.rows)) <= {50, 51}


def test_a_table_has_so_many_rows_of_each_curve(pictured):
    """One curve 250, several share 600: a chart shows no more, and the journal stays small."""
    X, y = np.random.default_rng(0).normal(size=(5000, 3)), np.arange(5000) % 2
    GaussianNB().fit(X, y)
    table = pictured()["roc_curve_table"]
    assert len(table["threshold"]) == 250
    assert (table["false_positive_rate"][0], table["true_positive_rate"][-1]) == (0, 1)
    autolog("sklearn", silent=True, log_models=False)
    GaussianNB().fit(X, np.arange(5000) % 10)
    found = pictured()
    assert len(found["precision_recall_curve_table"]["class"]) == 600


def test_a_rare_class_keeps_each_of_its_steps():
    """Forty frauds among five thousand rows: of evenly chosen rows, most steps of the curve would be lost."""
    rng = np.random.default_rng(0)
    y = np.arange(5000) < 40
    probability = np.clip(rng.normal(0.3, 0.1, 5000) + y * 0.3, 0, 1)
    answers = np.column_stack([1 - probability, probability])
    judged = Judged(5000, 5000, y, probability > 0.5, None, True, np.array([False, True]), answers)
    (curve,) = precision_recall_curve.facts(judged)
    precision, recall, _ = metrics.precision_recall_curve(y, probability)
    assert set(zip(curve.recall, curve.precision, strict=True)) <= set(zip(recall, precision, strict=True))
    assert set(curve.recall) == set(recall)
    ((drawn,),) = precision_recall_curve.page([curve], "").rows
    steps = drawn.marks[-1]
    assert np.sum(np.diff(steps.x) * steps.y[1:]) == pytest.approx(metrics.average_precision_score(y, probability))


def test_a_decision_function_is_drawn_as_well(pictured):
    """Curves need an order of the rows, no probabilities; calibration needs them, and says so."""
    X, y = CANCER
    model = make_pipeline(StandardScaler(), LinearSVC()).fit(X, y)
    found = pictured()
    false, true, _ = metrics.roc_curve(y, model.decision_function(X))
    assert found["roc_curve_table"]["false_positive_rate"] == pytest.approx(false)
    assert found["roc_curve_table"]["true_positive_rate"] == pytest.approx(true)
    assert "calibration_curve" not in found


def test_outliers_that_are_known_have_curves_of_the_outliers(pictured):
    """-1 is what one looks for: the curve is the one of finding it."""
    X, y = CANCER
    truth = np.where(y == 0, -1, 1)
    model = IsolationForest(n_estimators=20, random_state=0).fit(X, truth)
    table = pictured()["roc_curve_table"]
    false, true, _ = metrics.roc_curve(truth == -1, -model.score_samples(X))
    assert (table["false_positive_rate"], table["true_positive_rate"]) == (pytest.approx(false), pytest.approx(true))


def mixed_table(rows=400):
    """Return a table with words and numbers, 63 columns once encoded, and a target that hangs on one of them."""
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    town = np.array([f"town {number}" for number in range(60)])[np.arange(rows) % 60]
    X = pd.DataFrame({"town": town, "price $": rng.normal(size=rows), "größe": rng.normal(size=rows), "z": 0.0})
    return X, (X["price $"] > 0).astype(int)


def test_features_have_their_names_through_a_pipeline(pictured):
    """What the encoder made of a column is called as the encoder calls it; the weightiest comes first."""
    X, y = mixed_table()
    columns = make_column_transformer((OneHotEncoder(), ["town"]), remainder=StandardScaler())
    model = make_pipeline(columns, LogisticRegression()).fit(X, y)
    table = pictured()["feature_importances_table"]
    assert len(table["feature"]) == 63
    assert table["feature"][0] == "remainder__price $"
    expected = dict(zip(model[0].get_feature_names_out(), model[-1].coef_[0], strict=True))
    assert dict(zip(table["feature"], table["importance"], strict=True)) == pytest.approx(expected)
    ((panel,),) = feature_importances.page(feature_importances.facts(Evidence(model)), "").rows
    assert len(panel.marks[0].values) == 20


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (RandomForestClassifier(5, random_state=0), lambda model: model.feature_importances_),
        (LogisticRegression(max_iter=1000), lambda model: np.abs(model.coef_).mean(axis=0)),
        (
            GridSearchCV(make_pipeline(StandardScaler(), LinearSVC()), {"linearsvc__C": [0.1, 1.0]}, cv=2),
            lambda model: np.abs(model.best_estimator_[-1].coef_).mean(axis=0),
        ),
        (SVC(kernel="linear"), lambda model: np.abs(model.coef_).mean(axis=0)),
    ],
    ids=["importances", "coefficients of three classes", "search", "pairs of classes"],
)
def test_importances_are_the_models_own(pictured, model, expected):
    """Of a coefficient for each class, the mean size; names from the data frame, or scikit-learn's x0, x1."""
    X = load_iris(as_frame=True)
    model.fit(X.data, X.target)
    table = pictured()["feature_importances_table"]
    told = dict(zip(table["feature"], table["importance"], strict=True))
    assert told == pytest.approx(dict(zip(X.data.columns, expected(model), strict=True)))
    assert np.all(np.diff(np.abs(table["importance"])) <= 0)


def test_a_forest_is_asked_once_for_its_importances(monkeypatch):
    """Each time it sums them up over all of its trees, two milliseconds for twenty of them."""
    asked = []
    told = RandomForestClassifier.feature_importances_
    counting = property(lambda model: asked.append(model) or told.__get__(model))
    model = RandomForestClassifier(5, random_state=0).fit(*IRIS)
    monkeypatch.setattr(RandomForestClassifier, "feature_importances_", counting, raising=False)
    assert len(feature_importances.facts(Evidence(model)).values) == 4
    assert asked == [model]


def test_a_regressors_coefficients_keep_their_signs(pictured):
    """Less is not more: negative ones have another colour."""
    X, y = DIABETES
    model = Ridge().fit(X, y)
    table = pictured()["feature_importances_table"]
    assert dict(zip(table["feature"], table["importance"], strict=True)) == pytest.approx(
        {f"x{place}": value for place, value in enumerate(model.coef_)}
    )
    ((panel,),) = feature_importances.page(feature_importances.facts(Evidence(model)), "").rows
    more, less = panel.marks
    assert more.color != less.color
    np.testing.assert_allclose(more.values + less.values, table["importance"])


def test_a_kernel_has_no_coefficients(pictured):
    """Nothing to draw is no trouble."""
    SVC().fit(*IRIS)
    assert "feature_importances" not in pictured()


def test_the_course_of_an_iterative_fit_is_drawn(runs):
    """Loss and validation score, in the words of the attributes; they begin at the round that they begin at."""
    autolog("sklearn", silent=True, log_models=False)
    X, y = IRIS
    mlp = MLPClassifier((4,), early_stopping=True, max_iter=15, random_state=0, n_iter_no_change=50, tol=0.0)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        mlp.fit(X, y)
    trees = GradientBoostingRegressor(n_estimators=12, subsample=0.5, random_state=0).fit(*DIABETES)
    bins = HistGradientBoostingClassifier(max_iter=8, early_stopping=True, random_state=0).fit(X, y)
    Ridge().fit(*DIABETES)
    of_mlp, of_trees, of_bins, of_ridge = [run.get_metrics() for run in runs()]
    assert of_mlp["course_of_fit_table"] == {
        "round": list(range(1, 16)),
        "loss_curve": pytest.approx(mlp.loss_curve_),
        "validation_scores": pytest.approx(mlp.validation_scores_),
    }
    assert of_trees["course_of_fit_table"]["train_score"] == pytest.approx(trees.train_score_)
    assert of_trees["course_of_fit_table"]["oob_scores"] == pytest.approx(trees.oob_scores_)
    assert of_bins["course_of_fit_table"]["round"][0] == 0
    assert of_bins["course_of_fit_table"]["validation_score"] == pytest.approx(bins.validation_score_)
    assert "course_of_fit" not in of_ridge
    units = [panel.up.label for (panel,) in course_of_fit.page(course_of_fit.facts(Evidence(mlp)), "").rows]
    assert units == ["Loss", "Score"]


def test_no_table_without_pictures(runs):
    """``log_images=False`` is for those who want the numbers of a fit in two milliseconds."""
    LogisticRegression(max_iter=3000).fit(*IRIS)
    assert not any(name.endswith("_table") for name in runs()[0].get_metrics())


def test_a_picture_that_fails_costs_only_itself(runs, monkeypatch):
    """The other ones are drawn, and one warning says which is missing."""
    autolog("sklearn", silent=True, log_models=False)
    monkeypatch.setattr(roc_curve, "page", lambda *_: 1 / 0)
    with pytest.warns(AutologWarning, match="division by zero"):
        LogisticRegression(max_iter=3000).fit(*IRIS)
    found = runs()[0].get_metrics()
    assert "roc_curve" not in found
    assert "confusion_matrix" in found


def test_importances_that_raise_are_the_models_trouble(pictured):
    """An estimator of the user's own that has no names for its features keeps its numbers."""
    X, y = mixed_table()

    class Nameless(StandardScaler):
        def get_feature_names_out(self, names=None):
            raise RuntimeError("no names")

    make_pipeline(Nameless(), Ridge()).fit(X[["price $", "größe"]].to_numpy(), y)
    assert sorted(pictured()["feature_importances_table"]["feature"]) == ["x0", "x1"]


# -- the page ---------------------------------------------------------------------------------------


def gallery():
    """Return pages of each kind with the longest words."""
    y = np.arange(45) % 15
    labels = np.array([f"{number} {'long' * 6} $x^2$ é中" for number in range(15)])
    judged = Judged(45, 45, labels[y], labels[y], None, True, np.sort(labels), probability=np.eye(15)[y])
    of_classes = judged
    numbers = np.arange(45.0) * 1e7 + 0.25
    of_numbers = Judged(45, 45, numbers, numbers[::-1], None)
    title = f"Picture of {'AClassNameWithoutEnd' * 8}, 45 rows of something else"
    for kind in (roc_curve, precision_recall_curve, confusion_matrix, calibration):
        yield kind.page(kind.facts(of_classes), title)
    yield residuals.page(residuals.facts(of_numbers), title)
    importances = feature_importances.Importances(list(labels), np.linspace(-1, 1, 15), "Coefficient", 15)
    yield feature_importances.page(importances, title)
    yield course_of_fit.page([course_of_fit.Course("loss_curve" * 3, "Loss", numbers)], title)


@pytest.mark.parametrize("number", range(7))
def test_nothing_that_is_drawn_is_cut_off(number, tmp_path):
    """The outermost pixels of every kind of page are white, and it is a PNG to matplotlib."""
    from matplotlib.image import imread

    file = tmp_path / "page.png"
    file.write_bytes(paint.png(list(gallery())[number]))
    pixels = imread(file)
    assert pixels.min() < 0.5
    for edge in (pixels[:3], pixels[-3:], pixels[:, :3], pixels[:, -3:]):
        assert edge.min() == 1


def test_pictures_touch_nothing_global(runs):
    """No pyplot, no figure of the user's, no setting of matplotlib."""
    import matplotlib as mpl

    before, had_pyplot = dict(mpl.rcParams), "matplotlib.pyplot" in sys.modules
    autolog("sklearn", silent=True)
    LogisticRegression(max_iter=3000).fit(*IRIS)
    Ridge().fit(*DIABETES)
    assert dict(mpl.rcParams) == before
    assert ("matplotlib.pyplot" in sys.modules) == had_pyplot
    if had_pyplot:
        assert sys.modules["matplotlib.pyplot"].get_fignums() == []


def test_a_picture_looks_the_same_whatever_the_users_settings_are(runs):
    """Another font, another colour of figures: our pages are ours."""
    import matplotlib as mpl

    drawn = next(gallery())
    before = paint.png(drawn)
    with mpl.rc_context({"font.family": "DejaVu Serif", "lines.linewidth": 9, "figure.dpi": 30, "path.simplify": True}):
        letters._glyph.cache_clear()
        assert paint.png(drawn) == before
