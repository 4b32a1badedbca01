"""Early termination, against cases that were worked out by hand from the documented rules."""

import math

import pytest

from azml_integrations.errors import HyperDriveConfigException
from azml_integrations.sweeps import (
    BanditPolicy,
    MedianStoppingPolicy,
    NoTerminationPolicy,
    PrimaryMetricGoal,
    TruncationSelectionPolicy,
    policy,
)

MIN, MAX = PrimaryMetricGoal.MINIMIZE, PrimaryMetricGoal.MAXIMIZE
NAN, INF = math.nan, math.inf


def stopped(rule, values, interval, goal):
    """Return which children a rule stops at an interval that all of them have reached."""
    return {child for child in values if rule.stops(child, values, interval, goal) is not None}


# -- Bandit ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "goal", "values", "expected"),
    [
        # best 0.8: below 0.8 / 1.2 = 0.667 is stopped
        (BanditPolicy(slack_factor=0.2), MAX, {"a": [0.8], "b": [0.67], "c": [0.66]}, {"c"}),
        # best 0.5: above 0.5 * 1.2 = 0.6 is stopped
        (BanditPolicy(slack_factor=0.2), MIN, {"a": [0.5], "b": [0.59], "c": [0.61]}, {"c"}),
        # best 0.8: below 0.8 - 0.2 = 0.6 is stopped
        (BanditPolicy(slack_amount=0.2), MAX, {"a": [0.8], "b": [0.61], "c": [0.59]}, {"c"}),
        # best 0.5: above 0.5 + 0.2 = 0.7 is stopped
        (BanditPolicy(slack_amount=0.2), MIN, {"a": [0.5], "b": [0.69], "c": [0.71]}, {"c"}),
        # of each child its best value counts, not its last
        (BanditPolicy(slack_amount=0.1), MAX, {"a": [0.9, 0.2], "b": [0.3, 0.85], "c": [0.7, 0.79]}, {"c"}),
        # negative metrics (a score that is an error with its sign turned): -1 is best, below -1.2 is stopped
        (BanditPolicy(slack_factor=0.2), MAX, {"a": [-1.0], "b": [-1.19], "c": [-1.21]}, {"c"}),
        # of negative losses the lowest is best: -1, and what is above -1 / 1.2 = -0.833 is stopped
        (BanditPolicy(slack_factor=0.2), MIN, {"a": [-1.0], "b": [-0.84], "c": [-0.83]}, {"c"}),
        (BanditPolicy(slack_amount=0.5), MAX, {"a": [-1.0], "b": [-1.4], "c": [-1.6]}, {"c"}),
        # on both sides of zero a ratio leaves little room
        (BanditPolicy(slack_factor=0.2), MAX, {"a": [0.2], "b": [-0.1]}, {"b"}),
        # what is not finite is worse than any number, for either goal
        (BanditPolicy(slack_factor=0.2), MIN, {"a": [0.5], "b": [NAN], "c": [-INF], "d": [INF]}, {"b", "c", "d"}),
        (BanditPolicy(slack_amount=9.0), MAX, {"a": [0.5], "b": [NAN], "c": [INF]}, {"b", "c"}),
        (BanditPolicy(slack_amount=0.1), MIN, {"a": [NAN, 0.5], "b": [0.55, NAN]}, set()),
        # where nobody has a number there is nothing to compare
        (BanditPolicy(slack_factor=0.2), MIN, {"a": [NAN], "b": [INF]}, set()),
        # the best child stays, whatever the slack
        (BanditPolicy(slack_factor=0), MAX, {"a": [-0.5], "b": [-0.5], "c": [-0.6]}, {"c"}),
        (BanditPolicy(slack_amount=0), MIN, {"a": [0.0], "b": [0.0], "c": [0.1]}, {"c"}),
    ],
)
def test_bandit(rule, goal, values, expected):
    """Stopped is what lies beyond the slack of the best of all."""
    assert stopped(rule, values, len(values["a"]), goal) == expected


