"""Trials that are pruned at their first value are seen among those that went on."""

import optuna
from optuna.trial import TrialState, create_trial

from azml_integrations.pictures.page import Dots
from azml_optuna.charts import Charted, intermediate_values


def reported(values, state):
    return create_trial(state=state, value=values[-1], intermediate_values=dict(enumerate(values)))


def test_a_trial_with_one_value_is_a_dot():
    """A line of one point cannot be seen."""
    study = optuna.create_study()
    study.add_trials(
        [
            reported([3.0, 2.0, 1.0], TrialState.COMPLETE),
            reported([9.0], TrialState.PRUNED),
            reported([8.0], TrialState.PRUNED),
        ]
    )
    page = intermediate_values(Charted(study.trials, ["objective"], [False], ""))
    (dots,) = [mark for mark in page.rows[0][0].marks if isinstance(mark, Dots)]
    assert (dots.x.tolist(), dots.y.tolist()) == ([0.0, 0.0], [9.0, 8.0])
