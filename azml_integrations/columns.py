"""Columns of values as bytes: how the index keeps the points of a metric.

The first byte says how the rest is packed, so that a reader in any language can follow:

=====  ===========================================================================================
code   rest
=====  ===========================================================================================
``n``  nothing: every value is None
``r``  an arithmetic sequence: start and stride as two little-endian int64
``d``  little-endian float64, one a value (NaN and the infinities as they are)
``q``  little-endian int64, one a value
``j``  a JSON array; a non-finite float in it is ``{"$float": "nan"}``, and an object whose only key begins with
       ``$`` stands inside another: ``{"$": {"$float": 1}}`` is the row whose column is named ``$float``
=====  ===========================================================================================
"""

import struct
import sys
from array import array
from collections.abc import Sequence
from math import isfinite, isnan
from typing import cast

import msgspec

from .records import Special

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_NOTHING = type(None)
_float = struct.Struct("<d").unpack_from


def pack(values: Sequence[object]) -> bytes:
    """Return a column as bytes; `unpack` is its inverse, types included."""
    kinds = set(map(type, values))
    if kinds == {float}:
        return b"d" + _bytes(array("d", cast("Sequence[float]", values)))
    if kinds == {_NOTHING}:
        return b"n"
    if kinds == {int}:
        return _pack_ints(cast("Sequence[int]", values))
    if kinds <= {float, Special}:
        return b"d" + _bytes(array("d", map(float, cast("list[float]", plain(list(values))))))
    return b"j" + _encode(tagged(list(values)))


def unpack(data: bytes, n: int) -> Sequence[object]:
    """Return the n values of a packed column."""
    code, rest = data[:1], data[1:]
    match code:
        case b"d" | b"q":
            return _array(code.decode(), rest)
        case b"n":
            return [None] * n
        case b"r":
            start, stride = struct.unpack("<qq", rest)
            return range(start, start + stride * n, stride) if stride else [start] * n
        case b"j":
            return cast("list[object]", plain(_decode(rest)))
        case _:
            raise ValueError(f"a column packed as {code!r} is not known; expected n, r, d, q or j")


def unpack_one(data: bytes) -> object:
    """Return the value of a packed column of one; a float, as most are, without ado."""
    return _float(data, 1)[0] if data[:1] == b"d" else unpack(data, 1)[0]


def join(parts: Sequence[tuple[bytes, int]]) -> Sequence[object]:
    """Return several packed columns, each with its length, as one; parts that are packed alike stay an array."""
    codes = {data[:1] for data, _ in parts}
    if codes in ({b"d"}, {b"q"}):
        return _array(codes.pop().decode(), *(memoryview(data)[1:] for data, _ in parts))
    columns = [unpack(data, n) for data, n in parts]
    if codes == {b"r"} and (whole := _one_range(columns)) is not None:
        return whole
    return [value for column in columns for value in column]


def _one_range(columns: list[Sequence[object]]) -> range | None:
    """Return arithmetic sequences that go on from each other as one, or None where they do not."""
    first, last = columns[0], columns[-1]
    if not isinstance(first, range) or not isinstance(last, range):
        return None
    whole = range(first.start, last.stop, first.step)
    position = 0
    for column in columns:
        if column != whole[position : position + len(column)]:
            return None
        position += len(column)
    return whole if position == len(whole) else None


def plain(value: object) -> object:
    """Return a decoded value with its tagged floats turned into floats, at any depth."""
    if isinstance(value, Special):
        return float(value.float)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        if value.keys() == {"$float"}:
            return float(value["$float"])
        inside = value["$"] if value.keys() == {"$"} else value
        return {key: plain(item) for key, item in inside.items()}
    return value


def tagged(value: object) -> object:
    """Return a value with its non-finite floats tagged, at any depth: what `plain` undoes."""
    if isinstance(value, float) and not isfinite(value):
        return Special("nan" if isnan(value) else "inf" if value > 0 else "-inf")
    if isinstance(value, list):
        return [tagged(item) for item in value]
    if isinstance(value, dict):
        inside = {key: tagged(item) for key, item in value.items()}
        return {"$": inside} if len(inside) == 1 and next(iter(inside)).startswith("$") else inside
    return value


def _pack_ints(values: Sequence[int]) -> bytes:
    start, stride, n = values[0], (values[1] - values[0] if len(values) > 1 else 1), len(values)
    try:
        if stride and values == list(range(start, start + stride * n, stride)):
            return b"r" + struct.pack("<qq", start, stride)
        return b"q" + _bytes(array("q", values))
    except (OverflowError, struct.error):  # an int beyond 64 bits
        return b"j" + _encode(values)


def _array(code: str, *parts: bytes | memoryview) -> "array[float] | array[int]":
    column = array(code)
    for part in parts:
        column.frombytes(part)
    if sys.byteorder == "big":
        column.byteswap()
    return column


def _bytes(column: "array[float] | array[int]") -> bytes:
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()
