"""What there is to tell of a run, gathered once; and not twice where nothing is new."""

from azml_integrations import report
from azml_integrations.core import Run
from azml_integrations.store.sqlite import SqliteStore


def test_a_metric_that_has_not_grown_is_not_read_again(run, monkeypatch):
    """The widget looks every few seconds at histories of millions."""
    run.log_list("still", [1, 2, 3])
    for n in range(3):
        run.log("grows", n)
    memory = report.Memory()
    report.account(run, report.GLANCE, memory)
    run.log("grows", 3)
    asked = []

    def series(self, run_id, name, read=SqliteStore.series):
        asked.append(name)
        return read(self, run_id, name)

    monkeypatch.setattr(SqliteStore, "series", series)
    told = report.account(run, report.GLANCE, memory)

    assert asked == ["grows"]
    assert len(told.charts[1].curves[0].points) == 4


def test_steps_are_the_x_axis_and_may_come_in_any_order(run):
    """A run that was resumed goes back; the line does not."""
    for step in (0, 5, 10, 3, 8):
        run.log("loss", float(step), step=step)
    (chart,) = report.account(run).charts
    assert chart.across == "step"
    assert [x for x, _ in chart.curves[0].points] == [0.0, 3.0, 5.0, 8.0, 10.0]


def test_without_steps_the_order_is_the_axis(run):
    """Also where some values have a step and some have none."""
    run.log("loss", 3.0, step=0)
    run.log("loss", 2.0)
    run.log("loss", 1.0, step=9)
    (chart,) = report.account(run).charts
    assert (chart.across, chart.curves[0].points) == ("logged value", [(0.0, 3.0), (1.0, 2.0), (2.0, 1.0)])


def test_rows_and_tables_of_two_numbers_are_lines_others_are_tables(run):
    """SDK v1's mapping."""
    for x in range(3):
        run.log_row("line", x=x, y=x * x)
    run.log_table("words", {"name": ["a", "b"], "n": [1, 2]})
    run.log_row("one", x=1, y=2)
    told = report.account(run)
    assert [(chart.title, chart.across, chart.up) for chart in told.charts] == [("line", "x", "y")]
    assert [grid.name for grid in told.grids] == ["words", "one"]


def test_a_loop_of_fits_is_compared(run):
    """Without a goal nothing is best, but the scores are drawn against what was varied."""
    for alpha in (0.1, 1.0, 10.0):
        child = run.child_run()
        child.add_properties({"estimator": "Ridge", "param.alpha": str(alpha)})
        child.log("mse", alpha * 2)
        child.complete()
    kin = report.account(run).family
    assert (kin.primary, kin.goal, kin.best, kin.parameters) == ("mse", "", None, ("alpha",))
    assert [chart.title for chart in kin.charts] == ["mse of the children", "mse against alpha"]


def test_a_sweep_names_what_it_chose_in_a_tag(run):
    """Children of a hyperdrive run have their hyperparameters as JSON."""
    run.add_properties({"primary_metric_config": '{"name": "Accuracy", "goal": "MAXIMIZE"}'})
    for rate, scores in ((0.1, [0.5, 0.9, 0.7]), (0.2, [0.8, 0.8])):
        child = run.child_run()
        child.tag("hyperparameters", f'{{"--lr": {rate}}}')
        for score in scores:
            child.log("Accuracy", score)
        child.complete()
    kin = report.account(run).family
    assert kin.goal == "maximize"
    assert kin.children[0].parameters == {"lr": 0.1}
    assert kin.children[0].metrics["Accuracy"] == 0.9  # the best of all that it logged


def test_any_handle_will_do(run, experiment):
    """A run of the past, by its id."""
    run.complete()
    assert report.account(Run(experiment, run.id)).record.status == "Completed"


def test_thousands_of_children_are_a_small_chart(run):
    """Those that stand out are drawn, the best among them, and how many there are is said."""
    kin = _family_of(run, [(float((n * 7919) % 2000), n / 1000) for n in range(2000)])
    chart = kin.charts[0]
    best = chart.curves[0].points[chart.curves[0].marked]
    assert (best[1], chart.remark) == (0.0, f"{len(chart.curves[0].points)} of 2,000 children drawn")
    assert all(len(report.svg(one)) < 120_000 for one in kin.charts)
    assert (kin.total, len(kin.children)) == (2000, 500)


def _family_of(run, scores):
    """Return what is told of children with these scores and parameters, without making a folder for each."""
    from azml_integrations.records import MetricSummary, RunRecord
    from azml_integrations.report import family

    records = [
        RunRecord(
            f"child-{n}", "trials", n + 2, "Completed", 0.0, parent_id=run.id, properties={"param.alpha": str(alpha)}
        )
        for n, (_, alpha) in enumerate(scores)
    ]
    summaries = {
        record.run_id: [MetricSummary("mse", "scalar", False, 1, score, score, score, score)]
        for record, (score, _) in zip(records, scores, strict=True)
    }

    class Store:
        def find(self, query):
            return records

        def summaries_of(self, run_ids):
            return {run_id: summaries[run_id] for run_id in run_ids}

    class Handle:
        id = run.id

        class experiment:  # noqa: N801 - stands for an attribute
            class workspace:  # noqa: N801 - likewise
                class view:  # noqa: N801 - likewise
                    all = Store

    parent = RunRecord(
        run.id,
        "trials",
        1,
        "Completed",
        0.0,
        properties={"primary_metric_config": '{"name": "mse", "goal": "minimize"}'},
    )
    return family.family(Handle, parent, 500)


def test_wide_tables_are_cut_and_say_so(run):
    """A table of a thousand columns is no page."""
    run.log_table("wide", {f"column {n}": [n, n] for n in range(100)})
    (grid,) = report.account(run).grids
    assert (len(grid.columns), grid.wide) == (40, 100)
    assert "wide (40 of 100 columns)" in report.page(report.account(run))
