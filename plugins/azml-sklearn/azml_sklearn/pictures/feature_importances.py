"""What a model looks at: its feature importances, or its coefficients."""

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azml_integrations.pictures import MOST_ROWS, distinct
from azml_integrations.pictures.page import COLORS, SIDE, Bars, Page, Panel, Table, places, scale
from azml_sklearn.training import innermost

from .evidence import Evidence

if TYPE_CHECKING:
    from azml_integrations.pictures.page import Array

NAME, TITLE = "feature_importances", "Feature importances"
MOST_BARS = 20
LETTERS = (30, 36)
"""Names of features are longer than those of classes: the step that made a column stands in them."""
BAR = 20
"""Height of a bar with its room [px]."""
MOST_NAMED = 100_000
"""More features than this keep their numbers: making so many names takes its time."""


@dataclass(frozen=True)
class Importances:
    """Features, the weightiest first.

    Attributes
    ----------
    names : list of str
        The features.
    values : array of shape (n,)
        Their importance.
    meaning : str
        What that is.
    of : int
        Features that the model has.
    """

    names: list[str]
    values: "Array"
    meaning: str
    of: int


def facts(evidence: Evidence) -> Importances | None:
    """Return the weightiest features of a model that tells."""
    import numpy as np

    if not evidence.fitted:
        return None
    values, meaning = _told_by(innermost(evidence.estimator))
    if values is None or not len(values):
        return None
    weightiest = np.argsort(-np.abs(values), kind="stable")[:MOST_ROWS]
    names = _names(evidence.estimator, len(values))
    return Importances([names[place] for place in weightiest], values[weightiest], meaning, len(values))


def page(found: Importances, title: str) -> Page:
    """Draw the weightiest features, negative ones in another colour."""
    import numpy as np

    names, values = distinct(found.names[:MOST_BARS], LETTERS), found.values[:MOST_BARS]
    if found.of > len(values):
        title += f", {len(values)} of {found.of:,}"
    height = max(BAR * len(values), 3 * BAR)
    marks = [Bars(np.where(values > 0, values, 0.0)), Bars(np.where(values < 0, values, 0.0), COLORS[3])]
    across = scale(found.meaning, np.zeros(1), values, room=SIDE, grid=True)
    return Page(title, [[Panel(across, places("", names, height, across=False, backwards=True), marks, height=height)]])


def table(found: Importances) -> Table:
    """Return the features with their importance."""
    return {"feature": found.names, "importance": found.values.tolist()}


def _told_by(model: Any) -> "tuple[Array | None, str]":
    import numpy as np

    importances = getattr(model, "feature_importances_", None)  # once: a forest asks all its trees for it
    if importances is not None:
        return np.ravel(importances).astype(float), "Importance"
    coefficients = getattr(model, "coef_", None)
    if coefficients is None or getattr(model, "kernel", "linear") != "linear":
        return None, ""
    if hasattr(coefficients, "toarray"):  # a linear SVC of sparse data: as many rows as classes
        coefficients = coefficients.toarray()
    coefficients = np.asarray(coefficients, dtype=float)
    if coefficients.ndim == 1 or len(coefficients) == 1:
        return coefficients.ravel(), "Coefficient"
    return np.abs(coefficients).mean(axis=0), f"Mean size of {len(coefficients)} coefficients"


def _names(estimator: Any, many: int) -> list[str]:
    """Return the names of the features that the last step gets; where nobody knows them, scikit-learn's numbers."""
    if many <= MOST_NAMED:
        for tell in (_own_names, _names_of_steps):
            with contextlib.suppress(Exception):  # a step of the user's own may raise anything here
                names = [str(name) for name in tell(estimator)]
                if len(names) == many:
                    return names
    return [f"x{number}" for number in range(many)]


def _own_names(estimator: Any) -> Any:
    return innermost(estimator).feature_names_in_


def _names_of_steps(estimator: Any) -> Any:
    best = getattr(estimator, "best_estimator_", None)
    return estimator[:-1].get_feature_names_out() if best is None else _names_of_steps(best)
