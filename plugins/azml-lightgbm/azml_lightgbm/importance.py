"""What a model looks at, as LightGBM counts it: gain and splits of each feature."""

from typing import Any

from azml_integrations.pictures.importances import Importances

KINDS = {"gain": "Gain: total improvement of its splits", "split": "Split: number of splits"}
"""The first of them sorts."""


def importances_of(booster: Any) -> Importances | str:
    """Return what a booster looks at, 0 for a feature without a split; or why that is not known."""
    columns = {kind: booster.feature_importance(kind).astype(float) for kind in KINDS}
    if not columns["split"].any():
        return "no tree has a split"
    return Importances(booster.feature_name(), columns, KINDS)
