"""The rounds of one training while it runs: their metrics are written as XGBoost computes them."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xgboost.callback import TrainingCallback
from xgboost.core import XGBoostError

from azml_integrations.autologging import stumble

from .options import SOURCE

if TYPE_CHECKING:
    from azml_integrations import Run


class Rounds(TrainingCallback):
    """Writes each round's metrics into a run, at step = round, under the names that XGBoost prints.

    It answers False always: it never ends a training. An error of ours is told once, and nothing is written after it.

    Parameters
    ----------
    run : Run
        Where to.
    on_error : {"warn", "raise"}, default="warn"
        What becomes of errors of ours.

    Attributes
    ----------
    first : int
        Rounds that the model had before: a training that continues another continues its steps.
    done : int
        Rounds that are over.
    seconds : float
        From the beginning of the first round to the end of the last [s].
    names : tuple of str
        Metrics that were written.
    """

    def __init__(self, run: "Run", on_error: str = "warn") -> None:
        super().__init__()
        self.first = 0
        self.done = 0
        self.seconds = 0.0
        self.names: tuple[str, ...] = ()
        self._run = run
        self._on_error = on_error
        self._log: Mapping[str, Mapping[str, list[Any]]] = {}
        self._began = time.perf_counter()
        self._broken = False

    def before_training(self, model: Any) -> Any:
        """Look how many rounds there were before."""
        try:
            self.first = model.num_boosted_rounds()
        except XGBoostError:  # an argument that it does not take: the training is about to say the same to the user
            pass
        except Exception as error:  # noqa: BLE001 - a step that begins at 0 is no reason to end a training
            stumble(SOURCE, error, self._run, on_error=self._on_error)
        self._began = time.perf_counter()
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Write what was computed after a round."""
        self._log = evals_log
        self._write(epoch)
        self.seconds = time.perf_counter() - self._began
        return False

    def catch_up(self) -> None:
        """Write the last round, if another callback ended the training before we heard of it."""
        heard = max((len(values) for metrics in self._log.values() for values in metrics.values()), default=0)
        for epoch in range(self.done, heard):
            self._write(epoch)

    def _write(self, epoch: int) -> None:
        self.done = epoch + 1
        if self._broken or not self._log:
            return
        try:
            values = values_at(self._log, epoch)
            self._run.log_metrics(values, self.first + epoch)
        except Exception as error:  # noqa: BLE001 - a full disk must not cost the user a model
            self._broken = True
            stumble(SOURCE, error, self._run, on_error=self._on_error)
        else:
            self.names = tuple(values)


def values_at(log: Mapping[str, Mapping[str, list[Any]]], epoch: int) -> dict[str, float]:
    """Return the metrics of one round by name: ``validation_0-logloss``; of a cross-validation mean and deviation."""
    values: dict[str, float] = {}
    for data, metrics in log.items():
        for metric, history in metrics.items():
            value = history[epoch]
            if isinstance(value, tuple):
                values[f"{data}-{metric}-mean"], values[f"{data}-{metric}-std"] = map(float, value)
            else:
                values[f"{data}-{metric}"] = float(value)
    return values
