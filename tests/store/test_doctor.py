"""The doctor finds each fault at its place, and mends what can be mended."""

import gzip
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap

import pytest

from azml_integrations import host, journal
from azml_integrations.core import Experiment, Workspace
from azml_integrations.records import Cursor
from azml_integrations.store import doctor
from azml_integrations.store.doctor import Examination
from azml_integrations.store.opening import index_path


@pytest.fixture
def experiment(workspace):
    return Experiment(workspace, "trials")


@pytest.fixture
def ended(experiment):
    """A run that has ended, its journal not sealed yet."""
    run = experiment.start_logging(outputs=False, snapshot_directory=None)
    for step in range(5):
        run.log("loss", 1 / (step + 1), step=step)
    run.complete()
    return run


@pytest.fixture
def killed(workspace):
    """A run whose process was killed while it logged."""
    script = """
        import os, signal
        from azml_integrations.core import Experiment, Workspace
        run = Experiment(Workspace.get("test"), "trials").start_logging(outputs=False, snapshot_directory=None)
        run.log("loss", 0.5)
        print(run.id, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    process = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True, check=False
    )
    assert process.returncode == -signal.SIGKILL
    return process.stdout.strip()


def examine(workspace, *, repair=False, **options):
    """Return (topic, finding) of all but facts, and but what else is installed; a repair that fails fails the test."""
    found = []
    workspace.view.close()  # a doctor is another process; this one must not hold the index open
    for finding in Examination(workspace.root, index_path(workspace.root), **options).findings():
        if finding.level != "fact" and finding.topic != "plugin":
            found.append((finding.topic, finding))
        if repair and finding.remedy is not None:
            worked, said = doctor.mended(finding)
            assert worked, said
    return found


def faults(workspace, **options):
    return [topic for topic, finding in examine(workspace, **options) if finding.level == "fault"]


def journal_of(workspace, run):
    (path,) = journal.files(workspace.view.folder(getattr(run, "id", run)))
    return path


def flip(path, wanted):
    """Flip the highest bit of the first byte of `wanted`; return where."""
    content = bytearray(path.read_bytes())
    place = content.index(wanted)
    content[place] ^= 0x80
    path.write_bytes(content)
    return place


def test_a_sound_workspace_has_no_faults(workspace, ended):
    """Nothing is wrong, and the examination itself changes nothing."""
    before = {path: path.stat().st_mtime_ns for path in workspace.root.rglob("*") if path.is_file()}

    assert faults(workspace) == []
    after = {path: path.stat().st_mtime_ns for path in workspace.root.rglob("*") if path.is_file()}
    assert {path: at for path, at in after.items() if "index.db" not in path.name} == {
        path: at for path, at in before.items() if "index.db" not in path.name
    }


def test_a_dead_run_is_buried(workspace, killed):
    """What readers only judged is written down, with the moment of the last sign of life."""
    judged = workspace.get_run(killed)._record()

    ((topic, finding),) = [
        one for one in examine(workspace, repair=True) if one[1].level == "fault" and one[0] == "dead run"
    ]

    assert (topic, finding.run_id) == ("dead run", killed)
    buried = Workspace.get("test").get_run(killed)._record()
    assert (buried.status, buried.verdict, buried.error.code) == ("Failed", None, "ProcessEnded")
    assert buried.ended_at == judged.ended_at
    assert Workspace.get("test").get_run(killed).get_metrics() == {"loss": 0.5}
    assert faults(workspace) == []


def test_a_living_run_is_left_alone(workspace, experiment):
    """A quiet run is no dead run."""
    run = experiment.start_logging(outputs=False, snapshot_directory=None)
    run.log("loss", 1.0)

    assert examine(workspace, repair=True) == []
    assert run.get_status() == "Running"


def test_a_run_of_another_machine_is_not_judged(workspace, ended):
    """From here nobody can see whether it lives: it is mentioned, not buried."""
    path = journal_of(workspace, ended)
    lines = [line for line in path.read_bytes().splitlines(keepends=True) if b"Completed" not in line]
    path.write_bytes(b"".join(lines).replace(f'"host":"{host.name()}"'.encode(), b'"host":"faraway"'))

    found = dict(examine(workspace, repair=True))

    assert (found["run elsewhere"].level, found["run elsewhere"].run_id) == ("note", ended.id)
    assert "dead run" not in found
    assert workspace.get_run(ended.id).get_status() == "Running"


def test_a_flipped_byte_is_found_at_its_place(workspace, ended):
    """File, line and byte are named; the other lines are all there, and no byte of the file is touched."""
    path = journal_of(workspace, ended)
    place = flip(path, b'"step":2')
    content = path.read_bytes()

    found = dict(examine(workspace, repair=False))["damaged line"]

    line = content[:place].count(b"\n") + 1
    assert (found.path, found.line, found.run_id) == (f"runs/{ended.id}/journal/{path.name}", line, ended.id)
    start = content.rfind(b"\n", 0, place) + 1
    assert start <= found.byte <= content.index(b"\n", place)
    assert found.remedy is None
    examine(workspace, repair=True)
    (sealed,) = journal.files(workspace.view.folder(ended.id))
    assert gzip.decompress(sealed.read_bytes()) == content
    assert "damaged line" in faults(workspace)


def test_a_sealed_journal_that_fails_its_checksum(workspace, ended):
    """It is named, and what lies before the damage can still be read."""
    examine(workspace, repair=True)
    path = journal_of(workspace, ended)
    assert path.suffix == ".gz"
    whole = [event for batch in journal.read(path, Cursor()) for event in batch.events]
    content = bytearray(path.read_bytes())
    content[-6] ^= 1  # the checksum itself
    path.write_bytes(content)

    found = dict(examine(workspace))["sealed journal damaged"]

    assert (found.path, found.line) == (f"runs/{ended.id}/journal/{path.name}", len(whole) + 1)
    assert "CRC" in found.message
    batches = journal.read(path, Cursor())
    read = next(batches).events
    with pytest.raises(OSError, match="CRC"):
        next(batches)
    assert read == whole


def test_a_torn_last_line_is_harmless(workspace, killed):
    """A call that never returned is mentioned, not mourned, and its bytes stay."""
    path = journal_of(workspace, killed)
    whole = path.stat().st_size
    with path.open("ab") as file:
        file.write(b'{"event":"metric","name":"lo')

    found = dict(examine(workspace))["torn last line"]

    assert (found.level, found.byte) == ("note", whole)
    examine(workspace, repair=True)
    sealed = [gzip.decompress(path.read_bytes()) for path in journal.files(workspace.view.folder(killed))]
    assert any(content.endswith(b'"name":"lo') for content in sealed)
    assert workspace.get_run(killed).get_metrics() == {"loss": 0.5}


def test_a_missing_index_is_made_again(workspace, ended):
    """The index is a view: it comes back with the same content."""
    before = workspace.view.of(ended.id).summaries(ended.id)
    workspace.view.close()
    for name in ("index.db", "index.db-wal", "index.db-shm"):
        (workspace.root / name).unlink(missing_ok=True)

    assert faults(workspace) == ["index missing"]
    assert not (workspace.root / "index.db").exists()
    assert faults(workspace, repair=True) == ["index missing"]
    assert faults(workspace) == []
    assert workspace.view.of(ended.id).summaries(ended.id) == before


@pytest.mark.parametrize(
    ("content", "topic"),
    [
        (b"", "index emptied"),
        (b"no index at all" * 1000, "index damaged"),
        (b"SQLite format 3\0" + b"\xff" * 9000, "index damaged"),
    ],
)
def test_a_damaged_index_is_set_aside_and_made_again(workspace, ended, content, topic):
    """The damaged file is kept as it is, under a number: nobody's bytes are overwritten."""
    workspace.view.close()
    index = workspace.root / "index.db"
    for number in (1, 2):
        index.write_bytes(content)
        assert faults(workspace, repair=True) == [topic]
        assert (workspace.root / f"index.db.damaged-{number}").read_bytes() == content
        assert faults(workspace) == []
    assert len(workspace.find_runs()) == 1


