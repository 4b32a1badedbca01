"""Two objects are told apart by the first thing that differs."""

import threading
from collections import OrderedDict, deque
from functools import partial

import numpy as np
import pytest

from azml_integrations.testing.portraits import differences, portrait


class Thing:
    def __init__(self, **attributes):
        vars(self).update(attributes)


class Slotted:
    __slots__ = ("x",)

    def __init__(self, x):
        self.x = x


def told(one, other):
    return list(differences(portrait(one), portrait(other), "it"))


def circle(value):
    thing = Thing(value=value)
    thing.me = thing
    return thing


def chain(length):
    link = None
    for _ in range(length):
        link = Thing(next=link)
    return link


@pytest.mark.parametrize(
    "make",
    [
        lambda: [1, 2.5, float("nan"), "a", b"b", None, True, 1j],
        lambda: {"a": [1, {2, 3}], (1, 2): "pair"},
        lambda: Thing(x=np.arange(4.0), y=np.float32(1), z=np.array([None, "a"], dtype=object)),
        lambda: Slotted(OrderedDict(a=1)),
        lambda: deque([partial(max, 1), len, Thing, threading.Lock(), circle(1)]),
        lambda: chain(2000),
        lambda: np.random.default_rng(3),
    ],
)
def test_equal_things_are_equal(make):
    """Also those that hold themselves, NaN, or what cannot be looked into; addresses are no part of them."""
    assert told(make(), make()) == []


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (1, 1.0, "it is a float, without autolog a int"),
        (1, True, "it is a bool, without autolog a int"),
        ([1, 2], [1, 3], "it[1] is 3, without autolog 2"),
        ([1, 2], [1], "it[1] is missing with autolog"),
        ({"a": 1}, {"a": 1, "b": Thing()}, "it['b'] is there with autolog only, a test_portraits.Thing"),
        (Thing(x=Slotted(1)), Thing(x=Slotted(2)), "it.x.x is 2, without autolog 1"),
        (circle(1), circle(2), "it.value is 2, without autolog 1"),
        (max, min, "it is min, without autolog max"),
        (partial(max, 1), partial(max, 2), "it.__reduce__[2][1][0] is 2, without autolog 1"),
    ],
)
def test_a_difference_is_told_with_its_place(one, other, expected):
    """One line, in which a plugin's author reads where to look."""
    assert expected in told(one, other)


def test_one_object_twice_is_not_two_objects():
    """Whoever copies what was shared has changed it."""
    shared = [1]
    assert told([shared, shared], [[1], [1]]) == [
        "it[1] is an object of its own, without autolog the one at [0]",
        "it[1][0] is there with autolog only, a int",
    ]


def test_arrays_differ_in_type_shape_or_content():
    """Not a bit goes unseen."""
    zeros = np.zeros(3)
    for other in (np.zeros(3, np.float32), np.zeros((3, 1)), np.array([0, 0, -0.0])):
        (line,) = told(zeros, other)
        assert line.startswith("it is float")
    generator = np.random.default_rng(3)
    generator.random()
    assert told(np.random.default_rng(3), generator) != []
