"""``azml run``: what is listed, printed, tagged, downloaded and deleted."""

import csv
import io

import pytest


def test_runs_are_listed_newest_first(azml, ended):
    """What you did last is what you look for."""
    first, second = ended({"alpha": "0.03"}, mse=2.0), ended({"alpha": "0.1"}, mse=3.0)

    listed = azml("run", "list", "--output", "json").json

    assert [run["run_id"] for run in listed] == [second.id, first.id]
    assert listed[1]["params"] == {"alpha": "0.03"}
    assert listed[1]["metrics"] == {"mse": {"kind": "scalar", "count": 1, "last": 2.0, "min": 2.0, "max": 2.0}}
    assert (listed[1]["experiment"], listed[1]["number"], listed[1]["status"]) == ("trials", 1, "Completed")


def test_the_keys_of_json_stay(azml, ended):
    """Scripts stand on these names: docs/reference/command-line.md promises them."""
    ended()

    (run,) = azml("run", "list", "--output", "json").json

    assert list(run) == [
        *("run_id", "experiment", "number", "name", "display_name", "status", "type", "parent_id"),
        *("created_at", "started_at", "ended_at", "duration", "tags", "params", "metrics"),
    ]
    assert run["started_at"].endswith("Z")


def test_the_lowest_metric_comes_first(azml, ended):
    """The best run of a sweep is one command away, and runs without the metric are left out."""
    low, high = ended(mse=[9.0, 2.0]), ended(mse=[1.0, 3.0])
    ended(other=1.0)

    def order(*arguments):
        return [run["run_id"] for run in azml("run", "list", "--output", "json", *arguments).json]

    assert order("--sort", "metric:mse") == [low.id, high.id]
    assert order("--sort", "metric:mse", "--descending") == [high.id, low.id]
    assert order("--sort", "metric:mse:min") == [high.id, low.id]
    assert order("--sort", "metric:mse:max", "--limit", "1") == [high.id]


def test_a_metric_may_have_colons_in_its_name(azml, ended):
    """Only the three words at the end are ours."""
    run = ended(**{"val:loss": 1.0, "val:min": 2.0})

    assert azml("run", "list", "--sort", "metric:val:loss", "--output", "json").json[0]["run_id"] == run.id
    assert azml("run", "list", "--sort", "metric:val:min:last", "--output", "json").json[0]["run_id"] == run.id


@pytest.mark.parametrize("sort", ["mse", "metric:", "stop", "metric"])
def test_an_unknown_order_is_wrong_usage(azml, sort):
    """A slip is told apart from an empty list."""
    assert "expected start or metric:NAME" in azml("run", "list", "--sort", sort, code=2).err


def test_a_number_that_is_none_of_ours_is_wrong_usage(azml, ended):
    """``avg`` would be an empty list with no reason given; the answer says what may stand there."""
    ended(mse=1.0, **{"val:mse": 2.0})

    assert (
        "expected last|min|max after metric:mse:, got 'avg'"
        in azml("run", "list", "--sort", "metric:mse:avg", code=2).err
    )
    assert "last|min|max" in azml("run", "list", "--sort", "metric:val:mse:avg", "--output", "json", code=2).err


def test_a_name_that_no_run_has_is_told(azml, ended):
    """A slip in a name looks different from an empty list."""
    ended({"alpha": "1"}, mse=1.0)

    assert "no run has a metric 'nope' to sort by" in azml("run", "list", "--sort", "metric:nope").err
    answer = azml("run", "list", "--metric", "nope", "--metric", "mse", "--output", "json")
    assert answer.err == "no run has a metric 'nope' among those listed\n"
    assert azml("run", "list", "--experiment", "nope", code=3).err.startswith("error: no experiment 'nope' in ")
    assert "no such runs" in azml("run", "list", "--experiment", "trials", "--status", "Failed").err


def test_oldest_first_with_a_limit(azml, ended):
    """``--ascending`` takes the first runs ever, not the last ones turned around."""
    runs = [ended() for _ in range(3)]

    listed = azml("run", "list", "--ascending", "--limit", "2", "--output", "json").json

    assert [run["run_id"] for run in listed] == [runs[0].id, runs[1].id]


