"""The doctor: examines a workspace's folders and its index, and mends what can be mended.

`Examination.findings` only reads. A finding that can be mended carries its remedy; whoever wants it mended calls
it before asking for the next finding, so that what follows is examined as it then stands. No remedy touches
journal bytes that decode, and none overwrites or deletes a damaged index.
"""

import contextlib
import os
import platform
import re
import shutil
import sqlite3
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, TypeVar
from urllib.parse import quote

import msgspec

from .. import host, journal, units
from .._version import __version__
from ..errors import AzmlError, IndexUnavailableError, IndexWarning, NameRefusedError, PluginWarning, StoreError
from ..plugins import SOURCE, plugins
from ..records import ArtifactRecord, Cursor, ErrorInfo, RunRecord, RunStatus, RunStore, StatusChanged
from . import files, mirrors, registry, trash
from .schema import migrations
from .sqlite import SqliteStore
from .view import DEAD, View

T = TypeVar("T")
Level: TypeAlias = Literal["fact", "note", "fault"]

STRANGER = 86_400.0
"""Age from which a partial file of a process that cannot be seen from here counts as left over [s]."""


@dataclass(frozen=True)
class Finding:
    """One sentence of the doctor.

    Attributes
    ----------
    level : {"fact", "note", "fault"}
        Something to know; something harmless; something wrong.
    topic : str
        What it is about, in one or two words that stay the same: ``dead run``, ``index missing`` ...
    message : str
        A plain sentence.
    run_id, path : str or None
        Where; `path` is relative to the workspace where it lies in it.
    line : int or None
        Line of the journal, from 1.
    byte : int or None
        Position in the journal, uncompressed, from 0 [bytes].
    remedy : callable or None
        Mends it and says in one sentence what was done; raises `AzmlError` or `OSError` where it cannot.
    """

    level: Level
    topic: str
    message: str
    run_id: str | None = None
    path: str | None = None
    line: int | None = None
    byte: int | None = None
    remedy: Callable[[], str] | None = None


class Watch(Protocol):
    """Sees long work go by, as a progress bar does."""

    def __call__(self, things: Sequence[T], what: str, /) -> Iterable[T]:
        """Yield the things one by one."""


def _unwatched(things: Sequence[T], what: str, /) -> Iterable[T]:  # noqa: ARG001 - the shape of a `Watch`
    return things


