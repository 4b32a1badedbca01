"""``azml doctor``: what it says, and its exit code."""

import csv
import io

from azml_calls import flip

from azml_integrations import journal


def test_a_sound_workspace(azml, ended, workspace):
    """It tells where everything lies, and ends with 0."""
    ended(mse=1.0)

    answer = azml("doctor")

    assert f"workspace: {workspace.name} in {workspace.root}; chosen by the argument --workspace" in answer.out
    assert "versions: azml_integrations " in answer.out
    assert answer.lines[-1] == "nothing is wrong"


def test_a_dead_run_is_found_and_buried(azml, dead_run):
    """1 while something is wrong, 0 when it was mended, and 0 from then on."""
    found = azml("doctor", code=1)
    assert f"dead run: run {dead_run}: the process" in found.out
    assert found.lines[-1] == "1 fault; `azml doctor --repair` mends 1 of them"

    mended = azml("doctor", "--repair")
    assert "repaired: wrote down that it failed" in mended.out
    assert mended.lines[-1] == "1 fault, all repaired"

    assert azml("doctor").lines[-1] == "nothing is wrong"
    told = azml("run", "show", dead_run, "--output", "json").json
    assert (told["status"], told["verdict"], told["error"]["code"]) == ("Failed", None, "ProcessEnded")
    assert told["duration"] < 10


def test_a_damaged_line_stays_a_fault(azml, ended, workspace):
    """What is lost is lost: repair does not hide it, and the place is told."""
    run = ended(loss=[1.0, 2.0, 3.0])
    (path,) = journal.files(workspace.view.folder(run.id))
    flip(path, b'"value":2.0')
    workspace.view.close()

    (row,) = [row for row in azml("doctor", "--output", "json", code=1).json if row["topic"] == "damaged line"]
    line = path.read_bytes()[: row["byte"]].count(b"\n") + 1
    assert (row["level"], row["run_id"], row["line"], row["repairable"], row["repaired"]) == (
        *("fault", run.id, line, False),
        False,
    )

    assert "1 fault" in azml("doctor", "--repair", code=1).lines[-1]


def test_a_run_with_a_damaged_line_shows_the_rest(azml, ended, workspace):
    """While the index remembers the line it is shown; without the index one point is missing, and that is told."""
    run = ended(loss=[1.0, 2.0, 3.0])
    (path,) = journal.files(workspace.view.folder(run.id))
    flip(path, b'"value":2.0')

    def values():
        return [point["value"] for point in azml("run", "metrics", run.id, "loss", "--output", "json").json]

    assert values() == [1.0, 2.0, 3.0]
    workspace.view.close()
    for index in workspace.root.glob("index.db*"):
        index.unlink()
    assert values() == [1.0, 3.0]
    assert azml("run", "show", run.id, "--output", "json").json["damaged_lines"] == 1
    assert "1 journal line could not be read" in azml("run", "show", run.id).out


def test_a_missing_index_is_found_and_made(azml, ended, workspace):
    """Deleting it was harmless, and the doctor says so."""
    ended(mse=1.0)
    workspace.view.close()
    for path in workspace.root.glob("index.db*"):
        path.unlink()

    assert "index missing: index.db: it is not there, 1 run folder beside it" in azml("doctor", code=1).out
    assert "rebuilt it from 1 run folder" in azml("doctor", "--repair").out
    assert azml("doctor").lines[-1] == "nothing is wrong"


def test_findings_are_rows_for_programs(azml, dead_run):
    """The same, in every form, with the same names."""
    columns = ["level", "topic", "run_id", "path", "line", "byte", "message", "repaired", "repair"]

    rows = list(csv.DictReader(io.StringIO(azml("doctor", "--output", "csv", code=1).out)))
    assert list(rows[0]) == columns
    assert [row["run_id"] for row in rows if row["level"] == "fault"] == [dead_run]
    assert set(azml("doctor", "--output", "json", code=1).json[0]) == {*columns, "repairable"}


def test_many_notes_of_one_kind_are_one_line(azml, ended):
    """A hundred harmless lines would hide the one that matters; who wants them all gets them."""
    for _ in range(6):
        ended()

    said = azml("doctor").out

    assert "6 ended runs have journals that are not compressed yet; --repair compresses them\n" in said
    assert "not sealed" not in said
    assert azml("doctor", "--verbose").out.count("not sealed: run ") == 6
    assert [row["topic"] for row in azml("doctor", "--output", "json").json].count("not sealed") == 6
    mended = azml("doctor", "--repair").out
    assert "not compressed yet\n    repaired: 6 of them\n" in mended
    assert mended.count("repaired") == 1


def test_a_note_alone_is_told_whole(azml, ended):
    """With its run: there is something to look at."""
    run = ended()

    assert f"not sealed: run {run.id}: 1 journal of " in azml("doctor").out


def test_faults_come_first(azml, ended, dead_run):
    """What must be done stands above what may be done."""
    ended(), ended()

    said = azml("doctor", code=1).out

    assert said.index("dead run") < said.index("2 ended runs")


def test_a_place_is_named_once(azml, run, workspace):
    """The eye looks for the file, and finds it at one place of the line."""
    run.upload_file("outputs/model.pkl", io.BytesIO(b"stored"))
    run.complete()
    (workspace.view.folder(run.id) / "outputs/model.pkl").write_bytes(b"forged!")
    (path,) = journal.files(workspace.view.folder(run.id))
    flip(path, b'"status"')
    workspace.view.close()
    (workspace.root / "index.db").write_bytes(b"no index at all" * 1000)

    said = azml("doctor", code=1).out

    assert f"file changed: run {run.id}, outputs/model.pkl: it has 7 bytes, 6 were stored\n" in said
    assert "index damaged: index.db: it cannot be used: file is not a database\n" in said
    (line,) = [line for line in said.splitlines() if line.startswith("damaged line")]
    assert line.count(run.id) == 1


def test_progress_is_for_terminals_only(shell, terminal, ended):
    """A log file gets no moving bars."""
    ended()

    assert shell("doctor").stderr == ""
    assert "examining runs" in terminal("doctor")[1]


def test_snapshots_are_no_damage_until_they_are(azml, experiment, tmp_path):
    """A file that is not what was stored is found, removed, and stored anew by the next run."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text("print(1)\n")
    experiment.start_logging(outputs=False, snapshot_directory=str(tmp_path / "src")).complete()
    azml("doctor")
    (place,) = (experiment.workspace.root / "snapshots" / "objects").rglob("*/*")
    place.chmod(0o600)
    place.write_text("print(2)\n")
    azml("doctor", "--sizes-only")
    assert "snapshot damaged" in azml("doctor", code=1).out
    azml("doctor", "--repair", code=1)
    experiment.start_logging(outputs=False, snapshot_directory=str(tmp_path / "src")).complete()
    azml("doctor")
