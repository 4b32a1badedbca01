"""Snapshots: what a folder held, kept by content, given back exactly."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azml_integrations.errors import (
    OptionError,
    SnapshotException,
    SnapshotNotFoundError,
    SnapshotTooLargeError,
    SourceNotFoundError,
    StoreError,
    UserErrorException,
)
from azml_integrations.launch import snapshot as module
from azml_integrations.launch.snapshot import Snapshots


@pytest.fixture
def source(tmp_path) -> Path:
    folder = tmp_path / "source"
    (folder / "lib").mkdir(parents=True)
    (folder / "train.py").write_text("import lib.a\n")
    (folder / "lib/a.py").write_text("x = 1\n")
    (folder / "empty").mkdir()
    return folder


@pytest.fixture
def snapshots(tmp_path) -> Snapshots:
    return Snapshots(tmp_path / "workspace" / "snapshots")


def tree(folder: Path) -> dict[bytes, bytes | None]:
    """Return content by path; None for a folder."""
    root = os.fsencode(folder)
    found = {}
    for place, folders, files in os.walk(root):
        for name in folders:
            found[os.path.relpath(place + b"/" + name, root)] = None
        for name in files:
            path = place + b"/" + name
            found[os.path.relpath(path, root)] = Path(os.fsdecode(path)).read_bytes()
    return found


def reads(monkeypatch) -> list[str]:
    """Return a list to which each file that is read adds its name."""
    seen = []
    opened = module._opened
    monkeypatch.setattr(module, "_opened", lambda place: seen.append(Path(place).name) or opened(place))
    return seen


# -- the same content has the same id ----------------------------------------------------------------


def test_a_snapshot_tells_what_it_holds(snapshots, source):
    """Path, sum, length and permissions of each file; the folders that would be missing; what is left out."""
    (source / ".env").write_text("KEY=1")
    (source / "train.py").chmod(0o755)
    (source / "lib/a.py").chmod(0o640)
    taken = snapshots.take(source)
    assert [(file.path, file.size, oct(file.mode)) for file in taken.files] == [
        ("lib/a.py", 6, "0o640"),
        ("train.py", 13, "0o755"),
    ]
    assert taken.files[0].sha256 == sha256(b"x = 1\n").hexdigest()
    assert (taken.folders, taken.size) == (("empty",), 19)
    assert [(left.path, left.reason) for left in taken.left_out] == [(".env", "it may hold secrets")]
    assert snapshots.get(taken.id) == taken


def test_an_unchanged_folder_has_the_same_id_and_is_not_read_again(snapshots, source, monkeypatch):
    """Wherever it lies, and whenever it was written."""
    monkeypatch.setattr(module, "RACY", -1_000_000_000)  # as if the files were old
    first = snapshots.take(source)
    seen = reads(monkeypatch)
    assert snapshots.take(source) == first
    assert seen == []

    moved = source.rename(source.with_name("elsewhere"))
    assert snapshots.take(moved).id == first.id
    assert Snapshots(snapshots.root.with_name("others")).take(moved).id == first.id


def test_only_what_changed_is_read(snapshots, source, monkeypatch):
    """And each change is a new id: content, name, permission, an empty folder."""
    monkeypatch.setattr(module, "RACY", -1_000_000_000)
    ids = [snapshots.take(source).id]
    seen = reads(monkeypatch)
    (source / "lib/a.py").write_text("x = 2\n")  # as long as before
    ids.append(snapshots.take(source).id)
    assert seen == ["a.py"]

    (source / "train.py").chmod(0o700)
    ids.append(snapshots.take(source).id)
    (source / "lib/a.py").rename(source / "lib/b.py")
    ids.append(snapshots.take(source).id)
    (source / "more").mkdir()
    ids.append(snapshots.take(source).id)
    assert len(set(ids)) == 5


def test_a_change_within_the_same_tick_is_seen(snapshots, source, monkeypatch):
    """A clock stands still between its ticks: size, times and inode are then the same, and the content is not."""
    file = source / "train.py"
    first = snapshots.take(source)
    facts = file.stat()
    real = module._signature
    monkeypatch.setattr(module, "_signature", lambda seen: real(facts) if seen.st_ino == facts.st_ino else real(seen))
    file.write_text("import lib.b\n")
    assert snapshots.take(source).id != first.id


def test_a_file_that_was_old_enough_is_known_again(snapshots, source, monkeypatch):
    """Else every file of a folder would be read for ever."""
    later = time.time_ns() + 3_000_000_000
    monkeypatch.setattr(module.time, "time_ns", lambda: later)
    snapshots.take(source)
    seen = reads(monkeypatch)
    snapshots.take(source)
    assert seen == []


def test_times_that_were_set_back_deceive_nobody(snapshots, source, monkeypatch):
    """``touch -d`` and unpacking set the time of content; nobody sets that of the facts."""
    monkeypatch.setattr(module, "RACY", -1_000_000_000)
    file = source / "train.py"
    first, facts = snapshots.take(source), file.stat()
    file.write_text("import lib.b\n")
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert snapshots.take(source).id != first.id


def test_a_file_that_changes_while_it_is_read_is_read_again(snapshots, source, monkeypatch):
    """A snapshot does not hold half of one version and half of another."""
    file = source / "train.py"
    put, contents = Snapshots._put, iter(("a" * 20, "b" * 21))

    def changing(self, stream, mode, limit, seen):
        if seen.path == "train.py" and (content := next(contents, None)):
            file.write_text(content)
        return put(self, stream, mode, limit, seen)

    monkeypatch.setattr(Snapshots, "_put", changing)
    assert snapshots.take(source).files[-1].sha256 == sha256(b"b" * 21).hexdigest()


def test_a_file_that_never_stands_still_is_taken_as_it_was_read(snapshots, source, monkeypatch):
    """A log that somebody writes must not keep a script from being submitted."""
    put = Snapshots._put

    def growing(self, stream, mode, limit, file):
        answer = put(self, stream, mode, limit, file)
        with Path(file.place).open("a") as out:
            out.write("more\n")
        return answer

    monkeypatch.setattr(Snapshots, "_put", growing)
    taken = snapshots.take(source)
    snapshots.restore(taken.id, source.with_name("copy"))
    assert {file.path: file.size for file in taken.files}["train.py"] == 13 + 2 * 5


def test_a_file_that_vanishes_meanwhile_is_no_error(snapshots, source, monkeypatch):
    """An editor's temporary file."""
    opened = module._opened

    def gone(place):
        Path(place).unlink() if place.endswith("a.py") else None
        return opened(place)

    monkeypatch.setattr(module, "_opened", gone)
    taken = snapshots.take(source)
    assert [file.path for file in taken.files] == ["train.py"]
    assert [left.path for left in taken.left_out] == ["lib/a.py"]