class Examination:
    """Look at a workspace.

    Parameters
    ----------
    root : Path
        The workspace's folder.
    index : Path or None
        The index file; None where a plugin keeps the index elsewhere.
    store : RunStore or None
        The index that a plugin keeps elsewhere.
    contents : bool, default=True
        Whether the files of the runs are read to compare their sha256.
    watch : callable
        Sees long work go by.
    """

    def __init__(
        self,
        root: Path,
        index: Path | None,
        store: RunStore | None = None,
        *,
        contents: bool = True,
        watch: Watch = _unwatched,
    ) -> None:
        self.root = root
        self.runs = root / "runs"
        self.index = index
        self.contents = contents
        self._watch = watch
        self._elsewhere = store
        self._truth = View(self.runs, None)
        self._complaints: dict[str, list[tuple[RunRecord, str]]] = {}

    def findings(self) -> Iterator[Finding]:
        """Yield what there is to say, from the surroundings to the single file."""
        yield from self._surroundings()
        yield from _plugins()
        if self.index is not None:
            yield from self._index(self.index)
        store = self._healthy_index()
        try:
            if store is not None:
                yield from self._disagreement(store)
            for folder in self._watch(self._folders(), "examining runs"):
                try:
                    yield from self._run(folder, store)
                except StoreError as error:  # it hides no other
                    yield Finding("fault", "run unreadable", error.message, run_id=folder.name)
        finally:
            if store is not None and store is not self._elsewhere:
                store.close()
            self._truth.close()
        yield from self._told_of_plugins()
        yield from self._mirrors()
        yield from self._experiments()
        yield from self._models()
        yield from self._left_in_the_root()

    # -- surroundings --------------------------------------------------------------------------------

    def _surroundings(self) -> Iterator[Finding]:
        yield Finding(
            "fact",
            "versions",
            f"azml_integrations {__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
            f"index schema {len(migrations())}",
        )
        usage = shutil.disk_usage(self.root)
        kind = "a network filesystem: the index is kept in your cache folder" if host.on_network(self.root) else "local"
        yield Finding("fact", "filesystem", f"{kind}, {usage.free / 1e9:.1f} GB free")
        if not host.writable(self.root):
            yield Finding(
                "note", "filesystem", "this process may not write here; runs are read from their folders, which is slow"
            )
        if not host.CAN_LOCK:  # pragma: no cover - Windows has no flock
            yield Finding(
                "note", "filesystem", "this platform has no flock, so a dead run cannot be told from a live one"
            )

    def _folders(self) -> list[Path]:
        with contextlib.suppress(FileNotFoundError):
            return sorted(Path(entry) for entry in os.scandir(self.runs) if entry.is_dir())
        return []

    def _inside(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)

    # -- the index file ------------------------------------------------------------------------------

    def _index(self, index: Path) -> Iterator[Finding]:
        yield Finding("fact", "index", f"{index}", path=self._inside(index))
        runs = [folder for folder in self._folders() if _has_journal(folder)]
        state, why = index_state(index)
        at = self._inside(index)
        rebuild = partial(self._rebuild, index, aside=state != "missing")
        match state:
            case "missing" if runs:
                yield Finding(
                    "fault",
                    "index missing",
                    f"it is not there, {_count(len(runs), 'run folder')} beside it",
                    path=at,
                    remedy=rebuild,
                )
            case "empty" if runs:
                yield Finding(
                    "fault",
                    "index emptied",
                    f"it holds nothing, with {_count(len(runs), 'run folder')} beside it",
                    path=at,
                    remedy=rebuild,
                )
            case "damaged":
                yield Finding("fault", "index damaged", f"it cannot be used: {why}", path=at, remedy=rebuild)
            case "newer":
                yield Finding(
                    "fault",
                    "index newer",
                    f"it has {why}; a newer azml_integrations wrote it: upgrade this one. Until then runs are read "
                    f"from their folders",
                    path=at,
                )
            case "older":
                yield Finding(
                    "note", "index older", f"it has {why}; the next reader that may write upgrades it", path=at
                )
            case "unreadable":
                yield Finding("fault", "index unreadable", f"it cannot be opened: {why}", path=at)

    def _rebuild(self, index: Path, *, aside: bool) -> str:
        said = ""
        if aside:
            kept = set_aside(index)
            said = f"kept the old one as {kept.name}; "
        store = SqliteStore(index)
        run_ids = [folder.name for folder in self._folders() if _has_journal(folder)]
        try:
            self._fold_into(store, run_ids, "rebuilding the index")
        finally:
            store.close()
        return f"{said}rebuilt it from {_count(len(run_ids), 'run folder')}"

    def _fold_into(self, store: RunStore, run_ids: Sequence[str], what: str) -> None:
        """Fold runs into an index.

        Raises
        ------
        IndexUnavailableError
            If somebody else keeps it busy.
        """
        view = View(self.runs, store)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", IndexWarning)  # `_journal` tells it
            for run_id in self._watch(run_ids, what):
                view.of(run_id)
                if not store.cursors(run_id) and any(map(journal.header, journal.files(self._folder(run_id)))):
                    raise IndexUnavailableError(str(self.index), OSError("somebody else keeps it busy"), passing=True)

    def _healthy_index(self) -> RunStore | None:
        if self.index is None:
            return self._elsewhere
        return SqliteStore(self.index) if index_state(self.index)[0] == "sound" else None

    def _disagreement(self, store: RunStore) -> Iterator[Finding]:
        """Compare which runs there are."""
        try:
            known = store.run_ids()
        except IndexUnavailableError as error:
            yield Finding("note", "index busy", error.message)
            return
        folders = {folder.name: folder for folder in self._folders()}
        missing = sorted(run_id for run_id in folders.keys() - known if _has_journal(folders[run_id]))
        gone = sorted(known - folders.keys())
        if missing:
            yield Finding(
                "fault",
                "index incomplete",
                f"{_runs(missing)} in the folder and not in the index",
                remedy=partial(self._refold, store, missing, "added"),
            )
        if gone:
            yield Finding(
                "fault",
                "index outdated",
                f"{_runs(gone)} in the index, and the folder is gone",
                remedy=partial(self._refold, store, gone, "dropped"),
            )

    def _refold(self, store: RunStore, run_ids: Sequence[str], done: str) -> str:
        for run_id in run_ids:
            store.forget(run_id)
        self._fold_into(store, [run_id for run_id in run_ids if self._folder(run_id).is_dir()], "folding runs")
        return f"{done} {_count(len(run_ids), 'run')}"

    # -- one run -------------------------------------------------------------------------------------

    def _folder(self, run_id: str) -> Path:
        return self.runs / run_id

    def _run(self, folder: Path, store: RunStore | None) -> Iterator[Finding]:
        run_id = folder.name
        paths = journal.files(folder)
        if not paths:
            yield from self._without_journal(folder)
            return
        for path in paths:
            yield from self._journal(path, run_id)
        record = self._record(run_id)
        if record is None:
            yield Finding("fault", "run unreadable", "its journals do not say what it is", run_id=run_id)
        else:
            self._hear(record)
            yield from self._life(record, store)
            yield from self._artifacts(record)
            yield from self._agreement(run_id, store)
        yield from self._partials(folder, run_id, record)
        yield from self._sealing(folder, run_id)
        self._truth.forget(run_id)

    def _hear(self, record: RunRecord) -> None:
        """Keep what a run says of plugins."""
        for note in record.notes:
            if note.source.startswith(SOURCE):
                self._complaints.setdefault(note.source, []).append((record, note.message))

    def _told_of_plugins(self) -> Iterator[Finding]:
        """Tell of each plugin that stumbled in a run, when it did so last."""
        for source, complaints in sorted(self._complaints.items()):
            record, _ = max(complaints, key=lambda one: one[0].created_at)
            said = "; ".join(message for of, message in complaints if of is record)
            runs = _count(len({of.run_id for of, _ in complaints}), "run")
            yield Finding("note", "plugin fault", f"{source} in {runs}, the last time: {said}", run_id=record.run_id)

    def _mirrors(self) -> Iterator[Finding]:
        """Tell of mirrors whose last try failed while something waits for them."""
        for ledger in mirrors.known(self.root):
            state = ledger.state()
            waiting = [run_id for run_id in ledger.live() if ledger.behind(run_id)]
            if state is not None and state.fault and waiting:
                waits = "waits" if len(waiting) == 1 else "wait"
                said = f"{ledger.name}: {state.fault}; {_count(len(waiting), 'run')} {waits} for `azml mirror --once`"
                yield Finding("note", "mirror failing", said)

    def _without_journal(self, folder: Path) -> Iterator[Finding]:
        left = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if not path.is_dir()]
        if journal.files(folder):
            return  # begun meanwhile
        if left:
            there = sorted({path.parts[0] + "/" * (len(path.parts) > 1) for path in left})
            yield Finding(
                "fault",
                "run without journal",
                f"what the run said is gone; {_count(len(left), 'file')} left: {', '.join(there)}",
                run_id=folder.name,
                path=self._inside(folder),
            )
        elif time.time() - folder.stat().st_mtime > 1:  # else somebody may be about to begin it
            yield Finding(
                "fault",
                "empty run",
                "its folder is empty: the process ended before it could begin the run",
                run_id=folder.name,
                path=self._inside(folder),
                remedy=partial(_removed, folder),
            )

    def _fold(self, run_id: str) -> RunStore:
        """Return the store in memory that holds what a run's folder says now."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", IndexWarning)  # `_journal` has told it
            return self._truth.of(run_id)

    def _record(self, run_id: str) -> RunRecord | None:
        try:
            return self._fold(run_id).run(run_id)
        except StoreError:  # `_journal` has told it
            return None

    def _life(self, record: RunRecord, store: RunStore | None) -> Iterator[Finding]:
        run_id = record.run_id
        if record.verdict is not None:
            yield Finding(
                "fault",
                "dead run",
                f"{record.verdict}; its last sign of life was {_moment(record.ended_at)}",
                run_id=run_id,
                remedy=partial(self._bury, record, store),
            )
        elif not record.ended and record.host not in (None, host.name()):
            yield Finding(
                "note",
                "run elsewhere",
                f"{record.status} on {record.host}, which cannot be seen from here",
                run_id=run_id,
            )

    def _bury(self, record: RunRecord, store: RunStore | None) -> str:
        """Write down that a run has failed, at its last sign of life."""
        book = journal.Journal(self._folder(record.run_id))
        try:
            error = ErrorInfo(record.verdict or DEAD, code="ProcessEnded")
            book.append(StatusChanged(RunStatus.FAILED, record.ended_at or time.time(), error))
        finally:
            book.close()
        View(self.runs, store).fold(record.run_id)
        mirrors.open_again(self.root, record.run_id)
        return "wrote down that it failed"

    # -- journals ------------------------------------------------------------------------------------

    def _journal(self, path: Path, run_id: str | None) -> Iterator[Finding]:
        """Read every line of a journal."""
        before = Cursor()
        at = self._inside(path)
        try:
            for batch in journal.read(path, before):
                if batch.after.damaged > batch.before.damaged:
                    yield from self._damaged_lines(path, batch.before, batch.after, run_id)
                before = batch.after
        except FileNotFoundError:
            return  # sealed meanwhile
        except OSError as error:
            readable = f"{before.line} lines, up to byte {before.offset}, can be read"
            what = "sealed journal damaged" if path.suffix == ".gz" else "journal unreadable"
            yield Finding("fault", what, f"{error}; {readable}", run_id, at, before.line + 1, before.offset)
            return
        yield from self._twin(path, run_id)
        if path.suffix != ".gz" and (torn := path.stat().st_size - before.offset) and not journal.in_use(path):
            yield Finding(
                "note",
                "torn last line",
                f"it ends within a line, after {torn} bytes of it: a call that never returned; all before it is there",
                *(run_id, at, before.line + 1, before.offset),
            )

    def _damaged_lines(self, path: Path, before: Cursor, after: Cursor, run_id: str | None) -> Iterator[Finding]:
        decode = msgspec.json.Decoder(journal.Event).decode
        offset = before.offset
        for number, line in enumerate(_lines(path, before.offset, after.offset), before.line + 1):
            try:
                decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                place = re.search(r"\(byte (\d+)\)", str(error))
                yield Finding(
                    "fault",
                    "damaged line",
                    f"one line cannot be read and is left out: {error}",
                    *(run_id, self._inside(path), number, offset + (int(place[1]) if place else 0)),
                )
            offset += len(line)

    def _twin(self, path: Path, run_id: str | None) -> Iterator[Finding]:
        """Tell of an original that a crash while sealing has left beside its sealed copy."""
        original = path.with_suffix("")
        if path.suffix != ".gz" or not original.exists():
            return
        same = b"".join(_lines(path, 0, None)) == original.read_bytes()
        yield Finding(
            "fault",
            "sealed twice",
            f"{original.name} lies beside its sealed copy" + ("" if same else ", and they differ"),
            run_id,
            self._inside(original),
            remedy=partial(_removed, original) if same else None,
        )

    def _sealing(self, folder: Path, run_id: str) -> Iterator[Finding]:
        record = self._record(run_id)
        if record is None or not record.ended or record.verdict is not None:
            return
        paths = [path for path in journal.files(folder) if path.suffix != ".gz" and _may_seal(path)]
        if paths:
            size = sum(path.stat().st_size for path in paths)
            yield Finding(
                "note",
                "not sealed",
                f"{_count(len(paths), 'journal')} of {size} bytes can be compressed",
                run_id=run_id,
                remedy=lambda: f"sealed {sum(map(journal.seal, paths))}",
            )

    # -- artifacts -----------------------------------------------------------------------------------

    def _artifacts(self, record: RunRecord) -> Iterator[Finding]:
        for artifact in self._fold(record.run_id).artifacts(record.run_id):
            if (wrong := self._wrong_with(record, artifact)) is not None:
                topic, message = wrong
                named = "" if artifact.name == artifact.path else f"stored as {artifact.name}; "
                yield Finding("fault", topic, named + message, record.run_id, artifact.path)

    def _wrong_with(self, record: RunRecord, artifact: ArtifactRecord) -> tuple[str, str] | None:
        try:
            path = files.locate(self._folder(record.run_id), artifact)
            change = self._change(path, artifact)
        except NameRefusedError as error:
            return "file outside", error.message
        except (FileNotFoundError, NotADirectoryError):
            return "file gone", "its file is not there"
        except OSError as error:
            return "file unreadable", f"its file cannot be read: {error}"
        return None if change is None else ("file changed", change)

    def _change(self, path: Path, artifact: ArtifactRecord) -> str | None:
        """Return how a file differs from what was stored."""
        size = path.stat().st_size
        if not artifact.sha256:  # a log that was written in place
            return None
        if size != artifact.size:
            return f"it has {size} bytes, {artifact.size} were stored"
        if self.contents and (found := files.sha256(path)) != artifact.sha256:
            return f"its sha256 is {found}, {artifact.sha256} was stored"
        return None

    # -- what is left over ---------------------------------------------------------------------------

    def _partials(self, folder: Path, run_id: str, record: RunRecord | None) -> Iterator[Finding]:
        ours = record is None or record.host in (None, host.name())
        for path in sorted(folder.rglob(".*.partial")):
            if _left_over(path, ours=ours):
                yield _leftover(path, self._inside(path), run_id)

    def _left_in_the_root(self) -> Iterator[Finding]:
        for path in trash.leftovers(self.root):
            yield Finding(
                "fault",
                "left over",
                "a deletion was interrupted; nobody can see this any more",
                path=self._inside(path),
                remedy=partial(_emptied, path),
            )
        yield from self._trash()
        for path in sorted(self.root.glob("index.db.damaged-*")):
            if not path.name.endswith(("-wal", "-shm")):
                yield Finding(
                    "note",
                    "old index",
                    "set aside by an earlier repair; delete it when you like",
                    path=self._inside(path),
                )

    def _trash(self) -> Iterator[Finding]:
        entries = trash.entries(self.root)
        if entries:
            size = units.size(sum(entry.size for entry in entries))
            runs = _count(sum(len(entry.run_ids) for entry in entries), "run")
            yield Finding("fact", "trash", f"{runs}, {size}; `azml trash list` shows them")
        for path in trash.unsettled(self.root):
            why = (
                "runs were on their way into or out of the trash when a process ended; the run above them is not in it"
            )
            remedy = partial(_settled, self.root)
            yield Finding("fault", "trash interrupted", why, path=self._inside(path), remedy=remedy)
        for path in trash.places(self.root):
            if trash.read(path) is None:
                why = f"{trash.RECORD} cannot be read; move what is in its {trash.RUNS}/ to the workspace's own"
                yield Finding("fault", "trash unreadable", why, path=self._inside(path))

    # -- experiments ---------------------------------------------------------------------------------

    def _experiments(self) -> Iterator[Finding]:
        with contextlib.suppress(FileNotFoundError):
            for folder in sorted((self.root / "experiments").iterdir()):
                try:
                    msgspec.json.decode((folder / "experiment.json").read_bytes(), type=dict[str, object])["name"]
                except (OSError, KeyError, msgspec.MsgspecError) as error:
                    yield Finding(
                        "fault",
                        "experiment unreadable",
                        f"experiment.json cannot be read: {error}",
                        path=self._inside(folder),
                    )
                for path in journal.files(folder):
                    yield from self._journal(path, None)

    # -- models --------------------------------------------------------------------------------------

    def _models(self) -> Iterator[Finding]:
        folders = [folder for home in registry.Registry(self.root).homes() for folder in registry.version_folders(home)]
        for folder in self._watch(folders[::-1], "examining models"):
            yield from self._model(folder)
        for path in sorted((self.root / registry.FOLDER).glob("*/.*.partial")):
            if _left_over(path, ours=not host.on_network(self.root)):
                remedy = partial(registry.removed, path)
                why = "a process ended while it registered a model; it was never one"
                yield Finding("fault", "left over", why, path=self._inside(path), remedy=remedy)

    def _model(self, folder: Path) -> Iterator[Finding]:
        """Examine one version of a model."""
        try:
            record = registry.read(folder)
        except AzmlError as error:
            yield Finding("fault", "model unreadable", error.message, path=self._inside(folder))
            return
        if record is None:
            return  # deleted meanwhile
        for path in journal.files(folder):
            yield from self._journal(path, None)
        for topic, name, wrong in registry.wrong_with(folder, record, contents=self.contents):
            yield Finding("fault", topic, f"of model {record.id}: {wrong}", path=self._inside(folder / name))

    # -- the index's word about one run --------------------------------------------------------------

    def _agreement(self, run_id: str, store: RunStore | None) -> Iterator[Finding]:
        """Compare what the index says of a run with what its folder says."""
        if store is None:
            return
        truth = self._fold(run_id)
        with contextlib.suppress(IndexUnavailableError):
            cursors, read = store.cursors(run_id), truth.cursors(run_id)
            if not cursors:
                return  # told by `_disagreement`
            behind = all(cursors.get(name, Cursor()).offset <= cursor.offset for name, cursor in read.items())
            if not behind or cursors.keys() - read.keys():
                why = "the index has read more than the journals hold now"
            elif cursors == read and _words(store, run_id) != _words(truth, run_id):
                why = "the index says otherwise than the journals"
            else:
                return
            yield Finding(
                "fault", "index outdated", why, run_id, remedy=partial(self._refold, store, [run_id], "read anew")
            )


# -- the index file ----------------------------------------------------------------------------------

IndexState: TypeAlias = Literal["missing", "empty", "damaged", "newer", "older", "unreadable", "sound"]


def index_state(path: Path) -> tuple[IndexState, str]:
    """Return how an index file stands and why, without changing it."""
    if not path.exists():
        return "missing", ""
    try:
        with contextlib.closing(_opened(path)) as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            answers = [answer for (answer,) in db.execute("PRAGMA quick_check(3)")]
            tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    except sqlite3.OperationalError as error:
        return "unreadable", str(error)
    except sqlite3.DatabaseError as error:
        return "damaged", str(error)
    if answers != ["ok"]:
        return "damaged", "; ".join(answers)
    if not tables:
        return "empty", "it has no tables"
    known = len(migrations())
    said = f"schema version {version}, this version knows {known}"
    return ("newer", said) if version > known else ("older", said) if version < known else ("sound", said)


def _opened(path: Path) -> sqlite3.Connection:
    """Open an index for reading, also in a folder where SQLite may not make its side files."""
    read_only = "" if host.writable(path.parent) else "&immutable=1"
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro{read_only}", uri=True, timeout=5)


def set_aside(index: Path) -> Path:
    """Rename an index and its side files out of the way, under a name that is free."""
    kept = next(path for n in count(1) if not (path := index.with_name(f"{index.name}.damaged-{n}")).exists())
    index.rename(kept)
    for side in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            index.with_name(index.name + side).rename(kept.with_name(kept.name + side))
    return kept


def _words(store: RunStore, run_id: str) -> tuple[object, ...]:
    """Return all that a store says about a run, but for a verdict: that is passed at reading."""
    record = store.run(run_id)
    if record is not None and record.verdict is not None:
        record = msgspec.structs.replace(record, status="", ended_at=None, verdict=None, error=None)
    elif record is not None and not record.ended:
        record = msgspec.structs.replace(record, status="")
    return record, [repr(summary) for summary in store.summaries(run_id)], store.artifacts(run_id)


# -- parts -------------------------------------------------------------------------------------------


def _plugins() -> Iterator[Finding]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # the facts tell the same
        facts = plugins().facts()
    for fact in facts:
        who = f"{fact.name} ({fact.distribution or fact.origin})"
        if fact.state == "failed":
            yield Finding("fault", "plugin failed", f"{who} cannot be used: {fact.reason}")
        elif fact.reason:
            yield Finding("note", "plugin", f"{who} is {fact.state}: {fact.reason}")
        else:
            yield Finding("fact", "plugin", f"{who} is {fact.state}")


def _lines(path: Path, start: int, end: int | None) -> Iterator[bytes]:
    import gzip

    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        file.seek(start)
        while (end is None or file.tell() < end) and (line := file.readline()):
            yield line


def _has_journal(folder: Path) -> bool:
    with contextlib.suppress(StoreError):  # told when it is the run's turn
        return bool(journal.files(folder))
    return False


def _may_seal(path: Path) -> bool:
    opened = journal.header(path)
    return opened is not None and opened.host == host.name() and not journal.in_use(path)


def _left_over(path: Path, *, ours: bool) -> bool:
    """Tell whether nobody is writing a partial file any more; its name holds the writer's process id."""
    found = re.search(r"\.(\d+)(\.[0-9a-f]+)?\.partial$", path.name)
    try:
        if not ours or found is None:
            return time.time() - path.stat().st_mtime > STRANGER
        os.kill(int(found[1]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _leftover(path: Path, at: str, run_id: str) -> Finding:
    return Finding(
        "fault",
        "left over",
        "a process ended while it wrote this; it was never part of the run",
        run_id,
        at,
        remedy=partial(_removed, path),
    )


def _removed(path: Path) -> str:
    for below in sorted(path.rglob("*"), reverse=True):
        below.rmdir()  # a folder was found empty: what has come into it since stops this
    path.rmdir() if path.is_dir() else path.unlink()
    return "removed it"


def _emptied(path: Path) -> str:
    return f"deleted it, {trash.empty(path)} bytes"


def _settled(root: Path) -> str:
    with trash.guarded(root):
        return f"put back what was left of {_count(trash.settle(root), 'entry')}".replace("entrys", "entries")


def _runs(run_ids: Sequence[str]) -> str:
    shown = ", ".join(run_ids[:3]) + (", ..." if len(run_ids) > 3 else "")  # noqa: PLR2004 - a taste of them
    return f"{_count(len(run_ids), 'run')} ({shown}) " + ("is" if len(run_ids) == 1 else "are")


def _count(n: int, what: str) -> str:
    return f"{n} {what}" + ("" if n == 1 else "s")


def _moment(at: float | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at)) if at else "unknown"


def mended(finding: Finding) -> tuple[bool, str]:
    """Apply a finding's remedy; tell whether it worked, and what was done or what stood against it."""
    if finding.remedy is None:
        return False, ""
    try:
        return True, finding.remedy()
    except AzmlError as error:
        return False, error.message
    except OSError as error:
        return False, str(error)
