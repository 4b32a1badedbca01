"""What a training is part of: an estimator's ``fit``, or something that scikit-learn does with many of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import calling, is_called_from, place_fit

from .options import SOURCE

if TYPE_CHECKING:
    from azml_integrations import Run

ONCE = frozenset(
    {
        "sklearn.base",
        "sklearn.compose._target",
        "sklearn.model_selection._search",
        "sklearn.model_selection._search_successive_halving",
        "sklearn.pipeline",
    }
)
"""Modules of scikit-learn that fit an estimator once, on all that there is."""


@dataclass(frozen=True)
class Fit:
    """Who trains.

    Attributes
    ----------
    estimator : XGBModel or None
        Whose ``fit`` it is; None of the native functions.
    """

    estimator: Any = None

    @classmethod
    def here(cls) -> "Fit":
        """Return what the call under way is part of."""
        from xgboost import XGBModel

        return cls(calling(XGBModel, "fit"))

    @property
    def name(self) -> str:
        """Class of what is trained."""
        return "Booster" if self.estimator is None else type(self.estimator).__name__

    @property
    def given(self) -> dict[str, Any]:
        """The parameters of the estimator that say something: None and NaN are what XGBoost takes for itself."""
        if self.estimator is None:
            return {}
        given = self.estimator.get_params(deep=False)
        return {name: value for name, value in given.items() if value is not None and not _is_nan(value)}


def open_run_for(fit: Fit) -> "tuple[Run, bool]":
    """Return the run for a training, and whether it ends with it."""
    return place_fit(SOURCE, fit.name)


def is_part() -> bool:
    """Tell whether scikit-learn trains here as a part of something: a fold, a candidate, a member of an ensemble.

    The last step of a pipeline and the refit of a search are none: they are trained once, on all that there is.
    """
    return is_called_from("sklearn", but=ONCE)


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and value != value  # noqa: PLR0124 - NaN alone differs from itself
