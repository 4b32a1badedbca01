"""What every verb of a run stands on: its identity, the one way to write, and the way to read."""

import os
import time
from typing import TYPE_CHECKING, Literal, TypeAlias

from .. import errors, names
from ..journal import Event, Journal, Role
from ..records import Noted, RunRecord, RunStore

if TYPE_CHECKING:
    from pathlib import Path

    from .experiment import Experiment
    from .workspace import Workspace

OnError: TypeAlias = Literal["raise", "warn"]


class Known:
    """What the handle that began a run knows about it, as long as nobody else writes to it.

    Attributes
    ----------
    name : str or None
        The run's name.
    properties : dict
        As added.
    artifacts : dict of str to float
        Moment of storing [s since the epoch] by artifact name.
    """

    __slots__ = ("artifacts", "name", "properties")

    def __init__(self, name: str | None) -> None:
        self.name = name
        self.properties: dict[str, str] = {}
        self.artifacts: dict[str, float] = {}


class RunHandle:
    """A live handle on one run.

    Handles are cheap, may be used from any thread, travel to other processes by pickle as their address, and go on
    working in a forked child.
    """

    def __init__(self, experiment: "Experiment", run_id: str, role: Role = "guest") -> None:
        self._experiment = experiment
        self._run_id = names.run(run_id)
        self._folder: Path = experiment.workspace.view.folder(self._run_id)
        self._journal = Journal(self._folder, role)
        self._over = False
        self._on_error: OnError = checked_on_error(None)
        self._lost = 0
        self._warned: set[tuple[str, str]] = set()
        self._known: Known | None = None

    @property
    def id(self) -> str:
        """Return the id of the run, unique in its workspace."""
        return self._run_id

    @property
    def experiment(self) -> "Experiment":
        """Return the experiment that the run belongs to."""
        return self._experiment

    @property
    def _workspace(self) -> "Workspace":
        return self._experiment.workspace

    @property
    def over(self) -> bool:
        """Whether this handle has ended its run; points may follow all the same."""
        return self._over

    @property
    def owned(self) -> bool:
        """Whether the run lives and dies with this very process."""
        return self._journal.role == "owner"

    # -- writing -------------------------------------------------------------------------------------

    def _append(self, *events: Event) -> None:
        """Write events at once; when this returns they are stored, or a loss was counted under ``on_error="warn"``."""
        try:
            joined = self._journal.append(*events)
        except errors.StoreError as error:
            if self._on_error == "raise":
                raise
            self._lose(error, len(events))
            return
        except UnicodeEncodeError as error:
            raise errors.NameRefusedError(
                "text", error.object, "it holds a lone surrogate, which is no character"
            ) from None
        if joined:
            self._fold()  # the index learns that a run which had settled may grow again
            self._show_mirrors()

    def _lose(self, error: errors.StoreError, events: int = 1) -> None:
        self._lost += events
        self._warn_once(
            "", f"not stored, and so for whatever follows until it works again: {error.message}", errors.StoreWarning
        )

    def _fold(self) -> None:
        """Show what was just written to the readers of the index, if it can be had now."""
        self._workspace.view.fold(self._run_id)

    def _show_mirrors(self) -> None:
        """Have those who follow the run look at it again, where anybody does."""
        if (self._workspace.root / "mirrors").is_dir():
            from ..store import mirrors

            mirrors.open_again(self._workspace.root, self._run_id)

    def note(self, source: str, message: str) -> None:
        """Record one line about something that was skipped or went wrong beside the user's work, and why.

        Parameters
        ----------
        source : str
            Who noticed: an adapter, a plugin.
        message : str
            One sentence.
        """
        self._append(Noted(names.label("source", source), names.text("note", str(message)), time.time()))

    def _warn_once(self, name: str, message: str, kind: type[Warning] = errors.MetricWarning) -> None:
        """Warn once per name and kind of warning in the life of this handle."""
        if (name, kind.__name__) in self._warned:
            return
        # without a lock two threads at once may warn twice; with one, a fork in the middle could hang its child
        self._warned.add((name, kind.__name__))
        about = f"metric {name!r}: " if kind is errors.MetricWarning else ""
        errors.warn_outside(about + message, kind)

    # -- reading -------------------------------------------------------------------------------------

    def _store(self) -> RunStore:
        """Return the store that holds this run, as fresh as its journals."""
        return self._workspace.view.of(self._run_id)

    def _record(self) -> RunRecord:
        record = self._store().run(self._run_id)
        if record is None:
            raise errors.RunNotFoundError(self._run_id, str(self._workspace.root))
        return record

    def _alone(self) -> Known | None:
        """Return what this handle knows if that is all there is to know: no fold is needed then."""
        return self._known if self._known is not None and self._journal.alone() else None

    # -- travel --------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        """Two handles on one run are equal."""
        return isinstance(other, RunHandle) and (self._folder == other._folder)

    def __hash__(self) -> int:
        """Hash by address."""
        return hash(self._folder)


def checked_on_error(wanted: str | None) -> OnError:
    """Return what to do when the disk refuses: as asked, else as ``AZML_ON_ERROR`` says, else raise.

    Raises
    ------
    OptionError
        If it is neither ``raise`` nor ``warn``.
    """
    chosen = wanted or os.environ.get("AZML_ON_ERROR") or "raise"
    if chosen not in ("raise", "warn"):
        raise errors.OptionError(f"on_error is {chosen!r}; expected 'raise' or 'warn'")
    return chosen  # type: ignore[return-value]  # just checked
