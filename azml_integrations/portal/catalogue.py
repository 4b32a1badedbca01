"""All runs of a workspace as the pages want them: read once, and again only what has changed."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ..records import MetricSummary, RunQuery, RunRecord, RunStore

if TYPE_CHECKING:
    from ..core import Workspace

PARAM = "param."
MANY = 64
"""From so many changed runs on they are read in one question."""


@dataclass(frozen=True)
class Entry:
    """One run as a table shows it.

    Attributes
    ----------
    record : RunRecord
        The run.
    metrics : dict of str to MetricSummary
        Its metrics, in order of first logging.
    """

    record: RunRecord
    metrics: Mapping[str, MetricSummary]

    @property
    def params(self) -> dict[str, str]:
        """The hyperparameters."""
        found = self.record.properties
        return {key[len(PARAM) :]: value for key, value in found.items() if key.startswith(PARAM) and key != PARAM}

    @cached_property
    def told(self) -> str:
        """All that a word is searched for in, in lower case, put together when it is asked for first."""
        record = self.record
        told = [record.run_id, record.name, record.display_name, record.description, record.status, record.type]
        told += [*record.tags, *record.tags.values(), *self.params.values()]
        return "\0".join(filter(None, told)).lower()


@dataclass(frozen=True)
class Names:
    """What the runs of an experiment have, each in order of first appearance."""

    params: tuple[str, ...]
    tags: tuple[str, ...]
    metrics: tuple[str, ...]


class Catalogue:
    """The runs of a workspace, as fresh as its index at each question.

    Parameters
    ----------
    workspace : Workspace
        Where they lie.
    """

    def __init__(self, workspace: "Workspace") -> None:
        self.workspace = workspace
        self.version = 0
        self._lock = threading.Lock()
        self._revisions: Mapping[str, object] = {}
        self._entries: dict[str, Entry] = {}
        self._experiments: dict[str, list[Entry]] = {}
        self._children: dict[str, list[Entry]] = {}
        self._names: dict[str, Names] = {}

    def refresh(self) -> int:
        """Read what has changed; return a number that grows whenever something has."""
        with self._lock:
            store = self.workspace.view.all()
            revisions = store.revisions()
            if revisions is not self._revisions and revisions != self._revisions:
                self._take_in(store, revisions)
            self._revisions = revisions
            return self.version

    def _take_in(self, store: RunStore, revisions: Mapping[str, object]) -> None:
        changed = [run_id for run_id, revision in revisions.items() if self._revisions.get(run_id) != revision]
        kept = {run_id: entry for run_id, entry in self._entries.items() if run_id in revisions}
        records = _read(store, changed)
        summaries = store.summaries_of([record.run_id for record in records])
        for record in records:
            kept[record.run_id] = Entry(record, {one.name: one for one in summaries[record.run_id]})
        self._entries = kept
        self._sort()
        self.version += 1

    def _sort(self) -> None:
        """Group the runs; newest first, children in the order of their numbers.

        Other threads read meanwhile: they see the old groups or the new ones, never a part.
        """
        experiments: dict[str, list[Entry]] = {}
        children: dict[str, list[Entry]] = {}
        for entry in sorted(self._entries.values(), key=_newest, reverse=True):
            experiments.setdefault(entry.record.experiment, []).append(entry)
            if entry.record.parent_id is not None:
                children.setdefault(entry.record.parent_id, []).append(entry)
        for several in children.values():
            several.sort(key=lambda entry: entry.record.number)
        self._experiments, self._children, self._names = experiments, children, {}

    # -- questions; each refreshes first, so that a page shows what stands now ---------------------------

    def run(self, run_id: str) -> Entry | None:
        """Return a run, or None."""
        self.refresh()
        return self._entries.get(run_id)

    def runs(self) -> list[Entry]:
        """Return all runs, newest first."""
        self.refresh()
        return sorted(self._entries.values(), key=_newest, reverse=True)

    def experiments(self) -> dict[str, list[Entry]]:
        """Return the runs of each experiment, newest first, children among them."""
        self.refresh()
        return dict(self._experiments)

    def experiment(self, name: str) -> list[Entry]:
        """Return the runs of one experiment, newest first."""
        self.refresh()
        return list(self._experiments.get(name, ()))

    def children(self, run_id: str) -> list[Entry]:
        """Return the children of a run, in the order of their numbers."""
        self.refresh()
        return list(self._children.get(run_id, ()))

    def several(self, run_ids: Iterable[str]) -> dict[str, Entry | None]:
        """Return runs by their ids, each once; None for one that is not there."""
        self.refresh()
        return {run_id: self._entries.get(run_id) for run_id in run_ids}

    def family(self, run_ids: Iterable[str]) -> list[str]:
        """Return the ids of runs and of all below them, each once."""
        self.refresh()
        found: dict[str, None] = {}
        waiting = list(run_ids)
        while waiting:
            run_id = waiting.pop()
            if run_id not in found:
                found[run_id] = None
                waiting += [child.record.run_id for child in self._children.get(run_id, ())]
        return list(found)

    def names(self, experiment: str) -> Names:
        """Return what the runs of an experiment have."""
        entries = self.experiment(experiment)
        if experiment not in self._names:
            self._names[experiment] = names_of(entries)
        return self._names[experiment]

    def revision(self, run_id: str) -> str:
        """Return a text that changes when a run or one of its children does."""
        self.refresh()
        family = [run_id, *(entry.record.run_id for entry in self._children.get(run_id, ()))]
        from hashlib import sha256

        told = repr([self._revisions.get(member) for member in family])
        return sha256(told.encode()).hexdigest()[:16]


def names_of(entries: Iterable[Entry]) -> Names:
    """Return what some runs have."""
    properties: dict[str, None] = {}
    tags: dict[str, None] = {}
    metrics: dict[str, None] = {}
    for entry in entries:
        properties.update(dict.fromkeys(entry.record.properties))
        tags.update(dict.fromkeys(entry.record.tags))
        metrics.update(dict.fromkeys(entry.metrics))
    params = (key[len(PARAM) :] for key in properties if key.startswith(PARAM) and key != PARAM)
    return Names(tuple(params), tuple(tags), tuple(metrics))


def _read(store: RunStore, run_ids: Sequence[str]) -> list[RunRecord]:
    if len(run_ids) < MANY:
        return [record for run_id in run_ids if (record := store.run(run_id)) is not None]
    wanted = set(run_ids)
    return [record for record in store.find(RunQuery(include_children=True)) if record.run_id in wanted]


def _newest(entry: Entry) -> tuple[float, int]:
    return entry.record.started_at or entry.record.created_at, entry.record.number
