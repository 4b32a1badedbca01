"""Long metrics by the few points that show them: kept with each full block, read instead of it."""

import sqlite3
from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import inf, isfinite
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias, cast

from ..columns import pack, plain, unpack
from ..records import Outline, PointKind, Series, Special
from .spans import Span

STRETCH = 128
"""Of so many points the lowest and the highest are kept."""

DENSE = 1 << 17
"""Up to so many points are read in full: unpacking them takes a few milliseconds."""

_EXACT = 1 << 53
"""Up to here every whole number is a float."""

Range: TypeAlias = tuple[float | None, float | None]
"""A part of an axis, its ends included; None is open."""


def places(values: Sequence[float]) -> list[int]:
    """Return where the points stand that show some numbers.

    Parameters
    ----------
    values : sequence of float or int, shape (n,)
        In their order; n > 0.

    Returns
    -------
    places : list of int
        The first and the last, and of each `STRETCH` the lowest, the highest and the first that is not finite.
    """
    kept = {0, len(values) - 1}
    sound = isfinite(sum(values))  # an overflow counts as not sound, which is only slower
    for start in range(0, len(values), STRETCH):
        part = numbers = values[start : start + STRETCH]
        if not sound:
            kept.update([start + place for place, value in enumerate(part) if not isfinite(value)][:1])
            numbers = [value for value in part if isfinite(value)]
        if numbers:
            kept.update((start + part.index(min(numbers)), start + part.index(max(numbers))))
    return sorted(kept)


class Shown(NamedTuple):
    """The points that show a block.

    Attributes
    ----------
    times, steps : tuple of float
        Lowest and highest of the block; of steps (None, None) where a point has none.
    extent : tuple of float, or None
        Lowest and highest value of the block; None where one is not finite.
    columns : tuple of lists
        Places in the block, steps, times and values.
    """

    times: tuple[float, float]
    steps: tuple[float | None, float | None]
    extent: tuple[float, float] | None
    columns: tuple[list[int], list[int | None], list[float], list[float]]

    @property
    def row(self) -> tuple[object, ...]:
        """What the table keeps, from ``size`` on."""
        return (len(self.columns[0]), *self.times, *self.steps, *(pack(column) for column in self.columns))


def shown(span: Span, values: bytes, steps: bytes) -> Shown | None:
    """Return the points that show a block; None of one that holds more than numbers.

    Parameters
    ----------
    span : Span
        The block.
    values, steps : bytes
        Its columns as they are kept.
    """
    if span.kind != "scalar" or values[:1] not in (b"d", b"q", b"r"):
        return None
    numbers = cast("list[float]", span.values)
    if Special in set(map(type, numbers)):
        numbers = cast("list[float]", plain(numbers))
    kept = places(numbers)
    moments, chosen = [span.times[place] for place in kept], [numbers[place] for place in kept]
    extent = (min(chosen), max(chosen)) if all(map(isfinite, chosen)) else None
    ends = _ends(span.steps, steps[:1])
    columns = kept, [span.steps[place] for place in kept], moments, chosen
    return Shown((min(span.times), max(span.times)), ends, extent, columns)


def _ends(steps: Sequence[int | None], code: bytes) -> tuple[float | None, float | None]:
    if code == b"r":
        first, last = sorted((cast("int", steps[0]), cast("int", steps[-1])))
    elif code == b"q":
        known = cast("Sequence[int]", steps)
        first, last = min(known), max(known)
    else:
        return None, None
    return (float(first), float(last)) if first > -_EXACT and last < _EXACT else (None, None)


# -- reading -------------------------------------------------------------------------------------------

Columns: TypeAlias = "tuple[Sequence[int], Sequence[float], Sequence[float]]"
"""Steps, times and values of some points."""


class _NoNumbersError(Exception):
    """A metric is more than numbers, one at a time."""


class _Block(NamedTuple):
    """A block, and what shows it; `first_step` and `last_step` are None where a point has no step."""

    journal: str
    seq: int
    length: int
    size: int
    first_at: float
    last_at: float
    first_step: float | None
    last_step: float | None
    outline: tuple[bytes, ...]