def test_bandit_compares_at_the_interval():
    """What another child reached later does not count yet; one that ended before counts with what it had."""
    rule = BanditPolicy(slack_amount=0.1)
    values = {"slow": [0.5], "ahead": [0.5, 0.6, 0.9], "ended": [0.52]}
    assert rule.stops("slow", values, 1, MAX) is None
    assert rule.stops("ahead", {**values, "ended": [0.99]}, 2, MAX) is not None


# -- median stopping ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("goal", "values", "expected"),
    [
        # averages 0.4, 0.6, 0.5: the median is 0.5; best values 0.5, 0.9, 0.5
        (MAX, {"a": [0.3, 0.5], "b": [0.3, 0.9], "c": [0.5, 0.5]}, set()),
        # averages 0.2, 0.8, 0.7: the median is 0.7; only a's best, 0.3, is below
        (MAX, {"a": [0.1, 0.3], "b": [0.8, 0.8], "c": [0.6, 0.8]}, {"a"}),
        # averages 5, 2, 3: the median is 3; best values 4, 1, 3
        (MIN, {"a": [6.0, 4.0], "b": [3.0, 1.0], "c": [3.0, 3.0]}, {"a"}),
        # averages 1, 3: the median is 2; b's best is 3
        (MIN, {"a": [1.0, 1.0], "b": [3.0, 3.0]}, {"b"}),
        # negative: averages -3, -1, -2: the median is -2; best values -3, -1, -2
        (MAX, {"a": [-3.0], "b": [-1.0], "c": [-2.0]}, {"a"}),
        # an average leaves out what is not finite; a child without a number is worse than any median
        (MIN, {"a": [NAN, 2.0], "b": [2.0, INF], "c": [NAN, NAN]}, {"c"}),
        (MIN, {"a": [NAN], "b": [INF]}, set()),
        # alone, and among equals, nobody is worse than the median; nor is the dust of a mean
        (MAX, {"a": [0.1, 0.1, 0.1]}, set()),
        (MIN, {"a": [0.1] * 3, "b": [0.1] * 3, "c": [0.1] * 3}, set()),
    ],
)
def test_median_stopping(goal, values, expected):
    """Stopped is whose best value is worse than the median of the running averages."""
    assert stopped(MedianStoppingPolicy(), values, max(map(len, values.values())), goal) == expected


def test_median_stopping_averages_up_to_the_interval():
    """Averages over interval 1 to 2: 1 and 5, not 1 and 50."""
    values = {"a": [1.0, 1.0, 1.0], "b": [5.0, 5.0, 140.0], "c": [2.9, 2.9]}
    assert MedianStoppingPolicy().stops("c", values, 2, MIN) is None  # median of 1, 5, 2.9
    assert MedianStoppingPolicy().stops("b", values, 2, MIN) is not None


# -- truncation selection ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("percent", "goal", "values", "expected"),
    [
        (20, MAX, {n: [float(n)] for n in range(10)}, {0, 1}),
        (20, MIN, {n: [float(n)] for n in range(10)}, {8, 9}),
        (99, MIN, {n: [float(n)] for n in range(10)}, {1, 2, 3, 4, 5, 6, 7, 8, 9}),  # 99 % of 10 is 9 whole ones
        (50, MAX, {0: [1.0]}, set()),  # half of one is none
        (25, MIN, {0: [1.0], 1: [1.0], 2: [1.0], 3: [1.0]}, {3}),  # of equal ones the later
        (50, MAX, {0: [NAN], 1: [-7.0]}, {0}),
        (50, MIN, {0: [5.0, 1.0], 1: [2.0, 3.0]}, {1}),  # by the best value up to there
    ],
)
def test_truncation_selection(percent, goal, values, expected):
    """Stopped are the worst so many percent."""
    assert stopped(TruncationSelectionPolicy(percent), values, len(values[0]), goal) == expected