def test_notes_that_are_damaged_are_made_anew(snapshots, source, monkeypatch):
    """They only save time."""
    monkeypatch.setattr(module, "RACY", -1_000_000_000)
    first = snapshots.take(source)
    assert len(list((snapshots.root / "folders").iterdir())) == 1
    for notes in (snapshots.root / "folders").iterdir():
        notes.write_bytes(b"\xc1")
    assert snapshots.take(source) == first


def test_a_single_file_is_a_snapshot_too(snapshots, source):
    """``take_snapshot`` of SDK v1 takes a file or a folder."""
    taken = snapshots.take(source / "lib/a.py")
    assert [file.path for file in taken.files] == ["a.py"]
    snapshots.restore(taken.id, source.with_name("copy"))
    assert (source.with_name("copy") / "a.py").read_text() == "x = 1\n"


def test_equal_files_are_stored_once(snapshots, source):
    """By content, whatever their names."""
    for name in "abc":
        (source / name).write_bytes(b"0" * 3_000_000)  # longer than what is read at once
    snapshots.take(source)
    stored = [path for path in (snapshots.root / "objects").rglob("*") if path.is_file()]
    assert len(stored) == 3


# -- giving back -------------------------------------------------------------------------------------

_NAME = st.binary(min_size=1, max_size=12).filter(
    lambda name: not {0, 47} & set(name) and name not in (b".", b"..", b".amlignore", b".gitignore")
)


