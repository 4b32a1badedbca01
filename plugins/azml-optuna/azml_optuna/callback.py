"""Record a study without the switch: one callback of ``Study.optimize``."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from azml_integrations import AutologOptions, current_run
from azml_integrations.autologging import attempt, paused

from .places import key_of, place_of
from .recorded_study import OBSERVED, RecordedStudy
from .wording import SOURCE

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

    from azml_integrations import Run


class AzmlCallback:
    """Records each trial as it ends, for a study that `autolog` does not see.

    Trials that ``Study.optimize`` raises out of are not among them, because Optuna calls no callback then. With
    ``autolog("optuna")`` on, it says only where: the adapter does the rest, live.

    Parameters
    ----------
    run : Run, default=None
        Where the study is recorded; it stays open. None takes the current run, or begins one, which ends with the
        ``with`` block, else with the program.
    max_child_runs : int, default=1000
        How many trials get a run of their own.
    log_images : bool, default=True
        Whether charts are drawn when the run, or the ``with`` block, ends.

    Examples
    --------
    >>> with AzmlCallback() as record:  # doctest: +SKIP
    ...     study.optimize(objective, n_trials=100, callbacks=[record])
    """

    def __init__(self, run: "Run | None" = None, *, max_child_runs: int = 1000, log_images: bool = True) -> None:
        self.run = run
        self._max_child_runs = max_child_runs
        self._options = AutologOptions(log_images=log_images, silent=True)
        self._recorded: dict[str, RecordedStudy] = {}

    def __call__(self, study: "Study", trial: "FrozenTrial") -> None:
        """Record a trial that has ended."""
        if study in OBSERVED:
            return
        with self._attempt():
            recorded = self._study(study)
            recorded.finish(recorded.begin(trial.number, optimized=True), trial)

    def __enter__(self) -> Self:
        """Return the callback."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Sum up what was recorded, and end the runs that were begun for it."""
        for recorded in self._recorded.values():
            with self._attempt():
                recorded.end(error)

    def _study(self, study: "Study") -> RecordedStudy:
        key = key_of(study)
        recorded = self._recorded.get(key)
        if recorded is None:
            run, own = (self.run, False) if self.run is not None else place_of(study, key, current_run())
            recorded = RecordedStudy(study, key, run, self._options, own=own, max_child_runs=self._max_child_runs)
            self._recorded[key] = recorded
        recorded.go_on(study)
        return recorded

    @contextmanager
    def _attempt(self) -> Iterator[None]:
        with attempt(SOURCE), paused():
            yield
