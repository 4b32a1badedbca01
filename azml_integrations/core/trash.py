"""The trash of a workspace: runs that were deleted, and can be restored until they are purged."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .. import errors, host, journal
from ..records import TERMINAL, RunQuery, RunRecord, RunStore, TrashEntry
from ..store import trash
from ..store.registry import Registry
from ..store.view import View

if TYPE_CHECKING:
    from pathlib import Path

    from .workspace import Workspace

DAY = 86_400.0
"""[s]"""


@dataclass
class Outcome:
    """What became of several runs, or entries of the trash.

    Attributes
    ----------
    done : list of TrashEntry
        Those that were deleted, restored or purged.
    refused : dict of str to str
        The others by the id that was given, and why.
    freed : int
        What purging gave back [bytes].
    """

    done: list[TrashEntry] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    freed: int = 0

    @property
    def run_ids(self) -> set[str]:
        """The runs of all that was done, children among them."""
        return {run_id for entry in self.done for run_id in entry.run_ids}


class Trash:
    """What was deleted from a workspace, and can be restored.

    Parameters
    ----------
    workspace : Workspace
        Whose.

    Examples
    --------
    >>> entry = run.delete()  # doctest: +SKIP
    >>> workspace.trash.restore(entry)  # doctest: +SKIP
    >>> workspace.trash.purge(*workspace.trash.older_than(days=30))  # doctest: +SKIP
    """

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace
        self._root: Path = workspace.root

    # -- looking -------------------------------------------------------------------------------------

    def list(self) -> "_Entries":
        """Return what lies in the trash, what was deleted last first."""
        return trash.entries(self._root)

    def __iter__(self) -> Iterator[TrashEntry]:
        """Yield what lies in the trash, what was deleted last first."""
        return iter(self.list())

    def __len__(self) -> int:
        """Return how many entries there are; one holds a run and its children."""
        return len(self.list())

    def get(self, entry: str) -> TrashEntry:
        """Return an entry by its id, or by that of its run; of several, what was deleted last.

        Raises
        ------
        TrashEntryNotFoundError
            If there is none.
        """
        for one in self.list():
            if entry in (one.entry_id, one.run_id):
                return one
        raise errors.TrashEntryNotFoundError(entry)

    def older_than(self, days: float) -> "_Entries":
        """Return the entries that were deleted so long ago [days]."""
        until = time.time() - days * DAY
        return [entry for entry in self.list() if entry.deleted_at < until]

    def family(self, run_id: str) -> "_Records":
        """Return a run and all below it.

        Raises
        ------
        RunNotFoundError
            If there is no such run.
        """
        return self._family(self._workspace.view.all(), run_id)

    def _family(self, store: RunStore, run_id: str) -> "_Records":
        record = store.run(run_id)
        if record is None:
            raise errors.RunNotFoundError(run_id, str(self._root))
        return [record, *store.find(RunQuery(ancestor_id=run_id, include_children=True))]

    def origins(self, run_ids: Iterable[str]) -> "_Texts":
        """Return a sentence for each registered model and dataset that came from one of some runs, and names it.

        A model has its own files, and stays usable. A dataset that reads files of a run's folder cannot be read while
        the run is in the trash.
        """
        wanted = set(run_ids)
        models = [one for one in Registry(self._root).records() if one.run_id in wanted]
        told = [
            f"model {one.id} was registered from run {one.run_id}; it has its own files and stays" for one in models
        ]
        return told + [sentence for version in self._datasets() if (sentence := self._of_dataset(version, wanted))]

    # -- moving --------------------------------------------------------------------------------------

    def delete(self, *run_ids: str, force: bool = False) -> Outcome:
        """Move runs with all below them into the trash; one that is refused stops no other.

        Parameters
        ----------
        *run_ids : str
            Which.
        force : bool, default=False
            Whether also a run of another machine that has not ended is deleted; a run that is seen to go on never is.

        Returns
        -------
        outcome : Outcome
            What was deleted, and what was refused and why.

        Raises
        ------
        StoreError
            If the trash cannot be made.
        """
        outcome = Outcome()
        gone: set[str] = set()
        with trash.guarded(self._root):
            trash.settle(self._root)
            store = self._workspace.view.all()
            for run_id in _parents_first(store, run_ids):
                if run_id in gone:
                    continue
                try:
                    entry = self._moved(store, run_id, force=force)
                except errors.AzmlError as error:
                    outcome.refused[run_id] = error.message
                    continue
                outcome.done.append(entry)
                gone.update(entry.run_ids)
        return outcome

    def discard(self, run_id: str, *, force: bool = False) -> TrashEntry:
        """Move one run with all below it into the trash; see `Run.delete`.

        Raises
        ------
        RunStateError, RunNotFoundError, StoreError
            Where it cannot be.
        """
        with trash.guarded(self._root):
            trash.settle(self._root)
            return self._moved(self._workspace.view.all(), run_id, force=force)

    def _moved(self, store: RunStore, run_id: str, *, force: bool) -> TrashEntry:
        family = self._family(store, run_id)
        self._demand_over(family, force=force)
        entry = self._entry(family)
        trash.put(self._root, entry)
        for one in entry.run_ids:
            self._workspace.view.forget(one)
        return entry

    def restore(self, *entries: TrashEntry | str) -> Outcome:
        """Put runs back with all below them, under their ids and numbers.

        Parameters
        ----------
        *entries : TrashEntry or str
            Which; an id of an entry or of its run.

        Returns
        -------
        outcome : Outcome
            What was restored, and what was refused and why: its id may be taken meanwhile.

        Raises
        ------
        StoreError
            If the trash cannot be made.
        """
        outcome = Outcome()
        with trash.guarded(self._root):
            trash.settle(self._root)
            for given, entry in self._known(entries, outcome):
                try:
                    self._remember_numbers(entry)
                    trash.put_back(self._root, entry)
                except errors.AzmlError as error:
                    outcome.refused[given] = error.message
                    continue
                outcome.done.append(entry)
        for run_id in sorted(outcome.run_ids):
            self._workspace.view.fold(run_id)
        return outcome

    def purge(self, *entries: TrashEntry | str) -> Outcome:
        """Delete runs in the trash for good.

        Parameters
        ----------
        *entries : TrashEntry or str
            Which; an id of an entry or of its run.

        Returns
        -------
        outcome : Outcome
            What was purged and how much that freed, and what was refused and why.

        Raises
        ------
        StoreError
            If the trash cannot be made.
        """
        outcome = Outcome()
        with trash.guarded(self._root):
            trash.settle(self._root)
            taken = []
            for given, entry in self._known(entries, outcome):
                try:
                    taken.append((given, entry, trash.take_away(self._root, entry)))
                except errors.StoreError as error:
                    outcome.refused[given] = error.message
        for given, entry, place in taken:  # others may use the trash meanwhile
            try:
                outcome.freed += trash.empty(place)
            except OSError as error:
                outcome.refused[given] = f"a rest of it cannot be deleted: {error}; `azml doctor --repair` tries again"
                continue
            outcome.done.append(entry)
        return outcome

    def refusal(self, run_id: str, *, force: bool = False) -> str | None:
        """Return why a run cannot be deleted now, or None.

        Raises
        ------
        RunNotFoundError
            If there is no such run.
        """
        try:
            self._demand_over(self.family(run_id), force=force)
        except errors.RunStateError as error:
            return error.message
        return None

    # -- parts ---------------------------------------------------------------------------------------

    def _known(self, given: Iterable[TrashEntry | str], outcome: Outcome) -> Iterator[tuple[str, TrashEntry]]:
        """Yield what was asked for, by its name there; what is not there is refused."""
        there: dict[str, TrashEntry] = {}
        for entry in self.list():
            there[entry.entry_id] = entry
            there.setdefault(entry.run_id, entry)
        for one in dict.fromkeys(wanted if isinstance(wanted, str) else wanted.entry_id for wanted in given):
            if one in there:
                yield one, there[one]
            else:
                outcome.refused[one] = errors.TrashEntryNotFoundError(one).message

    def _demand_over(self, family: "_Records", *, force: bool) -> None:
        """Raise unless a run and all below it have ended, and nobody writes to them.

        Raises
        ------
        RunStateError
            If one goes on, or waits.
        """
        for record in family:
            told = "" if record is family[0] else f"has a child, {record.experiment}/{record.number}, that "
            if (why := self._goes_on(record, force=force)) is not None:
                raise errors.RunStateError(family[0].run_id, told + why)

    def _goes_on(self, record: RunRecord, *, force: bool) -> str | None:
        here = record.host in (None, host.name())
        paths = [path for path in journal.files(self._workspace.view.folder(record.run_id)) if path.suffix != ".gz"]
        if here and any(journal.in_use(path) for path in paths):
            if record.ended and record.verdict is None:
                return "has ended, but a program or notebook still holds it open to add to it; end that first"
            return "goes on: a process writes to it; end it first"
        if record.status in TERMINAL:
            return None
        if here:
            return f"is {record.status}; cancel it first"
        elsewhere = f"is {record.status} on {record.host}, which cannot be seen from here"
        return None if force else f"{elsewhere}; force deletes it anyway"

    def _entry(self, family: "_Records") -> TrashEntry:
        head, now = family[0], time.time()
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        folders = [self._workspace.view.folder(record.run_id) for record in family]
        return TrashEntry(
            f"{stamp}-{os.urandom(4).hex()}",
            head.run_id,
            head.experiment,
            head.number,
            head.display_name or head.name or "",
            str(head.status),
            now,
            host.user(),
            sum(map(trash.length, folders)),
            [record.run_id for record in family],
        )

    def _remember_numbers(self, entry: TrashEntry) -> None:
        """Make the experiment again where somebody removed it, its numbers taken: no other run is given them."""
        from .experiment import Experiment

        experiment = Experiment._told(self._workspace, entry.experiment)  # noqa: SLF001 - its name was one
        experiment._make()
        if not experiment._given(entry.number):  # noqa: SLF001 - likewise
            experiment._give_up_to(max(self._numbers(entry), default=0))  # noqa: SLF001 - likewise

    def _numbers(self, entry: TrashEntry) -> Iterator[int]:
        """Yield the numbers of the runs of an entry, from their folders."""
        truth = View(trash.run_folder(self._root, entry, entry.run_id).parent, None)
        try:
            for run_id in entry.run_ids:
                record = truth.of(run_id).run(run_id)
                if record is not None:
                    yield record.number
        finally:
            truth.close()

    def _datasets(self) -> "_Versions":
        from .dataset_registry import Registry as Datasets

        shelf = Datasets(self._workspace)
        return [shelf.get(name, number) for name in shelf.names() for number in shelf.versions(name)]

    def _of_dataset(self, version: "_Version", run_ids: set[str]) -> str | None:
        name = f"dataset {version.name}:{version.version}"
        made_by = version.origin.partition("/")[0] if version.origin else None
        if made_by in run_ids:
            return f"{name} is an output of run {made_by}; its files lie elsewhere and stay"
        paths = [f"{path}{os.sep}" for source in version.definition.sources if (path := getattr(source, "path", None))]
        for run_id in run_ids:
            below = f"{self._workspace.view.folder(run_id)}{os.sep}"
            if any(path.startswith(below) for path in paths):
                return f"{name} reads files of run {run_id}, and cannot be read without it"
        return None


def _parents_first(store: RunStore, run_ids: Sequence[str]) -> "_Texts":
    """Return runs in an order in which no child is deleted apart from a parent that is to go too."""
    records = {run_id: store.run(run_id) for run_id in run_ids}
    return sorted(records, key=lambda run_id: one.created_at if (one := records[run_id]) else 0.0)


_Entries = list[TrashEntry]
_Records = list[RunRecord]
_Texts = list[str]

if TYPE_CHECKING:
    from .dataset_registry import Version as _Version

    _Versions = list[_Version]
