"""Importances of features that an adapter has counted: a table, and a panel for each kind."""

import numpy as np
import pytest

from azml_integrations import Experiment
from azml_integrations.pictures import importances, log_picture
from azml_integrations.pictures.importances import Importances


def of(names, **kinds):
    return Importances(names, {name: np.array(values, float) for name, values in kinds.items()}, {"gain": "Gain [1]"})


def test_the_weightiest_feature_comes_first():
    """By size: a large negative coefficient weighs as well."""
    found = importances.facts(of(["a", "b", "c"], gain=[1, -5, 2], split=[7, 8, 9]))

    assert importances.table(found) == {"feature": ["b", "c", "a"], "gain": [-5, 2, 1], "split": [8, 9, 7]}
    (panels,) = importances.page(found, "Model").rows
    assert [panel.across.label for panel in panels] == ["Gain [1]", "split"]
    assert list(panels[0].up.names) == ["b", "c", "a"]
    assert list(panels[1].up.names) == []  # they stand at the first panel
    positive, negative = (mark.values.tolist() for mark in panels[0].marks)
    assert (positive, negative) == ([0, 2, 1], [-5, 0, 0])


def test_many_features_are_cut_and_counted():
    """The table has more of them than the picture, and the title says how many there are."""
    found = importances.facts(of([f"x{n}" for n in range(1000)], gain=range(1000)))

    assert len(importances.table(found)["feature"]) == 250
    assert importances.page(found, "Model").title == "Model, 20 of 1,000"


@pytest.mark.parametrize(("given", "why"), [("no trees", "no trees"), (of(["a"], gain=[0]), "no feature has any")])
def test_where_there_are_none_the_run_says_so(workspace, given, why):
    """And has no picture."""
    missing = {}
    with Experiment(workspace, "trees").start_logging(snapshot_directory=None) as run:
        assert log_picture(run, importances, given, "outputs/Trees", missing, title="Trees") == []
    assert missing == {"importance": why}


def test_a_picture_and_its_table_are_logged(workspace):
    """Under the name of the kind."""
    with Experiment(workspace, "trees").start_logging(snapshot_directory=None) as run:
        files = log_picture(run, importances, of(["a", "b"], gain=[1, 2]), "outputs/Trees", {}, title="Trees")

    assert files == ["importance.png"]
    assert run.get_metrics()["importance_table"] == {"feature": ["b", "a"], "gain": [2.0, 1.0]}
