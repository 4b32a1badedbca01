"""The contract of a store."""
# ruff: noqa: S101 - a contract asserts

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..records import Batch, Cursor, RunEvent, RunStore


class RunStoreContract:
    """The promises of `records.RunStore`: inherit it, and override the fixture `store`.

    Examples
    --------
    ::

        class TestMyStore(RunStoreContract):
            @pytest.fixture
            def store(self, tmp_path):
                return MyStore(tmp_path)
    """

    @pytest.fixture
    def store(self) -> "RunStore":
        """Return an empty store."""
        raise NotImplementedError("override the fixture `store`")

    def test_a_run_is_what_its_events_say(self, store: "RunStore") -> None:
        """The record is the fold: who, when, how it ended."""
        from .. import records as r

        store.apply("r1", [batch("j", *_begun("r1", at=10.0), r.StatusChanged("Completed", 12.0))])

        record = store.run("r1")
        assert record is not None
        assert (record.run_id, record.experiment, record.number) == ("r1", "exp", 1)
        assert (record.status, record.created_at, record.started_at, record.ended_at) == ("Completed", 10.0, 10.0, 12.0)

    def test_an_unknown_run_is_none(self, store: "RunStore") -> None:
        """Asking for what is not there is no error."""
        assert store.run("nobody") is None
        assert store.series("nobody", "loss") is None
        assert store.artifacts("nobody") == []
        assert store.cursors("nobody") == {}

    def test_a_revision_moves_with_its_run_alone(self, store: "RunStore") -> None:
        """A page asks again only for what has changed."""
        from .. import records as r

        store.apply("r1", [batch("j", *_begun("r1"))])
        store.apply("r2", [batch("j", *_begun("r2"))])
        before = dict(store.revisions())

        store.apply("r1", [batch("k", r.MetricPoint("loss", 1.0, 2.0))])
        logged = dict(store.revisions())
        store.judge("r2", "the process died", 3.0)
        judged = dict(store.revisions())

        assert set(before) == {"r1", "r2"}
        assert (logged["r1"] != before["r1"], logged["r2"] == before["r2"]) == (True, True)
        assert (judged["r1"] == logged["r1"], judged["r2"] != logged["r2"]) == (True, True)

    def test_the_same_lines_are_applied_once(self, store: "RunStore") -> None:
        """Two readers fold at once: the second one finds the cursor moved and does nothing."""
        from .. import records as r

        lines = batch("j", *_begun("r1"), r.MetricPoint("loss", 1.0, 2.0))

        assert store.apply("r1", [lines])
        assert not store.apply("r1", [lines])

        assert _values(store, "r1", "loss") == [1.0]
        assert store.cursors("r1") == {"j": lines.after}

    def test_a_refused_batch_takes_the_whole_call_with_it(self, store: "RunStore") -> None:
        """One transaction: when one journal has moved, nothing of the others is kept either."""
        from .. import records as r

        first = batch("a", *_begun("r1"))
        store.apply("r1", [first])
        fresh = batch("b", r.MetricPoint("loss", 1.0, 2.0))

        assert not store.apply("r1", [fresh, first])

        assert store.series("r1", "loss") is None
        assert "b" not in store.cursors("r1")

    def test_a_journal_is_read_on_from_its_cursor(self, store: "RunStore") -> None:
        """The next fold begins where the last one ended, and the metric goes on."""
        from .. import records as r

        first = batch("j", *_begun("r1"), r.MetricPoint("loss", 3.0, 2.0))
        then = batch("j", r.MetricPoint("loss", 2.0, 3.0), r.MetricPoint("loss", 1.0, 4.0), before=first.after)

        assert store.apply("r1", [first])
        assert store.apply("r1", [then])

        assert _values(store, "r1", "loss") == [3.0, 2.0, 1.0]
        assert store.cursors("r1") == {"j": then.after}

    def test_journals_may_come_in_any_order(self, store: "RunStore") -> None:
        """Two processes wrote; which of their files is folded first changes nothing."""
        from .. import records as r

        def journals(run_id: str) -> "tuple[Batch, Batch]":
            one = batch(
                "one",
                *_begun(run_id),
                r.MetricPoint("loss", 1.0, 2.0),
                r.TagsSet({"who": "one"}, 3.0),
                r.PropertiesAdded({"seed": "7"}, 3.0),
                r.RunDescribed(3.0, description="from one"),
                r.ArtifactStored("a.txt", "a.txt", 1, "11", 3.0),
                r.MetricPoint("loss", 3.0, 6.0),
            )
            two = batch(
                "two",
                r.RunDescribed(2.5, display_name="from two"),
                r.PropertiesAdded({"seed": "8"}, 4.0),
                r.MetricPoint("loss", 2.0, 4.0),
                r.TagsSet({"who": "two"}, 5.0),
                r.ArtifactStored("a.txt", "a.txt", 2, "22", 5.0),
                r.StatusChanged("Completed", 7.0),
            )
            return one, two

        for run_id in ("forth", "back"):
            for lines in journals(run_id) if run_id == "forth" else reversed(journals(run_id)):
                assert store.apply(run_id, [lines])

        forth, back = store.run("forth"), store.run("back")
        assert forth is not None
        assert back is not None
        for record in (forth, back):
            assert record.tags == {"who": "two"}
            assert record.properties == {"seed": "7"}
            assert (record.status, record.display_name, record.description) == ("Completed", "from two", "from one")
        assert _values(store, "forth", "loss") == _values(store, "back", "loss") == [1.0, 2.0, 3.0]
        assert store.artifacts("forth") == store.artifacts("back")
        assert store.summaries("forth") == store.summaries("back")

    def test_the_last_tag_wins_and_can_be_removed(self, store: "RunStore") -> None:
        """Tags are mutable: by time, not by order of arrival."""
        from .. import records as r

        store.apply("r1", [batch("a", *_begun("r1"), r.TagsSet({"stage": "late", "gone": "x"}, 9.0))])
        store.apply("r1", [batch("b", r.TagsSet({"stage": "early"}, 5.0), r.TagsRemoved(["gone"], 10.0))])

        record = store.run("r1")
        assert record is not None
        assert record.tags == {"stage": "late"}

    def test_the_first_property_stays(self, store: "RunStore") -> None:
        """Properties never change, also when the earlier one is read later."""
        from .. import records as r

        store.apply("r1", [batch("a", *_begun("r1"), r.PropertiesAdded({"param.alpha": "0.5"}, 9.0))])
        store.apply("r1", [batch("b", r.PropertiesAdded({"param.alpha": "0.03"}, 5.0))])

        record = store.run("r1")
        assert record is not None
        assert record.properties == {"param.alpha": "0.03"}

    def test_values_come_back_as_they_went_in(self, store: "RunStore") -> None:
        """An int stays an int, a bool a bool, and NaN is not None."""
        from .. import records as r

        given: list[r.Stored] = [
            1,
            1.0,
            True,
            "text",
            None,
            r.Special("inf"),
            r.Special("-inf"),
            r.Special("nan"),
            2**53,
        ]
        points = [r.MetricPoint("x", value, 2.0 + place) for place, value in enumerate(given)]
        store.apply("r1", [batch("j", *_begun("r1"), *points)])

        back = _values(store, "r1", "x")
        assert back[:7] == [1, 1.0, True, "text", None, float("inf"), float("-inf")]
        assert [type(value) for value in back[:4]] == [int, float, bool, str]
        assert isinstance(back[7], float)
        assert back[7] != back[7]  # NaN alone differs from itself
        assert back[8] == 2**53

    def test_steps_come_back(self, store: "RunStore") -> None:
        """The x axis is the user's; where there is none, the order decides."""
        from .. import records as r

        points = [
            r.MetricPoint("x", 1.0, 2.0, step=10),
            r.MetricPoint("x", 2.0, 3.0),
            r.MetricPoint("x", 3.0, 4.0, step=5),
        ]
        store.apply("r1", [batch("j", *_begun("r1"), *points)])

        series = store.series("r1", "x")
        assert series is not None
        assert list(series.steps) == [10, None, 5]
        assert list(series.times) == [2.0, 3.0, 4.0]

    def test_several_metrics_of_one_moment(self, store: "RunStore") -> None:
        """``log_metrics`` is one line and one point for each name."""
        from .. import records as r

        store.apply("r1", [batch("j", *_begun("r1"), r.MetricsLogged({"a": 1.0, "b": 2.0}, 2.0, step=4))])

        assert _values(store, "r1", "a") == [1.0]
        assert _values(store, "r1", "b") == [2.0]
        assert [summary.name for summary in store.summaries("r1")] == ["a", "b"]

    def test_every_kind_of_logging_comes_back(self, store: "RunStore") -> None:
        """Lists, rows, tables and images keep their shape."""
        from .. import records as r

        store.apply(
            "r1",
            [
                batch(
                    "j",
                    *_begun("r1"),
                    r.ListLogged("list", [1, 1, 2, 3], 2.0),
                    r.RowLogged("row", {"angle": 0, "cos": 1.0}, 3.0),
                    r.TableLogged("table", {"angle": [0, 1], "sine": [0.0, 0.8]}, 4.0),
                    r.ArtifactMetric("image", "image", "image_1.png", 5.0),
                )
            ],
        )

        kinds = {summary.name: summary.kind for summary in store.summaries("r1")}
        assert kinds == {"list": "list", "row": "row", "table": "table", "image": "image"}
        assert _values(store, "r1", "list") == [[1, 1, 2, 3]]
        assert _values(store, "r1", "row") == [{"angle": 0, "cos": 1.0}]
        assert _values(store, "r1", "table") == [{"angle": [0, 1], "sine": [0.0, 0.8]}]
        assert _values(store, "r1", "image") == ["image_1.png"]

    def test_two_kinds_under_one_name_are_kept_in_order(self, store: "RunStore") -> None:
        """Nothing is lost when a name is used twice: the summary says that it is mixed."""
        from .. import records as r

        events: list[RunEvent] = [
            r.MetricPoint("x", 1.0, 2.0),
            r.ListLogged("x", [2, 3], 3.0),
            r.MetricPoint("x", 4.0, 4.0),
        ]
        store.apply("r1", [batch("j", *_begun("r1"), *events)])

        (summary,) = store.summaries("r1")
        assert (summary.kind, summary.mixed, summary.count) == ("scalar", True, 3)
        series = store.series("r1", "x")
        assert series is not None
        assert [point.kind for point in series.points()] == ["scalar", "list", "scalar"]
        assert list(series.values) == [1.0, [2, 3], 4.0]

    def test_a_summary_leaves_nan_out(self, store: "RunStore") -> None:
        """A diverged step must not hide the best loss."""
        from .. import records as r

        given: list[r.Stored] = [3.0, r.Special("nan"), 1.0, 2.0]
        points = [r.MetricPoint("loss", value, 2.0 + place, step=place) for place, value in enumerate(given)]
        store.apply("r1", [batch("j", *_begun("r1"), *points)])

        (summary,) = store.summaries("r1")
        assert (summary.min, summary.max, summary.last, summary.count) == (1.0, 3.0, 2.0, 4)
        assert (summary.last_value, summary.first_step, summary.last_step) == (2.0, 0, 3)

    def test_many_points_keep_their_order(self, store: "RunStore") -> None:
        """Ten thousand points, in three folds, are the same ten thousand points."""
        from .. import records as r

        before, written = r.Cursor(), [float(number) for number in range(10_000)]
        for begin in range(0, 10_000, 4_000):
            events: list[RunEvent] = [*_begun("r1")] if begin == 0 else []
            events += [r.MetricPoint("x", value, 2.0 + value) for value in written[begin : begin + 4_000]]
            lines = batch("j", *events, before=before)
            assert store.apply("r1", [lines])
            before = lines.after

        assert _values(store, "r1", "x") == written

    def test_the_last_upload_of_a_name_wins(self, store: "RunStore") -> None:
        """Artifacts are listed by name; a second upload replaces the first."""
        from .. import records as r

        store.apply(
            "r1",
            [
                batch(
                    "j",
                    *_begun("r1"),
                    r.ArtifactStored("outputs/model.pkl", "outputs/model.pkl", 1, "aa", 2.0),
                    r.ArtifactStored("a.txt", "a.txt", 5, "cc", 3.0),
                    r.ArtifactStored("outputs/model.pkl", "outputs/model.pkl", 2, "bb", 4.0),
                )
            ],
        )

        files = [(record.name, record.size, record.sha256) for record in store.artifacts("r1")]
        assert files == [("a.txt", 5, "cc"), ("outputs/model.pkl", 2, "bb")]

    def test_the_last_status_wins(self, store: "RunStore") -> None:
        """Completion is an event: points may follow it, and so may another status."""
        from .. import records as r

        store.apply("r1", [batch("a", *_begun("r1"), r.StatusChanged("Completed", 5.0), r.MetricPoint("x", 1.0, 6.0))])
        store.apply("r1", [batch("b", r.StatusChanged("Failed", 7.0, r.ErrorInfo("boom")))])

        record = store.run("r1")
        assert record is not None
        assert record.status == "Failed"
        assert record.error is not None
        assert record.error.message == "boom"
        assert _values(store, "r1", "x") == [1.0]

    def test_a_verdict_can_be_taken_back(self, store: "RunStore") -> None:
        """A dead run is shown as Failed; a run that has ended by itself is not judged."""
        from .. import records as r

        store.apply("dead", [batch("j", *_begun("dead"))])
        store.apply("done", [batch("j", *_begun("done"), r.StatusChanged("Completed", 5.0))])

        for run_id in ("dead", "done"):
            store.judge(run_id, "process ended without completing")
        assert [_status(store, run_id) for run_id in ("dead", "done")] == ["Failed", "Completed"]

        store.judge("dead", None)
        assert _status(store, "dead") == "Running"

    def test_notes_are_kept(self, store: "RunStore") -> None:
        """What was skipped, and why, stands in the run."""
        from .. import records as r

        store.apply("r1", [batch("j", *_begun("r1"), r.Noted("sklearn", "model not stored", 2.0))])

        record = store.run("r1")
        assert record is not None
        assert record.notes == [r.Note("sklearn", "model not stored", 2.0)]

    def test_find_narrows_with_every_condition(self, store: "RunStore") -> None:
        """Newest first; a tag by key or by value; children only when asked for."""
        from .. import records as r

        for number, (run_id, experiment) in enumerate([("a", "exp"), ("b", "exp"), ("c", "other")]):
            began = _begun(run_id, experiment=experiment, at=10.0 + number)
            store.apply(
                run_id, [batch("j", *began, r.TagsSet({"n": run_id}, 20.0), r.PropertiesAdded({"p": "1"}, 20.0))]
            )
        store.apply("kid", [batch("j", *_begun("kid", at=30.0, parent="a"))])
        store.apply("a", [batch("k", r.StatusChanged("Completed", 40.0))])

        def found(**conditions: Any) -> list[str]:
            return [record.run_id for record in store.find(r.RunQuery(**conditions))]

        assert found() == ["c", "b", "a"]
        assert found(include_children=True) == ["kid", "c", "b", "a"]
        assert found(parent_id="a") == ["kid"]
        assert found(experiment="exp") == ["b", "a"]
        assert found(status="Completed") == ["a"]
        assert found(tags={"n": None}) == ["c", "b", "a"]
        assert found(tags={"n": "b"}) == ["b"]
        assert found(tags={"n": "b"}, properties={"p": "2"}) == []
        assert found(properties={"p": "1"}, experiment="other") == ["c"]
        assert found(limit=1) == ["c"]
        assert found(tags={"n": "' OR 1=1 --"}) == []

    def test_find_looks_below_a_run_at_any_depth(self, store: "RunStore") -> None:
        """Children of children belong to the family, cousins do not."""
        from .. import records as r

        for number, (run_id, parent) in enumerate([("a", None), ("kid", "a"), ("grandkid", "kid"), ("other", None)]):
            store.apply(run_id, [batch("j", *_begun(run_id, at=10.0 + number, parent=parent))])

        assert [record.run_id for record in store.find(r.RunQuery(ancestor_id="a"))] == ["grandkid", "kid"]
        assert store.find(r.RunQuery(ancestor_id="other")) == []

    def test_an_outline_has_the_peaks_and_the_ends(self, store: "RunStore") -> None:
        """A chart of a long metric misses nothing that can be seen; None says that there is nothing shorter."""
        from .. import records as r

        values = [{700: 9.0, 1500: -9.0}.get(n, n / 3000) for n in range(3000)]
        points = [r.MetricPoint("loss", value, 10.0 + n, step=n) for n, value in enumerate(values)]
        store.apply("r1", [batch("j", *_begun("r1"), *points)])

        assert store.outline("r1", "nothing") is None
        assert store.outline("nobody", "loss") is None
        found, part = store.outline("r1", "loss"), store.outline("r1", "loss", between=(1000, 1999))
        if found is not None:
            assert (found.count, found.first_at) == (3000, 10.0)
            assert {values[0], 9.0, -9.0, values[-1]} <= set(found.series.values)
        if part is not None:
            assert part.count == len(range(1000, 2000))
            assert {9.0, -9.0} & set(part.series.values) == {-9.0}

    def test_many_runs_are_asked_about_at_once(self, store: "RunStore") -> None:
        """A parent of 600 children costs a few questions, and each run answers as it does alone."""
        from .. import records as r

        for number in range(600):
            points = [r.MetricPoint("loss", float(number), 2.0), r.MetricPoint("acc", number / 2, 3.0)]
            store.apply(f"r{number}", [batch("j", *_begun(f"r{number}"), *points, r.TagsSet({"n": str(number)}, 2.0))])
        store.apply("empty", [batch("j", *_begun("empty"))])
        wanted = ["empty", *(f"r{number}" for number in reversed(range(600)))]

        series, summaries = store.series_of(wanted), store.summaries_of(wanted)

        assert list(series) == wanted[1:]
        assert list(series["r7"]) == ["loss", "acc"]
        assert list(series["r599"]["acc"].values) == [299.5]
        assert store.series_of(["r7", "empty", "nobody"], "acc").keys() == {"r7"}
        assert store.series_of(["r7"], "acc").get("r7", {}).keys() == {"acc"}
        assert list(summaries) == wanted
        assert summaries["r555"] == store.summaries("r555")
        assert (summaries["r7"][1].first_at, summaries["r7"][1].last_at) == (3.0, 3.0)
        assert summaries["empty"] == store.summaries_of(["nobody"])["nobody"] == []
        assert store.series_of([]) == {}
        assert store.summaries_of([]) == {}
        assert {record.run_id: record.tags.get("n") for record in store.find(r.RunQuery())} == {
            "empty": None,
            **{f"r{number}": str(number) for number in range(600)},
        }

    def test_find_sorts_by_a_metric(self, store: "RunStore") -> None:
        """Which run has the lowest loss? Runs without the metric are left out."""
        from .. import records as r

        losses: dict[str, list[r.Stored]] = {"a": [1.0, 9.0], "b": [5.0, 3.0], "c": [7.0, 4.0], "d": []}
        for run_id, values in losses.items():
            points = [r.MetricPoint("loss", value, 2.0 + place) for place, value in enumerate(values)]
            store.apply(run_id, [batch("j", *_begun(run_id), *points)])

        def sorted_by(**order: Any) -> list[str]:
            return [record.run_id for record in store.find(r.RunQuery(order=r.MetricOrder("loss", **order)))]

        assert sorted_by() == ["b", "c", "a"]
        assert sorted_by(by="min") == ["a", "b", "c"]
        assert sorted_by(by="max", descending=True) == ["a", "c", "b"]

    def test_a_run_is_settled_once_its_journals_are_sealed(self, store: "RunStore") -> None:
        """Readers look only at folders that may still grow; that of a run that has not ended may."""
        from .. import records as r

        for run_id in ("a", "b", "c"):
            store.apply(run_id, [batch("j", *_begun(run_id))])
        for run_id in ("a", "b"):
            store.apply(run_id, [batch("k", r.StatusChanged("Completed", 9.0))])

        for run_id in ("a", "c"):
            store.settle(run_id)

        assert sorted(store.unsettled()) == ["b", "c"]
        assert store.run_ids() == {"a", "b", "c"}

    def test_several_runs_are_folded_together(self, store: "RunStore") -> None:
        """What is asked in between is answered; what is refused in between takes nothing else along."""
        with store.together():
            for run_id in ("a", "b"):
                assert store.apply(run_id, [batch("j", *_begun(run_id))])
                assert not store.apply(run_id, [batch("j", *_begun(run_id))])
            assert store.run("a") is not None

        assert store.run_ids() == {"a", "b"}
        assert store.apply("c", [batch("j", *_begun("c"))])

    def test_a_forgotten_run_leaves_nothing(self, store: "RunStore") -> None:
        """What is forgotten can be folded again from its folder, from the first line."""
        from .. import records as r

        lines = batch("j", *_begun("r1"), r.MetricPoint("x", 1.0, 2.0), r.TagsSet({"a": "b"}, 3.0))
        store.apply("r1", [lines])

        store.forget("r1")
        assert store.run("r1") is None
        assert store.run_ids() == set()
        assert store.summaries("r1") == []

        assert store.apply("r1", [lines])
        assert _values(store, "r1", "x") == [1.0]


