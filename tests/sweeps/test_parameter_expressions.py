"""Expressions of a search space have SDK v1's shapes, and refuse what cannot be drawn from."""

import json
import math
from random import Random

import numpy as np
import pytest

from azml_integrations.errors import HyperDriveConfigException
from azml_integrations.sweeps import parameter_expressions as expressions
from azml_integrations.sweeps import space


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (expressions.choice(0.1, 1), ["choice", [[0.1, 1]]]),
        (expressions.choice([0.1, 1]), ["choice", [[0.1, 1]]]),
        (expressions.choice(range(1, 4)), ["choice", [[1, 2, 3]]]),
        (expressions.choice((1, 2)), ["choice", [[1, 2]]]),
        (expressions.choice("sgd"), ["choice", [["sgd"]]]),
        (expressions.choice([64, 64], [128]), ["choice", [[[64, 64], [128]]]]),
        (expressions.choice(True, None), ["choice", [[True, None]]]),
        (expressions.choice(np.array([0.5, 2.0])), ["choice", [[0.5, 2.0]]]),
        (expressions.choice(np.float64(0.5), np.int64(2)), ["choice", [[0.5, 2]]]),
        (expressions.choice(np.int64(3)), ["choice", [[3]]]),
        (expressions.randint(5), ["randint", [5]]),
        (expressions.uniform(0, 1), ["uniform", [0, 1]]),
        (expressions.quniform(0, 100, 5), ["quniform", [0, 100, 5]]),
        (expressions.loguniform(-6, -1), ["loguniform", [-6, -1]]),
        (expressions.qloguniform(0, 3, 2), ["qloguniform", [0, 3, 2]]),
        (expressions.normal(10, 3), ["normal", [10, 3]]),
        (expressions.qnormal(10, 3, 0.5), ["qnormal", [10, 3, 0.5]]),
        (expressions.lognormal(0, 1), ["lognormal", [0, 1]]),
        (expressions.qlognormal(0, 1, 1), ["qlognormal", [0, 1, 1]]),
    ],
)
def test_an_expression_is_a_name_and_its_arguments(made, expected):
    """The same lists as SDK v1 returns, and JSON that comes back equal."""
    assert made == expected
    assert json.loads(json.dumps(made)) == expected


@pytest.mark.parametrize(
    "make",
    [
        expressions.choice,
        lambda: expressions.choice([]),
        lambda: expressions.choice(object()),
        lambda: expressions.choice(1.0, math.nan),
        lambda: expressions.choice("a", "\udcff"),
        lambda: expressions.choice("a\0b"),
        lambda: expressions.randint(0),
        lambda: expressions.randint(2.5),
        lambda: expressions.randint(True),
        lambda: expressions.uniform(1, 1),
        lambda: expressions.uniform(2, 1),
        lambda: expressions.uniform("0", 1),
        lambda: expressions.uniform(0, math.inf),
        lambda: expressions.quniform(0, 1, 0),
        lambda: expressions.quniform(0, 1, "1"),
        lambda: expressions.loguniform(1e-6, 1000),
        lambda: expressions.normal(0, 0),
        lambda: expressions.normal(None, 1),
        lambda: expressions.qnormal(0, 1, -1),
        lambda: expressions.lognormal(0, -1),
        lambda: expressions.qlognormal(0, 1, 0),
        lambda: expressions.qloguniform(0, 800, 1),
    ],
)
def test_what_cannot_be_drawn_from_is_refused(make):
    """SDK v1's own error, which says what came."""
    with pytest.raises(HyperDriveConfigException, match=r"got|cannot be"):
        make()


def test_drawn_values_lie_where_the_expression_says():
    """Bounds, multiples, kinds and middles of each, over a thousand draws."""
    drawn = {
        name: [space._drawn(expression, Random(n)) for n in range(1000)]
        for name, expression in {
            "choice": expressions.choice("a", 2, None),
            "randint": expressions.randint(3),
            "uniform": expressions.uniform(2, 4),
            "quniform": expressions.quniform(0, 10, 5),
            "quniform of floats": expressions.quniform(0, 1, 0.1),
            "loguniform": expressions.loguniform(math.log(1e-4), math.log(1e-2)),
            "qloguniform": expressions.qloguniform(0, math.log(100), 10),
            "normal": expressions.normal(10, 1),
            "qnormal": expressions.qnormal(0, 10, 2),
            "lognormal": expressions.lognormal(0, 1),
            "qlognormal": expressions.qlognormal(0, 1, 1),
            "lognormal beyond floats": expressions.lognormal(800, 1),
        }.items()
    }
    assert set(drawn["choice"]) == {"a", 2, None}
    assert set(drawn["randint"]) == {0, 1, 2}
    assert min(drawn["uniform"]) >= 2
    assert max(drawn["uniform"]) <= 4
    assert set(drawn["quniform"]) == {0, 5, 10}
    assert all(isinstance(value, int) for value in drawn["quniform"])  # argparse's type=int takes "5", not "5.0"
    assert set(drawn["quniform of floats"]) == {0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0}
    assert 1e-4 <= min(drawn["loguniform"]) < 2e-4  # half of them lie below 1e-3: the middle of the logarithms
    assert sum(value < 1e-3 for value in drawn["loguniform"]) == pytest.approx(500, abs=60)
    assert {value % 10 for value in drawn["qloguniform"]} == {0}
    assert sum(drawn["normal"]) / 1000 == pytest.approx(10, abs=0.15)  # 5 standard errors
    assert {value % 2 for value in drawn["qnormal"]} == {0}
    assert sorted(drawn["lognormal"])[500] == pytest.approx(1, abs=0.2)  # the median is exp(0)
    assert min(drawn["qlognormal"]) == 0
    assert all(math.isfinite(value) for value in drawn["lognormal beyond floats"])


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({}, "holds nothing"),
        (None, "holds a NoneType"),
        ([1], "holds a list"),
        ({"--lr": 0.1}, "choice\\(0.1\\)"),
        ({"--lr": [0.1, 1.0]}, r"choice\(\[0.1, 1.0\]\)"),
        ({"--lr": ["uniform", [1]]}, "expected an expression"),
        ({"--lr": ["gamma", [1, 2]]}, "expected an expression"),
        ({"--lr": ["uniform", [2, 1]]}, "min_value below max_value"),
        ({3: ["randint", [2]]}, "cannot be the name"),
        ({"--a b": ["randint", [2]]}, "without blanks"),
    ],
)
def test_a_space_that_cannot_be_sampled_is_refused(bad, said):
    """The error names the hyperparameter and the way out."""
    with pytest.raises(HyperDriveConfigException, match=said):
        space.checked(bad)


def test_arguments_are_what_a_shell_would_hand_over():
    """Names that begin with a dash stand as they are; lists are JSON, all else its string."""
    given = {"--alpha": 0.1, "-n": 3, "layers": [64, 32], "--flag": True, "--none": None, "--name": "two words"}
    assert space.arguments(given) == [
        *("--alpha", "0.1", "-n", "3", "--layers", "[64, 32]"),
        *("--flag", "True", "--none", "None", "--name", "two words"),
    ]