@settings(max_examples=40)
@given(
    content=st.dictionaries(
        st.lists(_NAME, min_size=1, max_size=3).map(b"/".join),
        st.one_of(st.none(), st.binary(max_size=100)),
        max_size=8,
    )
)
def test_what_is_restored_is_what_was_there(tmp_path_factory, content):
    """Names of any bytes: blanks, newlines, what is no UTF-8; empty files and folders."""
    base = tmp_path_factory.mktemp("world")
    source = base / "source"
    source.mkdir()
    for path, text in content.items():
        place = Path(os.fsdecode(os.fsencode(source) + b"/" + path))
        try:
            (place if text is None else place.parent).mkdir(parents=True, exist_ok=True)
            if text is not None:
                place.write_bytes(text)
        except OSError:  # a file stands in the way of a folder
            continue
    snapshots = Snapshots(base / "workspace" / "snapshots")
    taken = snapshots.take(source)
    assert not taken.left_out
    snapshots.restore(taken.id, base / "copy")
    assert tree(base / "copy") == tree(source)
    assert snapshots.get(taken.id) == taken


def test_copies_are_real_and_keep_their_permissions(snapshots, source, tmp_path):
    """A script may write into its copy; the store and the next copy do not notice."""
    (source / "train.py").chmod(0o750)
    taken = snapshots.take(source)
    snapshots.restore(taken.id, tmp_path / "one")
    assert (tmp_path / "one/train.py").stat().st_mode & 0o777 == 0o750
    (tmp_path / "one/train.py").write_text("changed")
    snapshots.restore(taken.id, tmp_path / "two")
    assert tree(tmp_path / "two") == tree(source)
    assert tree(tmp_path / "one")[b"train.py"] == b"changed"


def test_large_files_come_back_where_blocks_cannot_be_shared(snapshots, source, tmp_path, monkeypatch):
    """Another disk, an old kernel, another system: bytes are copied."""
    (source / "data").write_bytes(os.urandom(3_000_001))
    taken = snapshots.take(source)

    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    snapshots.restore(taken.id, tmp_path / "one")
    monkeypatch.delattr(os, "copy_file_range")
    snapshots.restore(taken.id, tmp_path / "two")
    assert tree(tmp_path / "one") == tree(tmp_path / "two") == tree(source)


def test_a_snapshot_is_restored_into_a_folder_of_its_own(snapshots, source, tmp_path):
    """An empty one will do; in any other it would mix with what is there, or follow a link out of it."""
    taken = snapshots.take(source)
    (tmp_path / "empty").mkdir()
    snapshots.restore(taken.id, tmp_path / "empty")
    assert tree(tmp_path / "empty") == tree(source)

    (tmp_path / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "file").write_text("mine")
    for target in (tmp_path / "empty", tmp_path / "link", tmp_path / "file"):
        with pytest.raises(UserErrorException, match="not an empty folder"):
            snapshots.restore(taken.id, target)
    assert not (tmp_path / "outside").exists()
    assert (tmp_path / "file").read_text() == "mine"


def forge(snapshots: Snapshots, content: object) -> str:
    """Write a snapshot down as somebody might who means no good, with the right id."""
    told = json.dumps(content).encode()
    identity = module._id_of(told)
    (snapshots.root / f"{identity}.json").write_bytes(told)
    return identity


