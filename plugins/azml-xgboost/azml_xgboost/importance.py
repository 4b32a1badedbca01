"""What a model looks at, as XGBoost counts it: gain, weight and cover of each feature."""

from typing import Any

from azml_integrations.pictures.importances import Importances

KINDS = {
    "gain": "Gain: mean improvement of a split",
    "weight": "Weight: number of splits",
    "cover": "Cover: mean hessian of a split",
}
"""Kinds of trees, the first of which sorts; a linear model has only a weight, its coefficient."""


def importances_of(booster: Any) -> Importances | str:
    """Return what a booster looks at, 0 for a feature without a split; or why that is not known."""
    import numpy as np
    from xgboost.core import XGBoostError

    scores: dict[str, dict[str, Any]] = {}
    for kind in KINDS:
        try:
            scores[kind] = booster.get_score(importance_type=kind)
        except XGBoostError:  # a linear model has no splits
            continue
    if not any(scores.values()):
        return "no tree has a split"
    names = booster.feature_names or [f"f{place}" for place in range(booster.num_features())]
    columns = {kind: np.array([_number(score.get(name, 0.0)) for name in names]) for kind, score in scores.items()}
    return Importances(names, columns, KINDS if "gain" in columns else {"weight": "Coefficient"})


def _number(value: Any) -> float:
    """Return an importance; of a linear model of several classes the mean size of its coefficients."""
    import numpy as np

    return float(np.abs(value).mean()) if isinstance(value, list) else float(value)
