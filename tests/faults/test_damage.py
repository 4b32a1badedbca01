"""Damaged journals: what can be read is read, what cannot is counted and named, and nobody else is touched."""

import gzip
import json
import os
import random
import re

import pytest
from worlds import again, begin, books, differences, fresh_copy, told, told_afresh, values, without_index

from azml_integrations.core import Run, Workspace
from azml_integrations.errors import IndexWarning


def ended(experiment, points=100) -> Run:
    """Return a run that logged 0, 1, 2 ... and has ended."""
    run = begin(experiment)
    for i in range(points):
        run.log("i", i)
    run.tag("k", "v")
    run.complete()
    for path in books(run):
        if path.suffix == ".gz":  # a story here chooses itself whether its journal is sealed
            path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
            path.unlink()
    return run


def flip(path, offset, bit=0x80) -> None:
    """Turn one bit of a file around."""
    content = bytearray(path.read_bytes())
    content[offset] ^= bit
    path.write_bytes(content)


def line_at(path, needle: bytes) -> int:
    """Return where some text stands in a file."""
    return path.read_bytes().index(needle)


def test_a_torn_last_line_waits_for_its_rest(experiment):
    """Half a line is no line yet: it is not counted as damage, and read when it is whole."""
    run = begin(experiment)
    run.log("i", 0)
    run.log("i", 1)
    path = books(run)[0]
    content = path.read_bytes()
    path.write_bytes(content[:-10])

    reader = Run.get(again(experiment.workspace), run.id)
    assert values(reader, "i") == [0]
    assert reader._record().damaged == 0
    path.write_bytes(content)

    assert values(reader, "i") == [0, 1]


def test_a_line_that_does_not_decode_is_skipped_counted_and_shown(experiment):
    """One flipped bit costs one line, and everybody who looks is told the number."""
    run = ended(experiment)
    flip(books(run)[0], line_at(books(run)[0], b'"value":50') + 1)

    reader = again(experiment.workspace)
    without_index(reader)
    record = reader.find_runs()[0]

    assert values(Run.get(reader, run.id), "i") == [i for i in range(100) if i != 50]
    assert record.damaged == 1
    assert (record.status, record.tags) == ("Completed", {"k": "v"})


def test_a_lost_newline_costs_the_two_lines_that_it_joins(experiment):
    """The byte that was hit may be the end of a line; all others stand."""
    run = ended(experiment)
    path = books(run)[0]
    newline = path.read_bytes().index(b"\n", line_at(path, b'"value":70'))
    flip(path, newline, 0x40)
    without_index(experiment.workspace)

    reader = again(experiment.workspace)
    assert values(Run.get(reader, run.id), "i") == [i for i in range(100) if i not in (70, 71)]
    assert reader.find_runs()[0].damaged == 1


@pytest.mark.parametrize("stretch", [1, 40, 4096])
def test_zero_bytes_in_the_middle(experiment, stretch):
    """A block that never reached the disk comes back as zeros: the lines around it are read."""
    run = ended(experiment, points=300)
    path = books(run)[0]
    content = bytearray(path.read_bytes())
    start = content.index(b'"value":100')
    content[start : start + stretch] = bytes(stretch)
    path.write_bytes(content)
    without_index(experiment.workspace)
    whole = [json.loads(line) for line in content.split(b"\n") if line.endswith(b"}") and b"\0" not in line]

    reader = again(experiment.workspace)
    assert values(Run.get(reader, run.id), "i") == [event["value"] for event in whole if event["event"] == "metric"]
    assert reader.find_runs()[0].damaged == 1
    assert reader.find_runs()[0].status == "Completed"


def test_a_tail_of_zeros_is_a_torn_line(experiment):
    """The file was made longer before the power went: nothing before the tail is lost."""
    run = ended(experiment)
    with books(run)[0].open("ab") as out:
        out.write(bytes(5000))
    without_index(experiment.workspace)

    assert values(Run.get(again(experiment.workspace), run.id), "i") == list(range(100))


def test_an_empty_journal_is_no_run_and_no_hindrance(experiment):
    """A process died between making its file and its first line."""
    run = ended(experiment)
    (books(run)[0].parent / "1-00000000.jsonl").touch()
    lonely = experiment.workspace.root / "runs" / "lonely" / "journal"
    lonely.mkdir(parents=True)
    (lonely / "1-00000000.jsonl").touch()
    without_index(experiment.workspace)

    reader = again(experiment.workspace)
    assert [record.run_id for record in reader.find_runs()] == [run.id]
    assert values(Run.get(reader, run.id), "i") == list(range(100))


def test_a_damaged_first_line_hides_no_point(experiment):
    """Without knowing who wrote, what was written still counts."""
    run = ended(experiment)
    flip(books(run)[0], 3)
    without_index(experiment.workspace)

    reader = again(experiment.workspace)
    assert values(Run.get(reader, run.id), "i") == list(range(100))
    assert (reader.find_runs()[0].damaged, reader.find_runs()[0].status) == (1, "Completed")


