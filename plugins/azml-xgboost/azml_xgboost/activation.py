"""Where XGBoost is listened to, and how it is given back as it was.

Every training is one call of ``train``: the user's, or that of an estimator's ``fit``, which finds the function in the
module of the estimators. These names are observed, and ``cv``; no class is touched.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import Patches, Target

from .callback import AzmlCallback
from .fits import Fit, is_part, open_run_for
from .options import SOURCE, Options
from .report import observe_cv, observe_train

if TYPE_CHECKING:
    from azml_integrations import AutologOptions, Run


def activate(options: "AutologOptions") -> Callable[[], None]:
    """Begin to listen to XGBoost, which is imported by now.

    Parameters
    ----------
    options : AutologOptions
        What the user asked for.

    Returns
    -------
    callable
        Puts XGBoost back as it was.
    """
    import xgboost
    from xgboost import training

    ours = Options.of(options)
    patches = Patches(SOURCE, on_error=options.on_error)
    try:
        for owner in (xgboost, training, *_estimators()):
            patches.observe(Target(owner, "train", _with(observe_train, ours), _opening()))
        for owner in (xgboost, training):
            patches.observe(Target(owner, "cv", _with(observe_cv, ours), _opening()))
    except Exception:
        patches.undo()
        raise
    return patches.undo


def _estimators() -> list[Any]:
    """Return the module of the estimators, where its ``fit`` looks ``train`` up; scikit-learn may not be installed."""
    from xgboost import sklearn

    return [sklearn] if hasattr(sklearn, "train") else []


def _with(observe: Callable[..., Any], options: Options) -> Callable[..., Any]:
    def observed(run: "Run", *args: Any, **kwargs: Any) -> Any:
        return observe(run, options, *args, **kwargs)

    return observed


def _opening() -> Callable[..., Any]:
    def open_run(*_args: Any, callbacks: Any = None, **_kwargs: Any) -> "tuple[Run, bool] | None":
        told_otherwise = isinstance(callbacks, list | tuple) and any(isinstance(one, AzmlCallback) for one in callbacks)
        return None if told_otherwise or is_part() else open_run_for(Fit.here())

    return open_run
