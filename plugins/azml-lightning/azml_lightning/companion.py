"""Callbacks that come with a logger, without Lightning: a namespace module joins them to its ``Callback``."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azml_integrations import Run

    from .logger import RunLogger


def runs_of(trainer: Any) -> "list[Run]":
    """Return the runs that a trainer's loggers of ours write to; none on other ranks than the first."""
    if not trainer.is_global_zero:
        return []
    recorders = [callback.logger for callback in trainer.callbacks if isinstance(callback, Recorder)]
    return [logger.experiment for logger in [*trainer.loggers, *recorders] if hasattr(logger, "resume_from")]


class Companion:
    """Lets each checkpoint carry the address of its run.

    Parameters
    ----------
    address : dict
        What the checkpoint gets.
    """

    def __init__(self, address: dict[str, Any]) -> None:
        super().__init__()
        self._address = address

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Write the address; not as a callback's state, which Lightning would miss in another trainer."""
        checkpoint.update(self._address)


class Recorder:
    """Records a trainer that has no logger: what it has computed at the end of each epoch.

    Nothing is read during an epoch, so that no step waits for its device.

    Parameters
    ----------
    logger : RunLogger
        Where to.
    """

    def __init__(self, logger: "RunLogger") -> None:
        super().__init__()
        self.logger = logger

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Begin the run."""
        _ = self.logger.experiment

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Log hyperparameters and the model."""
        hparams = dict(getattr(pl_module, "hparams_initial", None) or {})
        hparams.pop("_class_path", None)
        self.logger.log_hyperparams(hparams)
        self.logger.log_graph(pl_module)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Log the epoch, its validation included."""
        self._log(trainer)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Log a validation that is not part of a training."""
        if trainer.state.fn == "validate":
            self._log(trainer)

    def on_test_end(self, trainer: Any, pl_module: Any) -> None:
        """Log a test."""
        self._log(trainer)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Fail the run."""
        self.logger.finalize("failed")

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """End the run."""
        self.logger.finalize("success")

    def _log(self, trainer: Any) -> None:
        values = {name: value.item() for name, value in trainer.callback_metrics.items() if value.numel() == 1}
        if values:
            self.logger.log_metrics({**values, "epoch": trainer.current_epoch}, step=trainer.global_step)
