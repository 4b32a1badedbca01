"""A sweep as a run: its children, and the best of them."""

import json
from typing import TYPE_CHECKING, Any, NoReturn

from .. import errors
from ..core.run import Run, _revived
from ..records import TERMINAL, RunQuery, RunRecord, RunStatus
from . import scores
from .definition import Sweep, child_number
from .trial import HYPERPARAMETERS

if TYPE_CHECKING:
    from ..core.experiment import Experiment
    from .runconfig import HyperDriveConfig

RUN_TYPE = "hyperdrive"


class HyperDriveRun(Run):
    """A sweep that was submitted.

    Parameters
    ----------
    experiment : Experiment
        Where it belongs.
    run_id : str
        Its id.
    hyperdrive_config : HyperDriveConfig, default=None
        Ignored: what was submitted is read from the run.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    """

    RUN_TYPE = RUN_TYPE

    def __init__(
        self, experiment: "Experiment", run_id: str, hyperdrive_config: object = None, **kwargs: object
    ) -> None:
        super().__init__(experiment, run_id, **kwargs)

    # -- what was submitted --------------------------------------------------------------------------

    @property
    def hyperdrive_config(self) -> "HyperDriveConfig":
        """Return the configuration that was submitted.

        Raises
        ------
        UserErrorException
            If the run's folder does not hold it.
        """
        from .runconfig import HyperDriveConfig
        from .submission import script_of

        return HyperDriveConfig._of(self._sweep(), script_of(self._folder))  # noqa: SLF001 - a constructor

    def _sweep(self) -> Sweep:
        return Sweep.kept(self._folder)

    # -- children ------------------------------------------------------------------------------------

    def get_best_run_by_primary_metric(
        self, include_failed: bool = True, include_canceled: bool = True, include_resume_from_runs: bool = True
    ) -> Run | None:
        """Return the child with the best value of the primary metric: the best of all that it has logged.

        Parameters
        ----------
        include_failed, include_canceled : bool, default=True
            Whether children that failed, or were canceled, may be it.
        include_resume_from_runs : bool, default=True
            Whether children of the sweeps that this one learned from may be it.

        Returns
        -------
        child : Run or None
            The first of equal ones; None when none has logged the primary metric.

        Warns
        -----
        AzmlWarning
            When it returns None: with the names of the metrics that were logged.
        """
        sweep = self._sweep()
        store = self._workspace.view.all()
        of = [self.id, *(sweep.resume_from if include_resume_from_runs else ())]
        left_out = {RunStatus.FAILED: not include_failed, RunStatus.CANCELED: not include_canceled}
        several = [record for run_id in of for record in children_of(store, run_id)]
        asked = {record.run_id: record for record in several if not left_out.get(RunStatus(record.status))}
        values = scores.best(store, list(asked.values()), sweep.metric, sweep.goal)
        first = next(iter(scores.ranked(values, sweep.goal)), None)
        if first is None or values[first] is None:
            self._warn_of_other_names(sweep.metric, scores.logged(store, list(asked.values())), len(asked))
            return None
        return _revived(self._workspace, asked[first])

    def _warn_of_other_names(self, metric: str, names: list[str], children: int) -> None:
        if not children:
            said = f"sweep {self.id} has no child yet that could be the best"
        else:
            logged = f"they logged {errors.few([repr(name) for name in names])}" if names else "they logged no number"
            said = f"no child of sweep {self.id} has logged its primary metric {metric!r}; {logged}"
        errors.warn_outside(f"{said}, so there is no best run", errors.AzmlWarning)

    def get_children_sorted_by_primary_metric(
        self, top: int = 0, reverse: bool = False, discard_no_metric: bool = False
    ) -> list[dict[str, Any]]:
        """Return the children, the best first.

        Parameters
        ----------
        top : int, default=0
            Only so many; 0 for all.
        reverse : bool, default=False
            Whether the worst comes first.
        discard_no_metric : bool, default=False
            Whether children without the primary metric are left out; they come last otherwise.

        Returns
        -------
        children : list of dict
            Each with ``run_id``, ``hyperparameters`` (JSON), ``best_primary_metric`` (float or None) and ``status``.
        """
        sweep = self._sweep()
        store = self._workspace.view.all()
        records = {record.run_id: record for record in children_of(store, self.id)}
        values = scores.best(store, list(records.values()), sweep.metric, sweep.goal)
        order = scores.ranked(values, sweep.goal)
        having = [run_id for run_id in order if values[run_id] is not None]
        lacking = [] if discard_no_metric else [run_id for run_id in order if values[run_id] is None]
        shown = [*(having[::-1] if reverse else having), *lacking]
        return [
            {
                "run_id": run_id,
                "hyperparameters": records[run_id].tags.get(HYPERPARAMETERS),
                "best_primary_metric": values[run_id],
                "status": str(records[run_id].status),
            }
            for run_id in (shown[:top] if top > 0 else shown)
        ]

    def get_hyperparameters(self) -> dict[str, str | None]:
        """Return the hyperparameters of each child as JSON, by its id."""
        children = children_of(self._workspace.view.all(), self.id)
        return {record.run_id: record.tags.get(HYPERPARAMETERS) for record in children}

    def get_metrics(self) -> dict[str, Any]:  # type: ignore[override]  # SDK v1's takes nothing here
        """Return the metrics of each child in SDK v1's shapes, by its id."""
        found = super().get_metrics(recursive=True)
        children = children_of(self._workspace.view.all(), self.id)
        return {record.run_id: found.get(record.run_id, {}) for record in children}

    # -- ending --------------------------------------------------------------------------------------

    def cancel(self) -> bool:  # type: ignore[override]  # SDK v1's answers here
        """Cancel the sweep, and its children that have not ended.

        Returns
        -------
        asked : bool
            Whether there was something to cancel.
        """
        if self.get_status() in TERMINAL:
            return False
        super().cancel()
        for record in children_of(self._workspace.view.all(), self.id):
            if record.status not in TERMINAL:
                self._relative(record).cancel()
        return True

    def complete(self, _set_status: bool = True) -> None:
        """Do nothing but warn: a sweep ends when its children have."""
        errors.warn_outside(f"sweep {self.id} ends when its children have; cancel() ends it now", errors.AzmlWarning)

    def fail(self, error_details: object = None, error_code: str | None = None, *_: object, **__: object) -> NoReturn:
        """Refuse: a sweep fails when all its children do.

        Raises
        ------
        HyperDriveNotImplementedException
            Always.
        """
        raise errors.HyperDriveNotImplementedException(
            f"fail() is not there for a sweep: {self.id} fails when all its children do; cancel() ends it"
        )

    def get_diagnostics(self, *_: object, **__: object) -> NoReturn:
        """Refuse: what the controller did stands in a log.

        Raises
        ------
        HyperDriveNotImplementedException
            Always.
        """
        raise errors.HyperDriveNotImplementedException(
            f"get_diagnostics() is not there: download_file('azureml-logs/hyperdrive.txt') of run {self.id} tells what "
            f"was done and why"
        )


def children_of(store: Any, sweep_id: str) -> list[RunRecord]:
    """Return the children of a sweep in the order of their numbers."""
    numbered = {child_number(sweep_id, record.run_id): record for record in store.find(RunQuery(parent_id=sweep_id))}
    return [numbered[number] for number in sorted(number for number in numbered if number is not None)]


def hyperparameters(record: RunRecord) -> dict[str, Any]:
    """Return the hyperparameters of a child."""
    return dict(json.loads(record.tags.get(HYPERPARAMETERS) or "{}"))


__all__ = ["HyperDriveRun"]
