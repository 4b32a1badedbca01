"""The fits of one run as a table: alpha against the error, without anybody writing it down."""

import pytest

from azml_integrations.core.fit_table import FitTable, number
from azml_integrations.errors import StoreError
from azml_integrations.hookspecs import hookimpl
from azml_integrations.plugins import plugins


def fitted(run, estimator="Ridge", *, metrics=(), **params):
    """What an adapter writes about one fit."""
    run.add_properties({"estimator": estimator, **{f"param.{name}": text for name, text in params.items()}})
    run.log_metrics(dict(metrics))


@pytest.fixture
def child(run):
    def begin(*about, **params):
        with run.child_run() as fit:
            fitted(fit, *about, **params)
        return fit

    return begin


def test_a_loop_over_alphas_is_a_table(run, child):
    """Rows are the run itself and its children; columns are what differs, and every metric."""
    fitted(run, alpha="0.01", solver="auto", metrics={"mean_squared_error": 3063.9})
    others = [
        child(alpha="1e-05", solver="auto", metrics={"mean_squared_error": 3070.0}),
        child(alpha="10", solver="auto"),
    ]

    table = run.fits()

    assert table == FitTable(
        run_ids=(run.id, others[0].id, others[1].id),
        numbers=(1, 2, 3),
        estimators=("Ridge", "Ridge", "Ridge"),
        parameters={"alpha": [0.01, 1e-05, 10]},
        metrics={"mean_squared_error": [3063.9, 3070.0, None]},
    )
    assert table.rows[1] == {"run_id": others[0].id, "alpha": 1e-05, "mean_squared_error": 3070.0}


def test_a_run_without_fits_is_an_empty_table(run):
    """Children that are no fits are no rows."""
    run.log("loss", 1.0)
    run.child_run().complete()
    assert (len(run.fits()), run.fits().columns, run.fits().rows) == (0, {"run_id": []}, [])


def test_a_parent_without_a_fit_of_its_own_is_no_row(run, child):
    """A run that only holds others together tells nothing about alpha."""
    run.log("mean_squared_error", 1.0)
    children = [child(alpha=alpha).id for alpha in ("1", "2")]
    assert run.fits().run_ids == tuple(children)


def test_unlike_estimators_stand_side_by_side(run, child):
    """The class is a column where it differs; what a class does not have is None."""
    fitted(run, "Ridge", alpha="0.1")
    child("Ridge", alpha="0.2")
    child("SVR", kernel="rbf")
    assert run.fits().columns == {
        "run_id": list(run.fits().run_ids),
        "estimator": ["Ridge", "Ridge", "SVR"],
        "alpha": [0.1, 0.2, None],
    }


def test_only_single_values_are_columns(run, child):
    """A pipeline's steps change with every alpha inside, and say nothing that alpha does not say."""
    for alpha in ("0.1", "0.2"):
        child(
            "Pipeline",
            steps=f"[('ridge', Ridge(alpha={alpha}))]",
            ridge=f"Ridge(alpha={alpha})",
            ridge__alpha=alpha,
            ridge__solver="auto",
            weights=f"array([{alpha}, 1])",
            note=alpha * 40,
            ngrams=f"(1, {alpha})",
        )
    assert run.fits().parameters == {"ridge__alpha": [0.1, 0.2], "ngrams": ["(1, 0.1)", "(1, 0.2)"]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("3", 3), ("-3", -3), ("0.1", 0.1), ("1e-05", 1e-05), (".5", 0.5), ("inf", float("inf"))),
        *(("True", True), ("False", False), ("None", None), (None, None)),
        *(("auto", "auto"), ("1_000", "1_000"), ("0x10", "0x10"), ("٣", "٣"), ("", ""), ("infinity", "infinity")),
    ],
)
def test_a_number_is_a_number(text, value):
    """Whatever draws or compares needs numbers; a word that looks a little like one stays a word."""
    assert number(text) == value
    assert type(number(text)) is type(value)


def test_the_users_metrics_come_first(run, child):
    """What was computed on other data says more than what was computed on the training data."""
    fitted(run, alpha="1", metrics={"fit_time": 0.1, "training_r2_score": 0.5, "rare": 1.0})
    child(alpha="2", metrics={"fit_time": 0.1, "training_r2_score": 0.6, "r2_score": 0.4})
    child(alpha="3", metrics={"r2_score": 0.3})
    assert list(run.fits().metrics) == ["r2_score", "rare", "training_r2_score", "fit_time"]


def test_what_the_loop_logs_is_not_the_first_fits(run, child):
    """The last value that the parent holds belongs to the last alpha; epochs before the second fit are its own."""
    fitted(run, alpha="1")
    for epoch in range(3):
        run.log("training_loss", 1.0 / (epoch + 1), step=epoch)
    run.log("mse", 10.0)
    child(alpha="2", metrics={"training_loss": 0.2, "r2_score": 0.5})
    run.log("mse", 20.0)
    run.log("r2_score", 0.4)
    run.log("best_mse", 10.0)

    assert run.fits().metrics == {"r2_score": [0.4, 0.5], "training_loss": [1.0 / 3, 0.2]}


