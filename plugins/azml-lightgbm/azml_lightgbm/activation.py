"""Where LightGBM is listened to, and how it is given back as it was.

Every training is one call of ``train``: the user's, or that of an estimator's ``fit``, which finds the function in the
module of the estimators. These names are observed, and ``cv``; no class is touched.
"""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import Patches, Target, place_fit

from .callback import AzmlCallback
from .fits import Fit, is_part
from .options import SOURCE, Options
from .report import observe_cv, observe_train

if TYPE_CHECKING:
    from azml_integrations import AutologOptions, Run


def activate(options: "AutologOptions") -> Callable[[], None]:
    """Begin to listen to LightGBM, which is imported by now.

    Parameters
    ----------
    options : AutologOptions
        What the user asked for.

    Returns
    -------
    callable
        Puts LightGBM back as it was.
    """
    import lightgbm
    from lightgbm import engine, sklearn

    ours = Options.of(options)
    patches = Patches(SOURCE, on_error=options.on_error)
    try:
        for owner in (lightgbm, engine, sklearn):
            patches.observe(_target(owner, "train", observe_train, ours))
        for owner in (lightgbm, engine):
            patches.observe(_target(owner, "cv", observe_cv, ours))
    except Exception:
        patches.undo()
        raise
    return patches.undo


def _target(owner: Any, name: str, observe: Callable[..., Any], options: Options) -> Target:
    """Return what to observe, the arguments of each call by their names, however they were given."""
    signature = inspect.signature(getattr(owner, name))

    def observer(run: "Run", *args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        return observe(run, options, given.arguments)

    def open_run(*args: Any, **kwargs: Any) -> "tuple[Run, bool] | None":
        try:
            callbacks = signature.bind(*args, **kwargs).arguments.get("callbacks")
        except TypeError:  # a wrong call is LightGBM's to refuse
            return None
        told_otherwise = isinstance(callbacks, list | tuple) and any(isinstance(one, AzmlCallback) for one in callbacks)
        return None if told_otherwise or is_part() else place_fit(SOURCE, Fit.here().name)

    return Target(owner, name, observer, open_run)
