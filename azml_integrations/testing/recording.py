"""A run that remembers what it was asked, for unit tests of observers."""

import functools
import inspect
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import FunctionType
from typing import Any, BinaryIO, Self

from ..core import Experiment, Run, Workspace
from ..journal import Event
from ..records import ArtifactStored, Cursor, ErrorInfo, RunCreated, RunRecord, RunStatus, RunStore, StatusChanged
from ..store.sqlite import SqliteStore
from .stores import batch

NOWHERE = Path(os.devnull)
"""What would be the folder of a run that has none: nothing can be written below it."""


@dataclass(frozen=True)
class Call:
    """A verb that was asked for.

    Attributes
    ----------
    verb : str
        Its name, ``"log"``.
    arguments : dict
        Those that were given, by name.
    """

    verb: str
    arguments: Mapping[str, Any]


class RecordingRun(Run):
    """A run without a disk: it takes every verb of `Run`, checks what it is given as that does, and answers the same.

    Parameters
    ----------
    faults : mapping of str to exception, default=None
        What a verb raises, by its name, once it has been recorded: ``{"log_image": OSError("disk full")}``.

    Attributes
    ----------
    calls : list of Call
        Every verb that was asked for, in order; what one verb asks of another is not told.
    files : dict of str to bytes
        Contents of its artifacts.
    children : list of RecordingRun
        Those that were begun here.

    Examples
    --------
    >>> from azml_integrations.testing import RecordingRun
    >>> run = RecordingRun()
    >>> run.log("loss", 0.5, step=1)
    >>> run.calls
    [Call(verb='log', arguments={'name': 'loss', 'value': 0.5, 'step': 1})]
    >>> run.asked("log")
    [{'name': 'loss', 'value': 0.5, 'step': 1}]
    >>> run.get_metrics()
    {'loss': 0.5}
    """

    def __init__(self, *, faults: Mapping[str, BaseException] | None = None) -> None:
        self._settle_in(Experiment._known(_Nowhere(), "recording"), "recording", faults or {})  # noqa: SLF001 - makes nothing

    def asked(self, verb: str) -> list[Mapping[str, Any]]:
        """Return the arguments of each call of one verb."""
        return [call.arguments for call in self.calls if call.verb == verb]

    def _settle_in(
        self, experiment: Experiment, run_id: str, faults: Mapping[str, BaseException], parent_id: str | None = None
    ) -> None:
        super(Run, self).__init__(experiment, run_id, "owner")
        self._prepare()
        self.calls: list[Call] = []
        self.files: dict[str, bytes] = {}
        self.children: list[RecordingRun] = []
        self._faults, self._inside, self._read_to = faults, False, Cursor()
        now = time.time()
        self._append(RunCreated(run_id, experiment.name, 1, now, parent_id=parent_id), StatusChanged("Running", now))

    def _append(self, *events: Event) -> None:
        lines = batch("recording", *events, before=self._read_to)  # type: ignore[arg-type]  # a run has no others
        self._read_to = lines.after
        self._store().apply(self.id, [lines])

    def _put(self, name: str, source: BinaryIO, original: Path | None = None) -> None:
        content = self.files[name] = source.read()
        self._append(ArtifactStored(name, name, len(content), sha256(content).hexdigest(), time.time()))

    def _read(self, name: str) -> bytes:
        return self.files[self._artifact(name).name]

    def _child(
        self, name: str | None, run_id: str | None = None, outputs: Path | None = None, *, fold: bool = True
    ) -> "RecordingRun":
        child = RecordingRun.__new__(RecordingRun)
        own = run_id or f"{self.id}-{len(self.children) + 1}"
        child._settle_in(self.experiment, own, self._faults, self.id)  # noqa: SLF001 - one of us
        self.children.append(child)
        return child

    def _end(self, status: str | None, error: ErrorInfo | None = None) -> None:
        if status is not None and not (self._over and status == RunStatus.COMPLETED):
            self._append(StatusChanged(str(status), time.time(), error))
        self._over = True

    def download_file(self, name: str, output_file_path: str | os.PathLike[str] | None = None) -> None:
        """Write an artifact to a file."""
        content = self._read(name)
        target = Path(output_file_path or Path(name).name)
        (target / Path(name).name if target.is_dir() else target).write_bytes(content)

    def __enter__(self) -> Self:
        """Be the current run, and print nothing."""
        from ..core import context

        context.enter(self)
        return self


class _Memory:
    """The view of a workspace that is one store in memory."""

    def __init__(self) -> None:
        self._store = SqliteStore(None)

    def folder(self, run_id: str) -> Path:
        return NOWHERE / run_id

    def of(self, run_id: str) -> RunStore:
        return self._store

    def all(self) -> RunStore:
        return self._store

    def fold(self, run_id: str) -> None:
        """Do nothing: it is there."""

    def record(self, run_id: str) -> RunRecord | None:
        return self._store.run(run_id)


class _Nowhere(Workspace):
    """A workspace that lies nowhere."""

    def __init__(self) -> None:
        self.root = NOWHERE
        self._memory = _Memory()

    @property
    def name(self) -> str:
        """Return what messages call it."""
        return "recording"

    @property
    def view(self) -> Any:
        """Return the store in memory."""
        return self._memory


def _recording(verb: str, function: FunctionType) -> Callable[..., Any]:
    """Return a verb that notes its call, unless another verb makes it."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def recorded(run: RecordingRun, *args: Any, **kwargs: Any) -> Any:
        given = dict(signature.bind(run, *args, **kwargs).arguments)
        given.pop(next(iter(signature.parameters)))
        named = given.pop("kwargs", {})
        if run._inside:  # noqa: SLF001 - one of us
            return function(run, *args, **kwargs)
        run.calls.append(Call(verb, {**given, **named}))
        if verb in run._faults:  # noqa: SLF001 - likewise
            raise run._faults[verb]  # noqa: SLF001 - likewise
        run._inside = True  # noqa: SLF001 - likewise
        try:
            return function(run, *args, **kwargs)
        finally:
            run._inside = False  # noqa: SLF001 - likewise

    return recorded


def verbs() -> dict[str, FunctionType]:
    """Return the verbs of a run by name: its public methods."""
    found = {name: inspect.getattr_static(RecordingRun, name) for name in dir(Run) if not name.startswith("_")}
    return {name: function for name, function in found.items() if isinstance(function, FunctionType)}


for _verb, _function in verbs().items():
    setattr(RecordingRun, _verb, _recording(_verb, _function))
