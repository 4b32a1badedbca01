"""The rounds of one training while it runs: their metrics are written as LightGBM computes them."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import stumble

from .options import SOURCE

if TYPE_CHECKING:
    from azml_integrations import Run

FIRST = -1_000_000
"""Place among the callbacks: before all others, as one of them may end the training with the round."""
FIELDS = "data set", "metric", "value", "whether more is better"
"""Of a result; a fifth is the deviation, of a cross-validation."""


class Rounds:
    """Writes each round's metrics into a run, at step = round, counted from 1 as LightGBM does.

    An error of ours is told once, and nothing is written after it.

    Parameters
    ----------
    run : Run
        Where to.
    on_error : {"warn", "raise"}, default="warn"
        What becomes of errors of ours.

    Attributes
    ----------
    order : int
        Place among the callbacks, for LightGBM.
    before_iteration : bool
        When it is called, for LightGBM.
    first : int
        Rounds that the model had before.
    asked : int
        Rounds that it will have, if nothing ends it early; 0 before the first one.
    done : int
        Rounds that this training has made.
    seconds : float
        From the beginning, with the binning of the data, to the end of the last round [s].
    names : tuple of str
        Metrics that were written.
    """

    def __init__(self, run: "Run", on_error: str = "warn") -> None:
        self.order = FIRST
        self.before_iteration = False
        self.first = 0
        self.asked = 0
        self.done = 0
        self.seconds = 0.0
        self.names: tuple[str, ...] = ()
        self._run = run
        self._on_error = on_error
        self._began = time.perf_counter()
        self._broken = False

    def __call__(self, env: Any) -> None:
        """Write what was computed after a round."""
        self.first, self.asked = env.begin_iteration, env.end_iteration
        self.done = env.iteration + 1 - env.begin_iteration
        if env.evaluation_result_list and not self._broken:
            try:
                values = values_of(env.evaluation_result_list)
                self._run.log_metrics(values, env.iteration + 1)
            except Exception as error:  # noqa: BLE001 - a full disk must not cost the user a model
                self._broken = True
                stumble(SOURCE, error, self._run, on_error=self._on_error)
            else:
                self.names = tuple(values)
        self.seconds = time.perf_counter() - self._began


def values_of(results: Iterable[Any]) -> dict[str, float]:
    """Return the metrics of one round by name: ``valid_0 binary_logloss``; of a cross-validation mean and deviation.

    The names are those that `lightgbm.cv` gives its results.
    """
    values: dict[str, float] = {}
    for result in results:
        data, metric, value = result[0], result[1], result[2]  # by place: unpacking calls a method of theirs for each
        deviation = result[4] if tuple.__len__(result) > len(FIELDS) else None
        name = metric if data == "cv_agg" else f"{data} {metric}"  # so LightGBM before 4.7 says
        if deviation is None:
            values[name] = float(value)
        else:
            values[f"{name}-mean"], values[f"{name}-stdv"] = float(value), float(deviation)
    return values