def test_a_journal_of_garbage_hides_no_other_run(experiment):
    """Random bytes in place of a journal: the run loses its story, the others keep theirs."""
    healthy, ill = ended(experiment), ended(experiment)
    books(ill)[0].write_bytes(random.Random(1).randbytes(50_000))
    without_index(experiment.workspace)

    reader = again(experiment.workspace)
    assert [record.run_id for record in reader.find_runs()] == [healthy.id]
    assert values(Run.get(reader, healthy.id), "i") == list(range(100))


def test_lines_of_no_run_of_ours_stop_no_reader(experiment):
    """Somebody's tool wrote what decodes but makes no sense: other tables, numbers beyond all columns."""
    run = ended(experiment)
    (books(run)[0].parent / "1-00000000.jsonl").write_bytes(
        b'{"event":"experiment_archived","archived":true,"at":1}\n'
        b'{"event":"metric","name":"i","value":100,"at":1e300,"step":1180591620717411303424}\n'
        b'{"event":"artifact","name":"x","path":"../../../x","size":1180591620717411303424,"sha256":"","at":1}\n'
        b'{"event":"described","at":1}\n'
        b'{"event":"who knows","at":1}\n'
        b"[]\n\n7\n"
    )
    without_index(experiment.workspace)

    reader = again(experiment.workspace)
    assert values(Run.get(reader, run.id), "i") == list(range(101))
    assert reader.find_runs()[0].damaged == 4
    assert differences(told(reader), told_afresh(reader, None)) == []


def test_an_artifact_event_cannot_lead_out_of_the_run(experiment, tmp_path):
    """A journal that was tampered with names a path outside: it is refused, not read."""
    run = ended(experiment)
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    relative = os.path.relpath(secret, run._folder)
    for name, path in (("a.txt", relative), ("b.txt", str(secret))):
        with (books(run)[0].parent / "1-00000000.jsonl").open("ab") as out:
            out.write(
                b'{"event":"artifact","name":"%s","path":"%s","size":6,"sha256":"","at":1}\n'
                % (name.encode(), path.encode())
            )

    for name in ("a.txt", "b.txt"):
        with pytest.raises(ValueError, match="leads elsewhere"):
            run.download_file(name, tmp_path / "copy.txt")
    assert not (tmp_path / "copy.txt").exists()


@pytest.fixture
def sealed(experiment) -> tuple[Run, Run]:
    """Give a test two ended runs with sealed journals, and no index."""
    runs = ended(experiment, 20_000), ended(experiment)
    list(experiment.workspace.view.seal_all())
    assert [path.suffix for run in runs for path in books(run)] == [".gz", ".gz"]
    experiment.workspace.view.close()
    without_index(experiment.workspace)
    return runs


@pytest.mark.parametrize("where", [0.0, 0.3, 0.6, 0.9, -1.0])
def test_a_flipped_byte_in_a_sealed_journal_is_noticed(experiment, sealed, where):
    """gzip's checksum: the file is named, what stands before the damage is read, other runs are not touched."""
    ill, healthy = sealed
    path = books(ill)[0]
    flip(path, -6 if where < 0 else int(path.stat().st_size * where) + (0 if where else 1))

    reader = again(experiment.workspace)
    with pytest.warns(IndexWarning, match=re.escape(str(path))):
        records = {record.run_id: record for record in reader.find_runs()}

    assert records[healthy.id].status == "Completed"
    assert values(Run.get(reader, healthy.id), "i") == list(range(100))
    if where:
        points = values(Run.get(reader, ill.id), "i")
        before = int(20_000 * abs(where) * 0.8)  # the checksum is one for all: what follows the hit may be anything
        assert points[:before] == list(range(before))
        assert records[ill.id].damaged >= 1


def test_a_run_whose_experiment_has_no_possible_name_can_be_read(experiment):
    """A bit that turned over in the name of the experiment hides no run, and leads to no folder."""
    run = ended(experiment, 3)
    path = books(run)[0]
    path.write_bytes(path.read_bytes().replace(b'"trials"', b'"tr/../als"'))
    without_index(experiment.workspace)
    reader = again(experiment.workspace)
    found = Run.get(reader, run.id)
    assert found.experiment.name == "tr/../als"
    assert found.experiment._folder.parent == reader.root / "experiments"
    assert values(found, "i") == [0, 1, 2]


def test_any_flipped_byte_in_a_sealed_journal_is_noticed(experiment, tmp_path):
    """Wherever the bit turns over: noticed or harmless, never a crash, and never a wrong point unsaid."""
    run = ended(experiment, 30)
    list(experiment.workspace.view.seal_all())
    path = books(run)[0]
    whole = path.read_bytes()
    dice = random.Random(7)
    for position in [*range(12), *dice.sample(range(12, len(whole)), 40), *range(len(whole) - 8, len(whole))]:
        path.write_bytes(whole)
        flip(path, position, 1 << dice.randrange(8))
        without_index(experiment.workspace)
        reader = again(experiment.workspace)
        with pytest.WarningsRecorder(_ispytest=True) as told_:
            records = reader.find_runs()
            points = values(Run.get(reader, run.id), "i") if records else []
        reader.view.close()
        assert told_ or points == list(range(30)), f"byte {position} was turned over and nobody noticed"


