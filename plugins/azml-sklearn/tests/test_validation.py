"""Cross-validation is one run, never k; a curve has a child for each of its points."""

import numpy as np
import pytest
from sklearn import metrics
from sklearn.datasets import load_diabetes
from sklearn.ensemble import BaggingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)

DIABETES = load_diabetes(return_X_y=True)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_cross_val_score_is_one_run_with_the_score_of_each_fold(runs, n_jobs):
    """The folds are points, their mean and deviation beside them; the estimator's parameters are there."""
    scores = cross_val_score(Ridge(alpha=0.03), *DIABETES, cv=4, n_jobs=n_jobs)
    (run,) = runs()
    assert run.get_properties()["param.alpha"] == "0.03"
    points = sorted(run.metric_points("test_score"), key=lambda point: point.step)  # two workers come as they come
    assert [point.value for point in points] == scores.tolist()
    found = run.get_metrics()
    assert found["mean_test_score"] == pytest.approx(scores.mean())
    assert found["std_test_score"] == pytest.approx(scores.std())
    assert run.get_status() == "Completed"


def test_cross_validate_records_every_scorer(runs):
    """Several scorers, and the training scores when they were asked for."""
    result = cross_validate(
        Ridge(), *DIABETES, cv=3, scoring=["r2", "neg_mean_absolute_error"], return_train_score=True
    )
    (run,) = runs()
    found = run.get_metrics()
    for name in ("test_r2", "train_r2", "test_neg_mean_absolute_error", "fit_time"):
        assert found[name] == result[name].tolist()


def test_metrics_of_cross_validated_predictions_belong_to_them(runs):
    """The prediction is the cross-validation's."""
    predicted = cross_val_predict(Ridge(), *DIABETES, cv=3)
    Ridge().fit(*DIABETES)
    error = metrics.mean_squared_error(DIABETES[1], predicted)
    assert runs()[0].get_metrics() == {"mean_squared_error": error}


def test_in_a_users_run_it_counts_as_a_fit(runs, experiment):
    """First a cross-validation, then the final fit: the run, and a child of it."""
    with experiment.start_logging(outputs=None, snapshot_directory=None) as run:
        cross_val_score(Ridge(alpha=0.1), *DIABETES, cv=3)
        Ridge(alpha=0.5).fit(*DIABETES)
    assert run.get_properties()["validation"] == "cross_val_score"
    (child,) = run.get_children()
    assert child.get_properties()["param.alpha"] == "0.5"


def test_curves_and_permutations_are_one_run_each(runs):
    """Hundreds of fits, three runs; the points of a curve are children."""
    sizes, _, of_test = learning_curve(Ridge(), *DIABETES, cv=3, train_sizes=[50, 100])
    validation_curve(Ridge(), *DIABETES, param_name="alpha", param_range=[0.1, 1.0], cv=3)
    score, _, pvalue = permutation_test_score(Ridge(), *DIABETES, cv=3, n_permutations=3)
    learned, validated, permuted = runs()
    points = learned.metric_points("mean_test_score")
    assert [point.step for point in points] == sizes.tolist()
    assert [point.value for point in points] == pytest.approx(of_test.mean(axis=1))
    assert len(validated.get_metrics()["mean_test_score"]) == 2
    assert permuted.get_metrics() == {"score": score, "pvalue": pvalue}


def test_a_cross_validation_that_fails_is_a_failed_run(runs):
    """As with a fit."""
    with pytest.raises(ValueError, match="NaN"):
        cross_val_score(Ridge(), np.full((10, 1), np.nan), np.arange(10.0), error_score="raise")
    assert runs()[0].get_status() == "Failed"


def test_a_validation_curve_over_estimators_or_arrays_has_their_texts(runs, notes):
    """Values that are no numbers stand in the table as what they look like, and their points are complete."""
    X, y = DIABETES
    arrays = [np.array([1.0, 2.0]), np.array([3.0, 4.0])]
    validation_curve(Ridge(), X, np.column_stack([y, y]), param_name="alpha", param_range=arrays, cv=3)
    models = [Ridge(), Ridge(alpha=2.0), None]
    validation_curve(BaggingRegressor(n_estimators=2), X, y, param_name="estimator", param_range=models, cv=3)
    of_arrays, of_models = runs()
    assert of_arrays.get_metrics()["validation_curve"]["alpha"] == ["array([1., 2.])", "array([3., 4.])"]
    assert of_models.get_metrics()["validation_curve"]["estimator"] == ["Ridge()", "Ridge(alpha=2.0)", None]
    for run in (of_arrays, of_models):
        assert notes(run) == []
        assert {child.get_status() for child in run.get_children()} == {"Completed"}