def test_an_index_with_a_torn_page_is_damaged(workspace, experiment):
    """A page in the middle went bad: SQLite would answer some questions and stumble over others."""
    for _ in range(30):
        experiment.start_logging(outputs=False, snapshot_directory=None).complete()
    workspace.find_runs()
    workspace.view.close()
    index = workspace.root / "index.db"
    content = bytearray(index.read_bytes())
    for page in range(2, len(content) // 4096):
        content[page * 4096 : page * 4096 + 100] = b"\xa5" * 100
    index.write_bytes(content)

    assert faults(workspace, repair=True)[0] == "index damaged"
    assert len(workspace.find_runs()) == 30


def test_a_newer_index_is_left_alone(workspace, ended):
    """It belongs to a newer version: the advice is to upgrade, and repair does not touch it."""
    workspace.view.close()
    with sqlite3.connect(workspace.root / "index.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()

    assert faults(workspace, repair=True) == faults(workspace) == ["index newer"]


def test_the_index_and_the_folders_agree_again(workspace, experiment, ended):
    """Runs that it lacks, runs whose folder is gone, and runs of which it says something else."""
    import shutil

    gone = experiment.start_logging(outputs=False, snapshot_directory=None)
    gone.complete()
    workspace.find_runs()
    workspace.view.close()
    shutil.copytree(workspace.view.folder(ended.id), workspace.view.folder("copied"))
    shutil.rmtree(workspace.view.folder(gone.id))
    with sqlite3.connect(workspace.root / "index.db") as db:
        db.execute("UPDATE metrics SET min = -1 WHERE run_id = ?", (ended.id,))
    db.close()

    assert faults(workspace) == ["index incomplete", "index outdated", "index outdated"]
    faults(workspace, repair=True)
    assert faults(workspace) == []
    assert {record.run_id for record in workspace.find_runs()} == {ended.id, "copied"}
    assert workspace.view.of(ended.id).summaries(ended.id)[0].min == 0.2


def test_a_shortened_journal_outdates_the_index(workspace, ended):
    """After a power loss or a restored backup the folder counts, not what was once read of it."""
    path = journal_of(workspace, ended)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))

    assert "index outdated" in faults(workspace)
    faults(workspace, repair=True)
    assert faults(workspace) == []