@pytest.mark.parametrize(
    "path", ["../evil", "/tmp/evil", "a/../../evil", "", ".", "..", "a//b", "a/", "./a", "a\0b", None, 7, ["a"]]
)
def test_no_name_becomes_a_path_unchecked(snapshots, source, tmp_path, path):
    """A workspace may have been copied from anywhere."""
    digest = snapshots.take(source).files[0].sha256
    for forged in ({"files": [[path, digest, 6, 420]], "folders": []}, {"files": [], "folders": [path]}):
        with pytest.raises(SnapshotException, match="cannot be believed"):
            snapshots.restore(forge(snapshots, forged), tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        {"files": [], "folders": 3},
        {"files": [["a"]], "folders": []},
        {"files": [["a", "../../x", 1, 420]], "folders": []},
        {"files": [["a", "{}", "x", 420]], "folders": []},
        {"files": [["a", "{}", 6, 420], ["a", "{}", 6, 420]], "folders": []},
        {"files": [["a", "{}", 6, 420], ["a/b", "{}", 6, 420]], "folders": []},
        {"files": [["a", "{}", 6, 420]], "folders": ["a"]},
    ],
)
def test_a_manifest_that_is_none_is_one_clear_error(snapshots, source, tmp_path, content):
    """Whatever its shape."""
    digest = snapshots.take(source).files[0].sha256
    forged = json.loads(json.dumps(content).replace("{}", digest)) if content else content
    with pytest.raises(SnapshotException, match="cannot be believed"):
        snapshots.restore(forge(snapshots, forged), tmp_path / "copy")


@pytest.mark.parametrize(
    "snapshot_id", ["no", "../../etc/passwd", "", None, "0" * 36, "a" * 8 + "-0000" * 3 + "-" + "0" * 12]
)
def test_an_unknown_snapshot_is_one_clear_error(snapshots, snapshot_id):
    """An id is checked before it becomes a path."""
    with pytest.raises(SnapshotNotFoundError, match="no snapshot") as caught:
        snapshots.get(snapshot_id)
    assert caught.value.snapshot_id == snapshot_id
    assert isinstance(caught.value, KeyError)


def test_damage_is_told_and_mended_by_the_next_snapshot(snapshots, source, tmp_path):
    """A power loss may cut files short that were just written."""
    taken = snapshots.take(source)
    for path, pattern in (
        (snapshots._path(taken.files[0].sha256), "another length"),
        (snapshots.root / f"{taken.id}.json", "not what was written"),
    ):
        Path(path).chmod(0o600)
        os.truncate(path, 3)
        with pytest.raises(SnapshotException, match=pattern):
            snapshots.restore(taken.id, tmp_path / "copy")
        assert not (tmp_path / "copy").exists()
        assert snapshots.take(source) == taken
        assert Path(path).stat().st_size > 3
    Path(snapshots._path(taken.files[0].sha256)).unlink()
    with pytest.raises(SnapshotException, match="is gone"):
        snapshots.zip(taken.id, tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()
    snapshots.take(source)
    snapshots.restore(taken.id, tmp_path / "copy")
    assert tree(tmp_path / "copy") == tree(source)
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".partial")] == []


def test_a_zip_is_the_same_bytes_each_time(snapshots, source, tmp_path):
    """With permissions and empty folders; the times are the earliest that a zip can tell."""
    (source / "train.py").chmod(0o755)
    (source / "bäd\n").write_text("odd")
    Path(os.fsdecode(os.fsencode(source) + b"/\xff")).write_text("odder")
    taken = snapshots.take(source)
    path = snapshots.zip(taken.id, tmp_path / "a.zip")
    (tmp_path / "folder").mkdir()
    again = snapshots.zip(taken.id, tmp_path / "folder")
    assert (path, again) == (tmp_path / "a.zip", tmp_path / "folder" / f"{taken.id}.zip")
    assert path.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        facts = {info.filename: oct(info.external_attr >> 16) for info in archive.infolist()}
        assert archive.read("lib/a.py") == b"x = 1\n"
    assert facts == {
        "bäd\n": "0o100644",
        "empty/": "0o40755",
        "lib/a.py": "0o100644",
        "train.py": "0o100755",
        "\\udcff": "0o100644",
    }


