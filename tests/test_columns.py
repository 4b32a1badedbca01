"""Columns as bytes: what goes in comes out, types included."""

import math
import struct
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azml_integrations.columns import pack, plain, tagged, unpack, unpack_one
from azml_integrations.records import Special

texts = st.text(st.characters(exclude_categories=["Cs"]))
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
keys = texts | st.sampled_from(["$float", "$", "$$"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
)


def same(one: object, two: object) -> bool:
    """Compare with types, the sign of zero and NaN."""
    if type(one) is not type(two):
        return False
    if isinstance(one, float):
        return struct.pack("d", one) == struct.pack("d", two) or (math.isnan(one) and math.isnan(two))
    if isinstance(one, list):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, dict):
        return list(one) == list(two) and all(same(one[key], two[key]) for key in one)
    return one == two


@given(st.lists(values, min_size=1, max_size=6))
def test_any_column_comes_back(column):
    """An int stays an int, True is not 1, and NaN is not None."""
    assert same(list(unpack(pack(column), len(column))), column)
    assert same(unpack_one(pack(column[:1])), column[0])


@given(st.lists(st.floats(), min_size=1))
def test_floats_come_back_bit_by_bit(column):
    """The fast path of almost every metric."""
    packed = pack(column)
    assert packed[:1] == b"d"
    assert len(packed) == 1 + 8 * len(column)
    assert same(list(unpack(packed, len(column))), column)


@given(st.lists(st.integers(), min_size=1))
def test_ints_of_any_size_come_back(column):
    """Python has no largest int, so neither do we."""
    assert same(list(unpack(pack(column), len(column))), column)


@given(st.integers(-(2**40), 2**40), st.integers(-1000, 1000), st.integers(1, 200))
def test_steps_that_count_up_cost_nothing(start, stride, n):
    """Steps 0, 1, 2 ... of a million points are three numbers."""
    column = [start + stride * place for place in range(n)]
    packed = pack(column)
    assert list(unpack(packed, n)) == column
    assert stride == 0 or n == 1 or packed[:1] == b"r"
    assert stride == 0 or len(packed) == 17


@pytest.mark.parametrize(
    ("column", "packed"),
    [
        ([None, None, None], b"n"),
        ([1.5], b"d" + struct.pack("<d", 1.5)),
        ([0, 10, 20], b"r" + struct.pack("<qq", 0, 10)),
        ([7], b"r" + struct.pack("<qq", 7, 1)),
        ([3, 3], b"q" + struct.pack("<qq", 3, 3)),
        ([1, 5, 2], b"q" + struct.pack("<qqq", 1, 5, 2)),
        ([2**64], b"j[18446744073709551616]"),
        ([-(2**63)], b"r" + struct.pack("<qq", -(2**63), 1)),
        ([1, None], b"j[1,null]"),
        ([True, 1], b"j[true,1]"),
        ([1, 2.0], b"j[1,2.0]"),
        (["a", float("nan")], b'j["a",{"$float":"nan"}]'),
        ([Special("-inf")], b"d" + struct.pack("<d", float("-inf"))),
        ([{"x": float("inf")}], b'j[{"x":{"$float":"inf"}}]'),
        ([{"$float": "nan"}], b'j[{"$":{"$float":"nan"}}]'),
        ([{"$": 1}], b'j[{"$":{"$":1}}]'),
    ],
)
def test_the_format_is_public(column, packed):
    """A reader in another language follows the documentation, so the bytes are part of it."""
    assert pack(column) == packed


def test_a_row_may_call_its_column_like_our_tag():
    """A user's column named ``$float`` is not our NaN."""
    column = [{"$float": "nan"}, {"$float": "x"}, {"$": {"$float": 1.0}}, {"$float": 1.0, "y": 2.0}]
    assert list(unpack(pack(column), 4)) == column


def test_a_tagged_value_becomes_plain():
    """What a journal line holds is what the user sees, at any depth."""
    given_ = [Special("inf"), {"x": [Special("-inf")]}]
    assert plain(given_) == [float("inf"), {"x": [float("-inf")]}]
    assert tagged([float("inf"), {"x": [float("-inf")]}]) == given_


def test_an_array_is_read_without_a_list():
    """A million points come back as one block of memory."""
    assert isinstance(unpack(pack([1.0, 2.0]), 2), array)
    assert isinstance(unpack(pack([5, 1, 9]), 3), array)
    assert isinstance(unpack(pack([1, 2, 3]), 3), range)


def test_an_unknown_code_is_refused():
    """A file from a newer version is not read as nonsense."""
    with pytest.raises(ValueError, match=r"packed as b'z' is not known; expected n, r, d, q or j"):
        unpack(b"z123", 1)
