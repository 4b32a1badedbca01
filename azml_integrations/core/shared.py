"""A child run on which several processes work, part by part: a candidate of a sweep, with one part for each split."""

import time
from typing import TYPE_CHECKING

from .. import errors, host, journal, names
from ..records import Cursor, ErrorInfo, ErrorNoted, PartEnded, PropertiesAdded, RunCreated, RunStatus, StatusChanged
from .run import Run, error_info, tell

if TYPE_CHECKING:
    from collections.abc import Mapping


class SharedRun(Run):
    """A child run that any process may begin, and any may end; nobody holds it, it lives as long as its parent.

    Made by `Run.shared_child`. Its verbs write to its journals only: the index learns of it from whoever reads, and
    from `settle`.
    """

    def _prepare(self) -> None:
        super()._prepare()
        self._done: set[int] = set()
        self._failed = False

    def _join(self, parent: Run, name: str | None, properties: "Mapping[str, str]") -> None:
        """Begin the run, unless another process was quicker."""
        if self._folder.is_dir():
            return
        texts = self._texts("property", properties, nothing=False)
        try:
            self._workspace._claim_folder(self.id)  # noqa: SLF001 - two processes that begin it must not both number it
        except errors.RunExistsError:
            return
        number = self._experiment._next_number()  # noqa: SLF001 - as every run
        now = time.time()
        created = RunCreated(self.id, self._experiment.name, number, now, name, parent_id=parent.id, user=host.user())
        self._append(created)
        if texts:
            self._append(PropertiesAdded(texts, now))  # type: ignore[arg-type]  # `nothing` is off
        self._set_status(RunStatus.RUNNING)

    def _fold(self) -> None:
        """Leave it to whoever reads, and to `settle`: three folds of a candidate cost more than its fit."""

    def finish_part(
        self, number: int, of: int | None, error: str | BaseException | None = None, trace: str | None = None
    ) -> bool:
        """Tell that one part is done; with the last one the run is over, Failed if any part failed.

        Parameters
        ----------
        number : int
            Which part, from 0; one that is done twice counts once.
        of : int or None
            Number of parts; None where it is not known: then somebody else ends the run.
        error : str or exception, default=None
            Why the part failed.
        trace : str, default=None
            Its traceback, where `error` is a sentence.

        Returns
        -------
        over : bool
            Whether this was the last part.
        """
        now = time.time()
        told = error_info(error, None)
        if told is not None:
            self._append(
                ErrorNoted(told if trace is None else ErrorInfo(told.message, told.code, told.type, trace), now)
            )
        self._append(PartEnded(number, now))
        self._done.add(number)
        self._failed = self._failed or told is not None
        if of is None:
            return False
        if len(self._done) < of and not self._journal.alone():
            self._hear_others()
        if len(self._done) < of:
            return False
        self._set_status(RunStatus.FAILED if self._failed else RunStatus.COMPLETED)
        self._over = True
        self.close()
        return True

    def _hear_others(self) -> None:
        """Read which parts are done, whoever did them, and whether one failed: from the journals alone."""
        for path in journal.files(self._folder):
            for batch in journal.read(path, Cursor()):
                self._done |= {event.number for event in batch.events if isinstance(event, PartEnded)}
                self._failed = self._failed or any(isinstance(event, ErrorNoted) for event in batch.events)

    def fail(self, error_details: str | BaseException | None = None, error_code: str | None = None) -> None:
        """End the run badly, whatever its other parts do."""
        self._append(StatusChanged(RunStatus.FAILED, time.time(), error_info(error_details, error_code)))
        self._over = True
        self.close()

    def close(self) -> None:
        """Let go of this process's journal; a later verb opens another."""
        self._journal.close()

    def settle(self) -> None:
        """Tell the index and the plugins, once nobody writes to the run any more: its parent's last word about it."""
        self.close()
        self._settle_soon()
        tell("azml_run_ended", lambda: {"record": self._record()}, self)
        self.close()


def join(parent: Run, run_id: str, name: str | None, properties: "Mapping[str, str]") -> SharedRun:
    """Return the shared child with this id, begun by this call if by no other; see `Run.shared_child`."""
    if name is not None:
        names.label("run name", name)
    child = SharedRun._handle(parent.experiment, run_id)  # noqa: SLF001 - a constructor
    child._topmost = parent._topmost  # noqa: SLF001 - likewise
    child._join(parent, name, properties)  # noqa: SLF001 - likewise
    return child