@pytest.mark.parametrize("left", [0, 3, 19, 500, -1])
def test_a_sealed_journal_cut_short(experiment, sealed, left):
    """A copy that broke off: what came over is read, the rest is named."""
    ill, healthy = sealed
    path = books(ill)[0]
    path.write_bytes(path.read_bytes()[:left])

    reader = again(experiment.workspace)
    with pytest.warns(IndexWarning, match=re.escape(str(path))):
        records = {record.run_id: record for record in reader.find_runs()}

    assert values(Run.get(reader, healthy.id), "i") == list(range(100))
    assert records[healthy.id].status == "Completed"


def test_damage_is_counted_once(experiment, sealed):
    """The same damaged file, looked at a hundred times, is one damage."""
    ill, _ = sealed
    path = books(ill)[0]
    flip(path, path.stat().st_size // 2)

    reader = again(experiment.workspace)
    with pytest.warns(IndexWarning, match="is damaged"):
        first = told(reader)
    for _ in range(5):  # a second warning would be an error
        assert differences(first, told(reader)) == []
        assert differences(first, told(again(experiment.workspace))) == []
    with pytest.warns(IndexWarning, match="is damaged"):
        afresh = told_afresh(experiment.workspace, None)
    assert differences(first, afresh) == []


def test_a_journal_that_shrank_behind_the_index_is_read_anew(experiment, tmp_path):
    """A backup came back, or the power took the last block: the index says what the folders say, not more."""
    run = begin(experiment)
    run.log("i", 0)
    path = books(run)[0]
    early = path.read_bytes()
    for i in range(1, 50):
        run.log("i", i)
    assert len(values(run, "i")) == 50
    path.write_bytes(early)

    assert values(run, "i") == [0]
    assert differences(told(experiment.workspace), told_afresh(experiment.workspace, tmp_path / "new.db")) == []


def test_a_journal_deleted_behind_the_index_is_forgotten(experiment, tmp_path):
    """Also a whole file may go; what the others say stays."""
    run = begin(experiment)
    run.log("i", 0)
    guest = Run(experiment, run.id)
    guest.log("i", 1)
    assert values(run, "i") == [0, 1]
    guests_book = max(books(run), key=lambda path: path.stat().st_mtime_ns)
    guests_book.unlink()

    assert values(run, "i") == [0]
    assert differences(told(experiment.workspace), told_afresh(experiment.workspace, tmp_path / "new.db")) == []


def test_a_run_folder_deleted_behind_the_index_is_gone(experiment):
    """Who deletes a folder has deleted the run; the rest is as it was."""
    import shutil

    run, other = ended(experiment), ended(experiment)
    assert len(experiment.workspace.find_runs()) == 2
    shutil.rmtree(run._folder)

    assert [record.run_id for record in again(experiment.workspace).find_runs()] == [other.id]


def test_a_copied_folder_is_a_copied_run(experiment, tmp_path):
    """Copy the folders and you have copied the runs: damage, sealed files, guests and all."""
    ended(experiment)
    list(experiment.workspace.view.seal_all())
    ill = ended(experiment)
    flip(books(ill)[0], line_at(books(ill)[0], b'"value":50') + 1)
    without_index(experiment.workspace)
    copy = fresh_copy(experiment.workspace, tmp_path / "copy")
    one, other = told(again(experiment.workspace)), told(copy)
    for run_id in one:
        one[run_id].pop("details"), other[run_id].pop("details")  # they name the folder

    assert differences(one, other) == []


def test_a_seal_that_was_killed_half_way_loses_nothing(experiment):
    """Both files are there, or a scrap of one: the run reads the same."""
    run = ended(experiment)
    before = told(experiment.workspace)
    list(experiment.workspace.view.seal_all())
    sealed = books(run)[0]
    content = gzip.decompress(sealed.read_bytes())
    sealed.with_suffix("").write_bytes(content)  # killed before the original went

    assert books(run) == [sealed]
    assert differences(before, told_afresh(experiment.workspace, None)) == []
    assert differences(before, told(experiment.workspace)) == []
    sealed.with_name(f".{sealed.name}.1.partial").write_bytes(sealed.read_bytes()[:50])  # killed before it was whole
    sealed.unlink()

    assert differences(before, told_afresh(experiment.workspace, None)) == []
    assert differences(before, told(experiment.workspace)) == []


def test_the_workspace_description_may_be_damaged(experiment):
    """Without workspace.json nothing can be opened: it is said with the path."""
    (experiment.workspace.root / "workspace.json").write_text("{")

    with pytest.raises(OSError, match=r"workspace\.json"):
        Workspace._at(experiment.workspace.root)
