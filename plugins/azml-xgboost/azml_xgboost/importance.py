"""What a model looks at, as XGBoost counts it: gain, weight and cover of each feature."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azml_integrations.pictures import MOST_ROWS, distinct
from azml_integrations.pictures.page import Axis, Bars, Page, Panel, Table, places, scale

if TYPE_CHECKING:
    import numpy as np

NAME, TITLE = "importance", "Feature importance"
KINDS = {
    "gain": "Gain: mean improvement of a split",
    "weight": "Weight: number of splits",
    "cover": "Cover: mean hessian of a split",
}
"""Kinds of trees, the first of which sorts; a linear model has only a weight, its coefficient."""
MOST_BARS = 20
LETTERS = (30, 36)
BAR = 20
"""Height of a bar with its room [px]."""
WIDTH = 300
"""Of a panel [px]."""


@dataclass(frozen=True)
class Importance:
    """Features, the weightiest first.

    Attributes
    ----------
    names : list of str
        The features.
    kinds : dict of str to array of shape (n,)
        Their importance, by kind; 0 for a feature without a split.
    of : int
        Features that the model has.
    linear : bool
        Whether the weight is a coefficient.
    """

    names: list[str]
    kinds: "dict[str, np.ndarray[Any, Any]]"
    of: int
    linear: bool


def facts(booster: Any) -> Importance | str | None:
    """Return the weightiest features of a booster."""
    import numpy as np
    from xgboost.core import XGBoostError

    scores: dict[str, dict[str, Any]] = {}
    for kind in KINDS:
        try:
            scores[kind] = booster.get_score(importance_type=kind)
        except XGBoostError:  # a linear model has no splits
            continue
    many = booster.num_features()
    if not scores or not any(scores.values()):
        return "no tree has a split"
    names = booster.feature_names or [f"f{place}" for place in range(many)]
    columns = {kind: np.array([_number(score.get(name, 0.0)) for name in names]) for kind, score in scores.items()}
    order = np.argsort(-np.abs(next(iter(columns.values()))), kind="stable")[:MOST_ROWS]
    kinds = {kind: column[order] for kind, column in columns.items()}
    return Importance([names[place] for place in order], kinds, many, "gain" not in kinds)


def page(found: Importance, title: str) -> Page:
    """Draw the weightiest features, one panel for each kind."""
    import numpy as np

    names = distinct(found.names[:MOST_BARS], LETTERS)
    if found.of > len(names):
        title += f", {len(names)} of {found.of:,}"
    height = max(BAR * len(names), 3 * BAR)
    up = places("", names, height, across=False, backwards=True)
    bare = Axis("", up.low, up.high, (), ())
    panels = []
    for number, (kind, values) in enumerate(found.kinds.items()):
        label = "Coefficient" if found.linear else KINDS[kind]
        across = scale(label, np.zeros(1), values[:MOST_BARS], room=WIDTH, grid=True)
        panels.append(Panel(across, bare if number else up, [Bars(values[:MOST_BARS])], width=WIDTH, height=height))
    return Page(title, [panels])


def table(found: Importance) -> Table:
    """Return the features with each kind of importance."""
    return {"feature": found.names, **{kind: values.tolist() for kind, values in found.kinds.items()}}


def _number(value: Any) -> float:
    """Return an importance; of a linear model of several classes the mean size of its coefficients."""
    import numpy as np

    return float(np.abs(value).mean()) if isinstance(value, list) else float(value)