class _Blocks:
    """The blocks of one metric, in the order of time."""

    def __init__(self, db: sqlite3.Connection, run_id: str, name: str) -> None:
        self._db, self._key = db, (run_id, name)
        found = db.execute(_BLOCKS, self._key).fetchall()
        self.known = [self._block(*line) for line in found]
        self.known.sort(key=attrgetter("first_at", "journal", "seq"))
        self.begins = [0, *accumulate(block.length for block in self.known)]
        self.numbered = any(block.first_step is None for block in self.known)

    def _block(self, journal: str, seq: int, kind: PointKind, length: int, *known: Any) -> _Block:
        kept: Sequence[Any] = known
        if kept[0] is None:  # the last one, that still grows, and those of an older version
            packed = self._packed(journal, seq)
            values, times, steps = (list(unpack(column, length)) for column in packed)
            found = shown(Span(kind, values, times, steps), packed[0], packed[2])  # type: ignore[arg-type]
            if found is None:
                raise _NoNumbersError
            kept = found.row
        size, first_at, last_at, first_step, last_step, *outline = kept
        return _Block(journal, seq, length, size, first_at, last_at, first_step, last_step, tuple(outline))

    def _packed(self, journal: str, seq: int) -> tuple[bytes, bytes, bytes]:
        found = self._db.execute(_BLOCK, (*self._key, journal, seq)).fetchone()
        return cast("tuple[bytes, bytes, bytes]", found)

    def interleaved(self) -> bool:
        """Tell whether points of two journals stand between each other."""
        return any(
            one.journal != other.journal and one.last_at >= other.first_at for one, other in pairwise(self.known)
        )

    def range(self, place: int, along: str) -> tuple[float, float]:
        """Return the lowest and highest step, place or moment of a block."""
        block = self.known[place]
        if along == "time":
            return block.first_at, block.last_at
        if self.numbered:
            return self.begins[place], self.begins[place + 1] - 1
        return cast("tuple[float, float]", (block.first_step, block.last_step))

    def points(self, place: int, *, every: bool) -> Columns:
        """Return steps (places among all where some point has none), times and values of a block, or what shows it."""
        block = self.known[place]
        if every:
            values, times, steps = (unpack(column, block.length) for column in self._packed(block.journal, block.seq))
            places: Sequence[Any] = range(block.length)
        else:
            places, steps, times, values = (unpack(column, block.size) for column in block.outline)
        if self.numbered:
            steps = [self.begins[place] + one for one in places]
        return cast("Columns", (steps, times, values))


def read(db: sqlite3.Connection, run_id: str, name: str, along: str, between: Range) -> Outline | None:
    """Return the points that show a metric, or a part of it; None of one that is more than numbers, or interleaved.

    Parameters
    ----------
    db : Connection
        Of the index.
    run_id, name : str
        Whose metric.
    along : {"step", "time"}
        What `between` counts: steps (the order where some point has none), or moments [s since the epoch, UTC].
    between : tuple of (float or None, float or None)
        Ends of the part, included.
    """
    try:
        blocks = _Blocks(db, run_id, name)
    except _NoNumbersError:
        return None
    if not blocks.known or blocks.interleaved():
        return None
    low, high = (-inf if between[0] is None else between[0]), (inf if between[1] is None else between[1])
    met = [(n, *blocks.range(n, along)) for n in range(len(blocks.known))]
    met = [(n, first, last) for n, first, last in met if first <= high and last >= low]
    dense = sum(blocks.known[n].length for n, _, _ in met) <= DENSE
    found: tuple[list[Any], ...] = ([], [], [])
    count = 0
    for n, first, last in met:
        inside = low <= first and last <= high
        columns = blocks.points(n, every=dense or not inside)
        if not inside:
            columns = _within(columns, 0 if along == "step" else 1, low, high)
        count += blocks.known[n].length if inside else len(columns[0])
        if not (inside or dense) and columns[0]:
            kept = places(columns[2])
            columns = cast("Columns", tuple([column[place] for place in kept] for column in columns))
        for column, more in zip(found, columns, strict=True):
            column.extend(more)
    steps, times, values = found
    return Outline(Series("scalar", values, times, steps), count, blocks.known[0].first_at)


def _within(columns: Columns, axis: int, low: float, high: float) -> Columns:
    kept = [place for place, x in enumerate(columns[axis]) if low <= x <= high]
    return cast("Columns", tuple([column[place] for place in kept] for column in columns))


_BLOCKS = (
    "SELECT journal, seq, kind, blocks.count, outlines.size, first_at, last_at, first_step, last_step, places,"
    ' outlines.steps, outlines.times, outlines."values"'
    " FROM blocks LEFT JOIN outlines USING (run_id, name, journal, seq) WHERE run_id = ? AND name = ?"
)
_BLOCK = 'SELECT "values", times, steps FROM blocks WHERE run_id = ? AND name = ? AND journal = ? AND seq = ?'