def test_lists_and_pictures_are_no_columns(run, child):
    """A table of fits holds one value a cell."""
    fitted(run, alpha="1")
    run.log_list("folds", [1, 2])
    child(alpha="2", metrics={"mse": float("nan"), "verdict": "good"})
    metrics = run.fits().metrics
    assert metrics.keys() == {"mse", "verdict"}
    assert metrics["mse"][1] != metrics["mse"][1]  # NaN came back as NaN
    assert metrics["verdict"] == [None, "good"]


def test_a_name_for_two_things_is_told_apart(run, child):
    """``run.log("alpha", alpha)`` does not hide the parameter."""
    fitted(run, alpha="1", metrics={"alpha": 1.0, "run_id": 7})
    child(alpha="2", metrics={"alpha": 2.0})
    columns = run.fits().columns
    assert list(columns) == ["run_id", "param.alpha", "metric.alpha", "metric.run_id"]
    assert columns["metric.run_id"] == [7, None]


def test_the_table_can_be_logged(run, child):
    """It goes into `log_table` as it is."""
    fitted(run, alpha="None", metrics={"mse": 1.0})
    child(alpha="2", metrics={"mse": 2.0})
    run.log_table("table", run.fits().columns)
    assert run.get_metrics("table")["table"]["alpha"] == [None, 2]


def test_metrics_of_the_family_are_those_of_each(run):
    """Asked for together or one by one, the answer is the same, files and children of children included."""
    run.log("loss", 1.0)
    with run.child_run() as kid, kid.child_run() as grandkid:
        kid.log_list("folds", [1.0, 2.0])
        grandkid.log("loss", 3.0)
        grandkid.log_residuals(
            "residuals",
            {"schema_type": "residuals", "schema_version": "1", "data": {"bin_edges": [0, 1], "bin_counts": [2]}},
        )
    run.child_run().complete()
    family = [run, kid, grandkid]

    assert run.get_metrics(recursive=True) == {one.id: one.get_metrics() for one in family}
    assert run.get_metrics(recursive=True, populate=True) == {one.id: one.get_metrics(populate=True) for one in family}
    assert run.get_metrics("loss", recursive=True) == {run.id: {"loss": 1.0}, grandkid.id: {"loss": 3.0}}
    assert run.get_metrics(recursive=True, run_type="none of this type") == {}


class Ending:
    """A plugin that adds to every run before it ends."""

    def __init__(self):
        self.seen = []

    @hookimpl
    def azml_run_ending(self, run):
        """See it."""
        self.seen.append((run.id, run.get_status()))
        run.log("last_words", 1.0)


@pytest.fixture
def ending():
    plugin = Ending()
    plugins().register(plugin)
    yield plugin
    plugins().unregister(plugin)


@pytest.mark.parametrize("end", ["complete", "fail", "cancel"])
def test_a_plugin_adds_to_a_run_before_it_ends(run, ending, end):
    """However it ends, what a plugin adds is there when the status is set; and it is asked once."""
    getattr(run, end)()
    run.complete()
    assert ending.seen == [(run.id, "CancelRequested" if end == "cancel" else "Running")]
    assert run.get_metrics() == {"last_words": 1.0}
    assert run.get_status() in {"Completed", "Failed", "Canceled"}


def test_a_plugin_that_stumbles_lets_the_run_end(run, ending, monkeypatch):
    """A chart that fails costs the chart."""
    monkeypatch.setattr(run, "log", lambda *_: (_ for _ in ()).throw(StoreError("disk", OSError("full"))))
    with pytest.warns(match="azml_run_ending raised"):
        run.complete()
    assert run.get_status() == "Completed"


def test_a_search_alone_is_a_table_of_its_candidates(run):
    """What was searched is compared, not the search with it; a fit beside it makes two fits, and no candidates."""
    fitted(run, "GridSearchCV", estimator__alpha="1.0", metrics={"best_score": 0.5})
    for alpha in ("0.1", "1.0"):
        candidate = run.shared_child(f"{run.id}_{alpha}", properties={"param.alpha": alpha})
        candidate.log_metrics({"test_score": 0.4, "fit_time": 0.1}, 0)
        candidate.log_metrics({"test_score": 0.6, "fit_time": 0.1}, 1)
        candidate.log_metrics({"mean_fit_time": 0.1, "mean_test_score": 0.5})
        candidate.finish_part(0, 1)
    table = run.fits()
    assert table.parameters == {"alpha": [0.1, 1.0]}
    assert list(table.metrics) == ["mean_test_score", "test_score", "mean_fit_time", "fit_time"]
    with run.child_run() as final:
        fitted(final, "Ridge", alpha="1.0")
    assert run.fits().estimators == ("GridSearchCV", "Ridge")