# -- bad input ---------------------------------------------------------------------------------------


def test_a_folder_that_is_too_large_is_refused_before_it_is_read(snapshots, source, monkeypatch):
    """With its largest files, and two ways out."""
    for number in range(8):
        (source / f"data{number}.bin").write_bytes(b"0" * (1_000_000 + number))
    seen = reads(monkeypatch)
    with pytest.raises(
        SnapshotTooLargeError, match=r"8\.0 MB.*at most 2\.0 MB.*data7\.bin.*\.amlignore.*AZML_SNAPSHOT_MAX_MB"
    ) as caught:
        snapshots.take(source, limit=2_000_000)
    assert [name for name, _ in caught.value.largest] == [f"data{number}.bin" for number in (7, 6, 5, 4, 3)]
    assert seen == []
    assert not snapshots.root.exists()

    (source / ".amlignore").write_text("*.bin\n")
    assert len(snapshots.take(source, limit=2_000_000).files) == 3


def test_the_limit_stands_in_the_environment(snapshots, source, monkeypatch):
    """In megabytes; what is no number is told."""
    monkeypatch.setenv("AZML_SNAPSHOT_MAX_MB", "0.00001")
    with pytest.raises(SnapshotTooLargeError):
        snapshots.take(source)
    monkeypatch.setenv("AZML_SNAPSHOT_MAX_MB", "inf")
    snapshots.take(source)
    for wrong in ("many", "-1", "nan", "0"):
        monkeypatch.setenv("AZML_SNAPSHOT_MAX_MB", wrong)
        with pytest.raises(OptionError, match="AZML_SNAPSHOT_MAX_MB"):
            snapshots.take(source)


def test_a_file_that_grows_past_the_limit_is_refused(snapshots, source, monkeypatch):
    """One that somebody writes faster than we read would never end."""
    (source / "log").write_bytes(b"0" * 2_000_000)
    opened = module._opened

    def grow(place):
        if place.endswith("log"):
            os.truncate(place, 50_000_000)
        return opened(place)

    monkeypatch.setattr(module, "_opened", grow)
    with pytest.raises(SnapshotTooLargeError):
        snapshots.take(source, limit=3_000_000)
    assert list(snapshots.root.glob("*.json")) == []
    assert list(snapshots.root.glob(".*.partial")) == []


def test_a_source_that_is_none_is_one_clear_error(snapshots, source, tmp_path):
    """Missing, no folder, or the workspace itself."""
    os.mkfifo(tmp_path / "pipe")
    for wrong in (tmp_path / "missing", source / "train.py" / "x", tmp_path / "pipe", Path("a\0b")):
        with pytest.raises(SourceNotFoundError, match="to take a snapshot of"):
            snapshots.take(wrong)
    snapshots.take(source)
    with pytest.raises(UserErrorException, match="the workspace itself"):
        snapshots.take(snapshots.root.parent)


def test_files_that_cannot_be_read_are_named_together(snapshots, source, monkeypatch):
    """One error for all of them, and no snapshot with holes."""
    opened = module._opened

    def refuse(place):
        if place.endswith(".py"):
            raise PermissionError(13, "Permission denied")
        return opened(place)

    monkeypatch.setattr(module, "_opened", refuse)
    with pytest.raises(SnapshotException, match=r"2 of the files.*lib/a\.py \(Permission denied\), train\.py"):
        snapshots.take(source)
    assert list(snapshots.root.glob("*.json")) == []


def test_a_folder_that_cannot_be_read_is_named(snapshots, source, monkeypatch):
    """As a file."""
    scandir = os.scandir

    def refuse(place):
        if str(place).endswith("lib"):
            raise PermissionError(13, "Permission denied")
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SnapshotException, match=r"lib/ \(Permission denied\).*\.amlignore"):
        snapshots.take(source)