def test_journals_of_ended_runs_are_sealed(workspace, ended):
    """They can be read as before, and take less room."""
    path = journal_of(workspace, ended)
    content = path.read_bytes()
    assert ("not sealed", "note") in [(topic, finding.level) for topic, finding in examine(workspace)]

    examine(workspace, repair=True)

    sealed = journal_of(workspace, ended)
    assert sealed.name == path.name + ".gz"
    assert gzip.decompress(sealed.read_bytes()) == content
    assert examine(workspace) == []


def test_a_crash_while_sealing_leaves_a_copy_that_goes(workspace, ended):
    """The original beside its sealed copy is removed only when both say the same."""
    path = journal_of(workspace, ended)
    original = path.read_bytes()
    examine(workspace, repair=True)
    path.write_bytes(original)

    assert faults(workspace, repair=True) == ["sealed twice"]
    assert not path.exists()

    path.write_bytes(original[:-10])
    assert "sealed twice" in faults(workspace, repair=True)
    assert path.exists()


def test_what_an_interrupted_copy_left_is_cleared(workspace, ended, experiment):
    """A partial file of a dead process goes; one that a living process writes stays."""
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], stdout=subprocess.PIPE, check=True)
    folder = workspace.view.folder(ended.id)
    left = folder / f".model.pkl.{int(dead.stdout)}.a1b2c3.partial"
    busy = folder / f".model.pkl.{os.getpid()}.a1b2c3.partial"
    left.touch(), busy.touch()

    assert faults(workspace, repair=True) == ["left over"]
    assert (left.exists(), busy.exists()) == (False, True)


def test_an_interrupted_deletion_is_finished(workspace, ended):
    """What lies in the trash is no run any more."""
    (workspace.root / "trash" / "r1-1").mkdir(parents=True)
    (workspace.root / "trash" / "r1-1" / "big").write_bytes(b"0" * 100)

    assert faults(workspace, repair=True) == ["left over"]
    assert not (workspace.root / "trash").exists()