def test_truncation_selection_counts_who_has_reached_the_interval():
    """Of five children two have three values: half of two is one."""
    values = {0: [9.0], 1: [9.0, 9.0], 2: [5.0, 5.0, 5.0], 3: [4.0, 4.0, 4.0], 4: []}
    assert TruncationSelectionPolicy(50).stops(2, values, 3, MIN) is not None
    assert TruncationSelectionPolicy(50).stops(3, values, 3, MIN) is None


# -- when a policy looks -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("every", "delay", "expected"),
    [
        (1, 0, [0, 1, 2, 3, 4, 5, 6]),
        (2, 0, [0, 0, 2, 2, 4, 4, 6]),
        (2, 5, [0, 0, 0, 0, 0, 0, 6]),
        (1, 4, [0, 0, 0, 0, 4, 5, 6]),
        (3, 3, [0, 0, 0, 3, 3, 3, 6]),
    ],
)
def test_a_policy_looks_at_multiples_of_its_interval_from_its_delay_on(every, delay, expected):
    """By the number of values that a child has logged: 0 to 6."""
    rule = MedianStoppingPolicy(evaluation_interval=every, delay_evaluation=delay)
    assert [rule.due(n) for n in range(7)] == expected


def test_a_child_is_looked_at_once_an_interval():
    """Three values came since interval 2: the last multiple of 2 among them is looked at, once."""
    rule = BanditPolicy(evaluation_interval=2, slack_amount=0.1)
    values = {0: [0.9] * 5, 1: [0.1] * 5}
    assert set(policy.condemned(rule, values, {0: 2, 1: 2}, MAX)) == {1}
    assert policy.condemned(rule, values, {0: 4, 1: 4}, MAX) == {}
    assert policy.condemned(rule, values, {0: 2}, MAX) == {}


def test_no_termination_stops_nothing():
    """The same as no policy."""
    assert policy.condemned(NoTerminationPolicy(), {0: [1.0], 1: [99.0]}, {0: 0, 1: 0}, MIN) == {}
    assert NoTerminationPolicy().stops(1, {0: [1.0], 1: [99.0]}, 1, MIN) is None


# -- arguments ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        BanditPolicy,
        lambda: BanditPolicy(slack_factor=0.1, slack_amount=0.1),
        lambda: BanditPolicy(slack_factor=-0.1),
        lambda: BanditPolicy(slack_amount="0.1"),
        lambda: BanditPolicy(slack_amount=NAN),
        lambda: BanditPolicy(slack_amount=True),
        lambda: BanditPolicy(0, slack_factor=0.1),
        lambda: BanditPolicy(1.5, slack_factor=0.1),
        lambda: MedianStoppingPolicy(delay_evaluation=-1),
        lambda: MedianStoppingPolicy(evaluation_interval=True),
        lambda: TruncationSelectionPolicy(0),
        lambda: TruncationSelectionPolicy(100),
        lambda: TruncationSelectionPolicy(20.0),
    ],
)
def test_policies_refuse_what_they_cannot_use(make):
    """SDK v1's own error."""
    with pytest.raises(HyperDriveConfigException, match=r"got .*expected"):
        make()


@pytest.mark.parametrize(
    ("made", "properties"),
    [
        (
            BanditPolicy(2, slack_factor=0.1),
            {"evaluation_interval": 2, "slack_factor": 0.1, "delay_evaluation": 0},
        ),
        (BanditPolicy(slack_amount=3), {"evaluation_interval": 1, "slack_amount": 3, "delay_evaluation": 0}),
        (MedianStoppingPolicy(1, 5), {"evaluation_interval": 1, "delay_evaluation": 5}),
        (
            TruncationSelectionPolicy(25, 1, 5),
            {"truncation_percentage": 25, "evaluation_interval": 1, "delay_evaluation": 5},
        ),
        (NoTerminationPolicy(), {}),
    ],
    ids=repr,
)
def test_a_policy_comes_back_from_its_definition(made, properties):
    """A controller in another process applies the same rule."""
    assert made.as_definition()["properties"] == properties
    assert policy.from_definition(made.as_definition()) == made
    assert eval(repr(made)) == made