def test_a_disk_that_refuses_is_a_store_error(snapshots, source, tmp_path, monkeypatch):
    """When the store is made, when an object is written, when a copy is."""
    (tmp_path / "workspace").write_text("a file in the way")
    with pytest.raises(StoreError):
        snapshots.take(source)
    (tmp_path / "workspace").unlink()

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(StoreError, match="No space left"):
            snapshots.take(source)
    assert list(snapshots.root.glob("*.json")) == []

    taken = snapshots.take(source)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        snapshots.restore(taken.id, tmp_path / "file" / "copy")


def test_the_workspace_is_no_part_of_what_lies_around_it(source):
    """A workspace in the project folder must not copy itself."""
    snapshots = Snapshots(source / "home" / "snapshots")
    first = snapshots.take(source)
    again = snapshots.take(source)
    assert again.id == first.id
    assert [left.path for left in again.left_out] == ["home/"]


def test_a_working_copy_within_the_workspace_can_be_a_source(snapshots, source):
    """A submitted script may submit another."""
    taken = snapshots.take(source)
    copy = snapshots.root.parent / "work" / "r1"
    snapshots.restore(taken.id, copy)
    assert snapshots.take(copy).id == taken.id


def test_a_private_file_stays_private(snapshots, source):
    """In the store too: nobody may read there what nobody else could read before."""
    (source / "private").write_text("mine")
    (source / "private").chmod(0o600)
    taken = snapshots.take(source)
    modes = {file.path: Path(snapshots._path(file.sha256)).stat().st_mode & 0o777 for file in taken.files}
    assert modes["private"] == 0o400
    assert modes["train.py"] & 0o444 == 0o444


# -- many at once, and sudden ends -------------------------------------------------------------------

TAKE = """
import sys
from pathlib import Path
from azml_integrations.launch.snapshot import Snapshots
print("ready", flush=True)
sys.stdin.readline()
print(Snapshots(Path(sys.argv[1])).take(Path(sys.argv[2])).id, flush=True)
"""


def start(snapshots: Snapshots, source: Path) -> subprocess.Popen:
    command = [sys.executable, "-c", TAKE, snapshots.root, source]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen) -> None:
    process.stdin.write("\n")
    process.stdin.flush()


def whole(snapshots: Snapshots) -> None:
    """Check that every object is what its name says, and that every snapshot is there in full."""
    for path in (snapshots.root / "objects").rglob("*"):
        if path.is_file():
            assert sha256(path.read_bytes()).hexdigest() == path.parent.name + path.name
    for path in snapshots.root.glob("*-*.json"):
        if not path.name.endswith(".left-out.json"):
            for file in snapshots.get(path.stem).files:
                assert Path(snapshots._path(file.sha256)).stat().st_size == file.size


def test_processes_that_take_the_same_folder_at_once_agree(snapshots, source):
    """One id, each object once."""
    for number in range(200):
        (source / f"{number}").write_text(str(number) * 1000)
    (source / "large").write_bytes(b"0" * 5_000_000)
    processes = [start(snapshots, source) for _ in range(3)]
    for process in processes:
        go(process)
    ids = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert ids == {snapshots.take(source).id}
    whole(snapshots)
    assert list(snapshots.root.glob(".*.partial")) == []


def test_a_process_that_is_killed_leaves_nothing_half(snapshots, source, tmp_path):
    """What it wrote is complete or has no name yet; the next taking ends what it began."""
    for number in range(300):
        (source / f"{number}").write_text(str(number) * 3000)
    (source / "large").write_bytes(os.urandom(4_000_000))
    for pause in (0.0, 0.005, 0.02, 0.05, 0.1):
        process = start(snapshots, source)
        go(process)
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        whole(snapshots)
    taken = snapshots.take(source)
    snapshots.restore(taken.id, tmp_path / "copy")
    assert tree(tmp_path / "copy") == tree(source)
