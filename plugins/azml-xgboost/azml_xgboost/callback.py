"""The explicit form: a callback that records the training it is given to, without ``autolog``."""

from typing import TYPE_CHECKING, Any, Literal

from xgboost.callback import TrainingCallback

from azml_integrations.autologging import attempt, place_fit
from azml_integrations.errors import OptionError

from .fits import Fit
from .options import SOURCE, Options
from .report import Account, begin, tell_booster, tell_parameters

if TYPE_CHECKING:
    from azml_integrations import Run


class AzmlCallback(TrainingCallback):
    """Records one training after another: rounds while they come; parameters, importances and model at the end.

    ``autolog`` leaves a training alone that has one. An error of ours is told once as a warning; it never ends a
    training. XGBoost tells a callback of no error of the training, so what it begins itself fails with the run of yours
    around it, or with the process.

    Parameters
    ----------
    run : Run, default=None
        Where to: its first training stands in it, each later one in a child. None takes the current run, or begins one.
    log_models, log_images : bool, default=True
        Whether the model, and the picture and table of importances, are stored.
    silent : bool, default=False
        Print nothing at the end of a training.
    on_error : {"warn", "raise"}, default="warn"
        What becomes of errors of ours.

    Raises
    ------
    OptionError
        If `run` is no run.

    Examples
    --------
    >>> with experiment.start_logging() as run:  # doctest: +SKIP
    ...     xgboost.train(params, dtrain, 100, evals=[(dtest, "test")], callbacks=[AzmlCallback(run)])
    """

    def __init__(
        self,
        run: "Run | None" = None,
        *,
        log_models: bool = True,
        log_images: bool = True,
        silent: bool = False,
        on_error: Literal["warn", "raise"] = "warn",
    ) -> None:
        from azml_integrations import Run

        super().__init__()
        if run is not None and not isinstance(run, Run):
            raise OptionError(f"AzmlCallback takes a Run, or None for the current one; it got {run!r}")
        self._run = run
        self._options = Options(log_models, log_images, silent, on_error)
        self._account: Account | None = None
        self._owned = False

    def before_training(self, model: Any) -> Any:
        """Choose the run, and begin."""
        self._account = None
        with self._attempt():
            fit = Fit.here()
            run, self._owned = self._open(fit)
            self._account = begin(run, self._options, fit)
            tell_parameters(self._account, fit.given)
            self._account.rounds.before_training(model)
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Write what was computed after a round."""
        return self._account is not None and self._account.rounds.after_iteration(model, epoch, evals_log)

    def after_training(self, model: Any) -> Any:
        """Write what is known of the model, and end what was begun here."""
        account, self._account = self._account, None
        if account is not None:
            with self._attempt():
                if hasattr(model, "save_config"):
                    tell_booster(account, model)
                else:
                    account.rounds.catch_up()  # a cross-validation has a model for each fold
                if self._owned:
                    account.run.complete()
        return model

    def __deepcopy__(self, memo: object) -> "AzmlCallback":
        """Keep the run: scikit-learn clones estimators with their callbacks."""
        return _made(self._options, self._run)

    def __reduce__(self) -> Any:
        """Leave the run out: a model that is loaded tomorrow does not write into the run of today."""
        return _made, (self._options,)

    def _open(self, fit: Fit) -> "tuple[Run, bool]":
        run = self._run
        return place_fit(SOURCE, fit.name, None if run is None or run.over else run)

    def _attempt(self) -> Any:
        run = None if self._account is None else self._account.run
        return attempt(SOURCE, run, on_error=self._options.on_error)


def _made(options: Options, run: "Run | None" = None) -> AzmlCallback:
    callback = AzmlCallback(run)
    callback._options = options  # noqa: SLF001 - one of us
    return callback