def test_a_limit_says_that_there_is_more(azml, ended):
    """Nobody takes the first fifty for all."""
    ended(), ended()

    assert "the first 1 are shown" in azml("run", "list", "--limit", "1").err
    assert azml("run", "list", "--limit", "2").err == ""
    assert len(azml("run", "list", "--limit", "0", "--output", "json").json) == 2


def test_filters_narrow(azml, experiment, ended):
    """Every condition leaves fewer runs."""
    tagged = ended({"alpha": "1"})
    tagged.set_tags({"stage": "final", "a=b": "c"})
    failed = experiment.start_logging(outputs=False, snapshot_directory=None)
    child = failed.child_run("part")
    child.complete()
    failed.fail("no luck")

    def ids(*arguments):
        return {run["run_id"] for run in azml("run", "list", "--output", "json", *arguments).json}

    assert ids() == {tagged.id, failed.id}
    assert ids("--children") == {tagged.id, failed.id, child.id}
    assert ids("--status", "failed") == {failed.id}
    assert ids("--tag", "stage") == ids("--tag", "stage=final") == {tagged.id}
    assert ids("--tag", "stage=draft") == ids("--status", "Queued") == ids("--type", "hyperdrive") == set()
    assert ids("--property", "param.alpha=1") == {tagged.id}
    assert ids("--experiment", "trials", "--status", "Completed") == {tagged.id}


def test_nothing_there_is_no_error(azml, workspace):
    """An empty list is a valid answer, in every form."""
    assert str(workspace.root) in azml("run", "list").err
    assert azml("run", "list", "--output", "json").json == []
    assert azml("run", "list", "--output", "csv").lines == ["run_id,experiment,number,name,status,started_at,duration"]


def test_columns_are_chosen_or_those_that_most_runs_have(azml, ended):
    """The table shows what the runs have in common, and what you name."""
    ended({"alpha": "0.03"}, mse=2.0, rare=1.0)
    ended({"alpha": "0.1"}, mse=3.0)

    def columns(*arguments):
        return azml("run", "list", "--output", "csv", *arguments).lines[0].split(",")[7:]

    assert columns() == ["mse", "rare"]
    assert columns("--metric", "rare", "--param", "alpha") == ["param.alpha", "rare"]
    assert columns("--sort", "metric:mse:min") == ["mse:min", "rare"]


def test_no_two_columns_have_one_title(azml, ended):
    """A parameter, a metric and a fact of the run may have the same name."""
    ended({"alpha": "0.03", "beta": "2"}, alpha=7.0, status=5.0, id=6.0)

    titles, _, row = azml("run", "list", "--param", "alpha", "--param", "beta", "--param", "beta").lines

    assert titles.split()[-5:] == ["param.alpha", "beta", "alpha", "metric.status", "metric.id"]
    assert row.split()[-5:] == ["0.03", "2", "7", "5", "6"]
    (row,) = csv.DictReader(azml("run", "list", "--param", "alpha", "--output", "csv").lines)
    assert (row["status"], row["metric.status"], row["param.alpha"], row["alpha"]) == (
        "Completed",
        "5.0",
        "0.03",
        "7.0",
    )


def test_metrics_of_training_data_come_last(azml, ended):
    """What was computed on data the model has not seen is what one compares runs by."""
    ended(training_mse=1.0, mse=2.0), ended(training_mse=1.0)

    assert azml("run", "list").lines[0].split()[-2:] == ["mse", "training_mse"]


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_a_run_is_a_line_on_a_terminal_of_any_width(lines_at, ended, experiment, width):
    """What one reads and copies stands whole; metrics for which there is no room are counted, and how to see them."""
    metrics = {f"training_some_quite_long_name_{number}": number / 7 for number in range(12)}
    run = ended(mean_squared_error=2817.25, **metrics)
    other = ended(mean_squared_error=3000.5)

    titles, _, *rows = [
        line
        for line in lines_at(width, "run", "list")
        if not line.lstrip().startswith(("mean_", "squared_", "training_"))
    ][-5:]

    assert rows[-1].startswith("no room for ")
    assert rows[-1].endswith("; --metric NAME chooses")
    for row, one, value in ((rows[-2], run, "2817.25"), (rows[-3], other, "3000.5")):
        assert row.split()[:3] == [one.id[:8], "trials", str(one.number)]
        assert {"Completed", value} <= set(row.split())
        assert len(row) <= width
    if width > 60:
        assert "started (UTC)" in titles
        assert f"{run.get_details()['startTimeUtc'][:10]} {run.get_details()['startTimeUtc'][11:16]}" in rows[-2]


