"""What a training is part of: an estimator's ``fit``, or something that scikit-learn does with many of them."""

from dataclasses import dataclass
from typing import Any

from azml_integrations.autologging import calling, is_called_from

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
    estimator : LGBMModel or None
        Whose ``fit`` it is; None of the native functions.
    """

    estimator: Any = None

    @classmethod
    def here(cls) -> "Fit":
        """Return what the call under way is part of."""
        from lightgbm import LGBMModel

        return cls(calling(LGBMModel, "fit"))

    @property
    def name(self) -> str:
        """Class of what is trained."""
        return "Booster" if self.estimator is None else type(self.estimator).__name__

    @property
    def given(self) -> dict[str, Any]:
        """The parameters of the estimator that say something: None is what LightGBM takes for itself."""
        if self.estimator is None:
            return {}
        given = self.estimator.get_params(deep=False)
        return {name: value for name, value in given.items() if value is not None}


def is_part() -> bool:
    """Tell whether scikit-learn trains here as a part of something: a fold, a candidate, a member of an ensemble.

    The last step of a pipeline and the refit of a search are none: they are trained once, on all that there is.
    """
    return is_called_from("sklearn", but=ONCE)
