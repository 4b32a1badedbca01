"""The explicit form: a callback that records the rounds of the training it is given to, without ``autolog``."""

from typing import TYPE_CHECKING, Any, Literal

from azml_integrations.autologging import attempt
from azml_integrations.errors import OptionError

from .fits import Fit
from .options import SOURCE, Options
from .report import Account, begin, tell_parameters
from .rounds import FIRST

if TYPE_CHECKING:
    from azml_integrations import Run


class AzmlCallback:
    """Records parameters and rounds while they come; `log_booster` adds what is known when the training is over.

    LightGBM tells a callback of each round, and of no end. ``autolog`` leaves a training alone that has one. An error
    of ours is told once as a warning; it never ends a training.

    Parameters
    ----------
    run : Run, default=None
        Where to. None takes the current run.
    on_error : {"warn", "raise"}, default="warn"
        What becomes of errors of ours.

    Attributes
    ----------
    order, before_iteration
        Its place among the callbacks, for LightGBM: before all others.

    Raises
    ------
    OptionError
        If there is no run to write to: a callback hears of no end, so it cannot end one that it had begun.

    Examples
    --------
    >>> with experiment.start_logging() as run:  # doctest: +SKIP
    ...     booster = lightgbm.train(params, data, valid_sets=[test], callbacks=[AzmlCallback(run)])
    ...     log_booster(run, booster)
    """

    def __init__(self, run: "Run | None" = None, *, on_error: Literal["warn", "raise"] = "warn") -> None:
        from azml_integrations import Run, current_run

        if run is not None and not isinstance(run, Run):
            raise OptionError(f"AzmlCallback takes a Run, or None for the current one; it got {run!r}")
        self.order = FIRST
        self.before_iteration = False
        found = run if run is not None else current_run()
        if found is None:
            raise OptionError("AzmlCallback needs a run: give it one, or make it inside `with run:`")
        self._run = found
        self._options = Options(on_error=on_error)
        self._account: Account | None = None

    def __call__(self, env: Any) -> None:
        """Write what was computed after a round; the first round of a training begins anew."""
        if env.iteration == env.begin_iteration:
            with attempt(SOURCE, self._run, on_error=self._options.on_error):
                self._begin(env)
        if self._account is not None:
            self._account.rounds(env)

    def __deepcopy__(self, memo: object) -> "AzmlCallback":
        """Keep the run."""
        return AzmlCallback(self._run, on_error=self._options.on_error)

    def _begin(self, env: Any) -> None:
        self._account = None
        fit = Fit.here()
        self._account = begin(self._run, self._options, fit)
        tell_parameters(self._account, dict(fit.given or env.params))