def test_a_metric_that_was_asked_for_finds_room(lines_at, ended):
    """Rather a fact less than the column that the user named."""
    ended({"alpha": "0.03"}, **{f"metric_number_{number}": number / 7 for number in range(12)})

    arguments = ["run", "list", "--metric", "metric_number_7", "--metric", "metric_number_9", "--param", "alpha"]
    *_, row, left = lines_at(62, *arguments)

    assert row.split()[3:] == ["Completed", "0.03", "1", "1.28571"]  # 7/7 and 9/7
    assert left == "no room for 2 columns: started (UTC), took; --metric NAME chooses"


def test_a_long_name_is_cut_and_takes_no_second_line(lines_at, experiment, workspace):
    """A name of two hundred characters does not fold the table of the others."""
    from azml_integrations.core import Experiment

    Experiment(workspace, "e" * 200).start_logging(display_name="n" * 200, outputs=False).complete()

    lines = lines_at(80, "run", "list")

    assert len(lines) == 4  # titles, a rule, the run, what there is no room for
    assert "eee…  " in lines[2]
    assert len(lines[2]) <= 80


def test_a_table_shows_short_ids_that_are_unique(azml, ended):
    """An id in the table can be given back as it stands."""
    run = ended(mse=2.0)

    shown = azml("run", "list").lines[2].split()[0]

    assert run.id.startswith(shown)
    assert len(shown) == 8
    assert azml("run", "show", shown, "--output", "json").json["run_id"] == run.id


def test_nan_is_valid_json(azml, ended):
    """JSON has no NaN: it comes as a string that every parser takes."""
    run = ended(loss=[float("nan"), float("inf"), float("-inf")])

    points = azml("run", "metrics", run.id, "loss", "--output", "json").json

    assert [point["value"] for point in points] == ["NaN", "Infinity", "-Infinity"]
    assert azml("run", "list", "--output", "json").json[0]["metrics"]["loss"]["last"] == "-Infinity"


def test_every_point_is_printed_with_step_and_time(azml, ended):
    """A history of any length comes out whole: the program that reads it decides what to leave out."""
    run = ended(loss=[1 / (step + 3) for step in range(5000)])

    lines = azml("run", "metrics", run.id, "loss", "--output", "csv").lines
    points = list(csv.DictReader(lines))

    assert [int(point["step"]) for point in points] == list(range(5000))
    assert [float(point["value"]) for point in points] == [1 / (step + 3) for step in range(5000)]
    assert all(point["time"].endswith("Z") for point in points)
    table = azml("run", "metrics", run.id, "loss").lines
    assert len(table) == 5001
    assert table[1].split()[::2] == ["0", "0.3333333333333333"]


def test_metrics_of_a_run_in_lines(azml, run):
    """One line a metric: which kind, how many points, last, least and greatest."""
    for step, value in enumerate([3.0, 1.0, 2.0]):
        run.log("loss", value, step=step)
    run.log_table("table", {"x": [1, 2]})

    loss, table = azml("run", "metrics", run.id, "--output", "json").json

    assert [loss[key] for key in ("name", "kind", "count", "last", "min", "max")] == [
        "loss",
        "scalar",
        3,
        2.0,
        1.0,
        3.0,
    ]
    assert [loss[key] for key in ("first_step", "last_step", "description")] == [0, 2, ""]
    assert (table["kind"], table["count"], table["last"]) == ("table", 1, None)


def test_rows_tables_and_mixed_kinds_come_whole(azml, run):
    """In CSV a row is a JSON cell, and the kind stands beside it."""
    run.log("x", 1.5)
    with pytest.warns(UserWarning, match="a row follows a scalar"):
        run.log_row("x", angle=0, cos=1.0)

    points = list(csv.DictReader(io.StringIO(azml("run", "metrics", run.id, "x", "--output", "csv").out)))

    assert [(point["value"], point["kind"]) for point in points] == [
        ("1.5", "scalar"),
        ('{"angle": 0, "cos": 1.0}', "row"),
    ]
    assert "(row)" in azml("run", "metrics", run.id, "x").out