def batch(journal: str, *events: "RunEvent", before: "Cursor | None" = None) -> "Batch":
    """Return events as lines of a journal, after those before `before`.

    Parameters
    ----------
    journal : str
        Name of the journal file.
    *events : RunEvent
        One line each.
    before : Cursor, default=None
        Where they begin; None is the beginning of the file.

    Returns
    -------
    Batch
    """
    from ..records import Batch, Cursor

    start = before or Cursor()
    clock = max((start.clock, *(event.at for event in events)))
    after = Cursor(start.offset + 100 * len(events), start.line + len(events), clock, start.damaged)
    return Batch(journal, start, after, list(events))


def _begun(run_id: str, *, experiment: str = "exp", at: float = 1.0, parent: str | None = None) -> "list[RunEvent]":
    from ..records import JournalOpened, RunCreated, StatusChanged

    return [
        JournalOpened("owner", 1, "host", "boot", at, "0"),
        RunCreated(run_id, experiment, 1, at, parent_id=parent),
        StatusChanged("Running", at),
    ]


def _values(store: "RunStore", run_id: str, name: str) -> list[object]:
    series = store.series(run_id, name)
    return [] if series is None else list(series.values)


def _status(store: "RunStore", run_id: str) -> str | None:
    record = store.run(run_id)
    return None if record is None else record.status