def test_files_that_are_gone_or_changed_are_named(workspace, experiment):
    """A model that is not the one that was stored is worth a word, also at the same size."""
    import io

    run = experiment.start_logging(outputs=False, snapshot_directory=None)
    for name in ("gone", "longer", "forged", "sound"):
        run.upload_file(name, io.BytesIO(b"stored"))
    run.complete()
    folder = workspace.view.folder(run.id)
    (folder / "gone").unlink()
    (folder / "longer").write_bytes(b"longer than before")
    (folder / "forged").write_bytes(b"forged")

    found = [(finding.path, topic) for topic, finding in examine(workspace) if finding.level == "fault"]

    assert found == [("forged", "file changed"), ("gone", "file gone"), ("longer", "file changed")]
    assert faults(workspace, contents=False) == ["file gone", "file changed"]


def test_a_link_out_of_the_run_is_a_fault(workspace, experiment, tmp_path):
    """A file of the run that leads elsewhere is named, and not read."""
    import io

    run = experiment.start_logging(outputs=False, snapshot_directory=None)
    run.upload_file("model.pkl", io.BytesIO(b"stored"))
    run.complete()
    path = workspace.view.folder(run.id) / "model.pkl"
    path.unlink()
    path.symlink_to("/etc/hostname")

    assert faults(workspace) == ["file outside"]


def test_a_folder_that_says_nothing(workspace, ended):
    """An empty folder is removed; a journal without the run's beginning is named."""
    empty = workspace.view.folder("empty")
    empty.mkdir()
    os.utime(empty, (1, 1))
    silent = workspace.view.folder("silent") / "journal"
    silent.mkdir(parents=True)
    (silent / "1-a.jsonl").write_bytes(b"{}\n")

    found = faults(workspace, repair=True)

    assert "empty run" in found
    assert "run unreadable" in found
    assert (empty.exists(), silent.exists()) == (False, True)


def test_a_run_whose_journal_is_gone(workspace, ended):
    """Files without a word about them: the fault names the folder and what is left in it, and touches nothing."""
    import shutil

    folder = workspace.view.folder(ended.id)
    (folder / "outputs").mkdir()
    (folder / "outputs" / "model.pkl").write_bytes(b"stored")
    (folder / "readme").touch()
    shutil.rmtree(folder / "journal")

    finding = dict(examine(workspace, repair=True))["run without journal"]

    assert (finding.level, finding.run_id, finding.path) == ("fault", ended.id, f"runs/{ended.id}")
    assert "files left: about/, outputs/, readme" in finding.message
    assert (folder / "outputs" / "model.pkl").read_bytes() == b"stored"


def test_folders_without_a_file_are_an_empty_run(workspace, ended):
    """The process ended between making the folder and making the journal in it."""
    empty = workspace.view.folder("empty")
    (empty / "journal").mkdir(parents=True)
    os.utime(empty, (1, 1))

    assert faults(workspace, repair=True) == ["empty run"]
    assert not empty.exists()


def test_a_folder_that_cannot_be_read_hides_no_other(workspace, ended):
    """The doctor goes on, and the other runs are examined and listed."""
    knot = workspace.view.folder("0-knot") / "journal"
    knot.parent.mkdir()
    knot.symlink_to(knot)

    found = examine(workspace, repair=True)

    assert [finding.run_id for topic, finding in found if topic == "run unreadable"] == ["0-knot"]
    assert [finding.run_id for topic, finding in found if topic == "not sealed"] == [ended.id]


def test_an_experiment_that_cannot_be_read_is_named(workspace, ended):
    """It hides no other."""
    (workspace.root / "experiments" / "trials" / "experiment.json").write_text("{")

    assert faults(workspace) == ["experiment unreadable"]


def test_a_plugin_that_cannot_be_used_is_named(workspace, monkeypatch):
    """The doctor knows why autolog stays silent."""
    from azml_integrations import plugins
    from azml_integrations.entries import Entry

    monkeypatch.setattr(plugins, "entries", lambda group: [Entry("broken", "no_such_module_anywhere")])
    monkeypatch.setenv("AZML_PLUGINS", "broken")

    assert faults(workspace) == ["plugin failed"]
    plugins.plugins.cache_clear()


def test_a_remedy_that_fails_says_why(workspace, ended, monkeypatch):
    """A full disk stops the doctor's hand, not its report."""

    def refuse(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "seal", refuse)
    workspace.view.close()
    (unsealed,) = [one for one in Examination(workspace.root, index_path(workspace.root)).findings() if one.remedy]

    assert doctor.mended(unsealed) == (False, "[Errno 28] No space left on device")