def test_an_unknown_metric_is_not_found(azml, ended):
    """The answer names the metrics that are there."""
    run = ended(mse=1.0)

    assert "it has 'mse'" in azml("run", "metrics", run.id, "msr", code=3).err


def test_tags_are_set_and_taken_away(azml, ended):
    """A tag may come long after the run, from the command line."""
    run = ended()

    azml("run", "tag", run.id, "stage=final", "bare", "formula=a=b")
    left = azml("run", "tag", run.id, "--remove", "bare", "--output", "json").json

    assert left == [{"key": "formula", "value": "a=b"}, {"key": "stage", "value": "final"}]
    assert run.tags == {"stage": "final", "formula": "a=b"}
    azml("run", "tag", run.id, code=2)
    azml("run", "tag", run.id, "=value", code=2)


def test_a_download_is_byte_for_byte(azml, run, tmp_path):
    """All files of a run, or those of a folder of it, under their own names."""
    content = bytes(range(256)) * 5000
    run.upload_file("outputs/model.pkl", io.BytesIO(content))
    run.upload_file("outputs/curves/roc.csv", io.BytesIO(b"x,y\n"))
    run.upload_file("readme.txt", io.BytesIO(b"hello"))

    assert azml("run", "download", run.id, "--to", "all").out.startswith("3 files, 1.3 MB, in all")
    azml("run", "download", run.id, "outputs/curves/", "readme.txt", "--to", "some")

    assert (tmp_path / "all/outputs/model.pkl").read_bytes() == content
    assert sorted(path.name for path in (tmp_path / "some").rglob("*") if path.is_file()) == ["readme.txt", "roc.csv"]
    assert "has no file" in azml("run", "download", run.id, "nothing", code=3).err


def test_a_download_replaces_nothing_unasked(azml, run, tmp_path):
    """The user's own outputs/model.pkl is worth more than a copy of ours."""
    run.upload_file("model.pkl", io.BytesIO(b"new"))
    (tmp_path / "model.pkl").write_bytes(b"mine")

    assert "pass --yes" in azml("run", "download", run.id, "--to", ".", code=2).err
    assert (tmp_path / "model.pkl").read_bytes() == b"mine"

    azml("run", "download", run.id, "--to", ".", "--yes")
    assert (tmp_path / "model.pkl").read_bytes() == b"new"
    azml("run", "download", run.id, "--to", ".")  # the same content is nothing to ask about


def test_a_changed_file_is_told_at_download(azml, run, workspace):
    """A copy that is not what was logged says so, and the exit code too."""
    run.upload_file("model.pkl", io.BytesIO(b"stored"))
    (workspace.view.folder(run.id) / "model.pkl").write_bytes(b"forged")

    assert "model.pkl is not what the run stored" in azml("run", "download", run.id, "--to", "copy", code=1).err


def test_a_file_that_is_gone_hides_no_other_at_download(azml, run, workspace, tmp_path):
    """It is named, and the rest is copied."""
    for name in ("a.txt", "b.txt", "c.txt"):
        run.upload_file(name, io.BytesIO(b"stored"))
    folder = workspace.view.folder(run.id)
    (folder / "a.txt").unlink()
    (folder / "b.txt").unlink()
    (folder / "b.txt").mkdir()

    answer = azml("run", "download", run.id, "--to", "copy", code=1)

    assert answer.err.splitlines() == [
        "warning: a.txt is gone; `azml doctor` says more",
        "warning: b.txt cannot be read: Is a directory; `azml doctor` says more",
    ]
    assert answer.out.startswith("1 file, 6 B, in copy")
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["c.txt"]


def test_a_journal_of_a_stranger_cannot_write_outside(azml, run, tmp_path):
    """A run folder from elsewhere is no program: its file names lead nowhere else."""
    from azml_integrations.records import ArtifactStored

    run.upload_file("good.txt", io.BytesIO(b"x"))
    run._append(ArtifactStored("../../escaped.txt", "good.txt", 1, "", 1.0))

    assert "is refused" in azml("run", "download", run.id, "--to", "deep/er", code=1).err
    assert not list(tmp_path.rglob("escaped.txt"))


def test_deleting_frees_the_folder_and_the_index(azml, ended, experiment, workspace):
    """Deleted means deleted: no row, no folder, nothing in the trash, and the freed bytes are told."""
    kept = ended(mse=2.0)
    gone = experiment.start_logging(outputs=False, snapshot_directory=None)
    gone.upload_file("big.bin", io.BytesIO(b"0" * 10_000))
    gone.complete()

    said = azml("run", "delete", gone.id, "--yes", "--purge").out

    assert int(said.split("freed ")[1].split()[0]) > 10_000
    assert not workspace.view.folder(gone.id).exists()
    assert len(workspace.trash) == 0
    assert [run["run_id"] for run in azml("run", "list", "--output", "json").json] == [kept.id]
    azml("run", "show", gone.id, code=3)


def test_deleting_takes_the_children_along(azml, run, workspace):
    """No orphan is left behind, however deep."""
    run.child_run("a").child_run("b")
    for one in [*run.get_children(recursive=True), run]:
        one.complete()

    assert "moved 3 runs to the trash" in azml("run", "delete", "trials/1", "--yes").out
    assert list((workspace.root / "runs").iterdir()) == []


def test_a_run_that_goes_on_is_not_deleted(azml, other_process, workspace):
    """The process would go on writing into nothing."""
    living = other_process()

    assert "goes on" in azml("run", "delete", living.run_id, "--yes", "--force", code=1).err
    assert workspace.view.folder(living.run_id).is_dir()

    living.kill()
    living.wait()
    azml("run", "delete", living.run_id, "--yes")


def test_a_child_that_goes_on_keeps_its_parent(azml, other_process):
    """One living child refuses for the whole family, before anything is gone."""
    child = other_process("parent, run = run, run.child_run(); parent.complete()")
    (parent,) = azml("run", "list", "--output", "json").json

    assert parent["status"] == "Completed"
    assert "goes on" in azml("run", "delete", parent["run_id"], "--yes", code=1).err
    assert azml("run", "show", child.run_id, "--output", "json").json["status"] == "Running"


def test_deleting_asks_and_takes_no_for_an_answer(terminal, ended, workspace):
    """On a terminal there is a question, and no leaves everything."""
    run = ended()

    code, screen = terminal("run", "delete", run.id, typed="n\n")
    assert (code, "Move 1 run (trials/1) to the trash?" in screen) == (1, True)
    assert screen.endswith("nothing deleted\n")
    assert workspace.view.folder(run.id).is_dir()

    code, screen = terminal("run", "delete", run.id, typed="y\n")
    assert (code, "moved 1 run to the trash" in screen) == (0, True)


def test_nobody_is_asked_without_a_terminal(azml, ended, workspace):
    """A cron job gets an error, not a question that hangs."""
    run = ended()

    assert "pass --yes" in azml("run", "delete", run.id, code=2).err
    assert workspace.view.folder(run.id).is_dir()


def test_a_run_is_archived_and_taken_out_again(azml, ended):
    run = ended()
    assert azml("run", "archive", run.id).out == "archived: 1 run\n"
    assert run.archived_time is not None
    assert azml("run", "archive", run.id, "--undo").out == "took out of the archive: 1 run\n"
    assert run.archived_time is None


def test_the_snapshot_of_a_run_comes_back(azml, experiment, tmp_path):
    """Into a new folder; never over what is there."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text("print(1)\n")
    run = experiment.start_logging(outputs=False, snapshot_directory=str(tmp_path / "src"))
    run.complete()
    assert azml("run", "snapshot", run.id, "--to", "copy").out == "1 file, 9 B, in copy\n"
    assert (tmp_path / "copy" / "train.py").read_text() == "print(1)\n"
    assert "not an empty folder" in azml("run", "snapshot", run.id, "--to", "copy", code=1).err
    azml("run", "snapshot", run.id)
    assert (tmp_path / run.get_snapshot_id() / "train.py").exists()


def test_a_run_without_a_snapshot_is_told(azml, ended):
    """With the way to one."""
    assert "has no snapshot" in azml("run", "snapshot", ended().id, code=1).err
