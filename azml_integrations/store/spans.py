"""From a batch of events to columns of points: the part of a fold that runs for every point."""

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from math import isfinite, isnan
from operator import attrgetter
from typing import NamedTuple, TypeAlias, cast

from .. import journal
from ..columns import plain
from ..records import (
    ArtifactMetric,
    Batch,
    ColumnsLogged,
    ListLogged,
    MetricPoint,
    MetricsLogged,
    PointKind,
    RowLogged,
    TableLogged,
)


class Span(NamedTuple):
    """Points of one metric that follow each other in one journal and are of one kind.

    Attributes
    ----------
    kind : str
        Which verb logged them.
    values, times, steps : list, each of shape (n,)
        Columns.
    """

    kind: PointKind
    values: list[object]
    times: list[float]
    steps: list[int | None]


class Metric:
    """What one batch adds to one metric."""

    __slots__ = ("description", "spans")

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.description = ""

    def span(self, kind: PointKind) -> Span:
        """Return the span that a point of this kind goes to."""
        if not self.spans or self.spans[-1].kind != kind:
            self.spans.append(Span(kind, [], [], []))
        return self.spans[-1]


_NAME, _VALUE, _STEP, _DESCRIPTION = map(attrgetter, ("name", "value", "step", "description"))

Appenders: TypeAlias = tuple[Callable[[object], None], Callable[[float], None], Callable[[int | None], None]]
"""How to append a value, its moment and its step to a span."""


class Gathering:
    """Points of one batch, sorted by metric as they come."""

    def __init__(self) -> None:
        self.metrics: dict[str, Metric] = {}
        self.scalars: dict[str, Appenders] = {}
        """Of each metric whose newest span is one of scalars: the path of nearly every point."""

    def add(self, kind: PointKind, name: str, value: object, at: float, step: int | None, description: str) -> None:
        """Append one point."""
        metric = self.metrics.setdefault(name, Metric())
        _, values, times, steps = metric.span(kind)
        values.append(value)
        times.append(at)
        steps.append(step)
        metric.description = description or metric.description
        if kind == "scalar":
            self.scalars[name] = values.append, times.append, steps.append
        else:
            self.scalars.pop(name, None)

    def extend(self, event: ColumnsLogged, since: float) -> None:
        """Append the points of columns, none of them before a moment [s since the epoch, UTC]."""
        times = list(accumulate(event.times, max, initial=since))[1:]
        for name, values in event.values.items():
            metric = self.metrics.setdefault(name, Metric())
            span = metric.span("scalar")
            span.values.extend(values)
            span.times.extend(times)
            span.steps.extend(event.steps)
            self.scalars[name] = span.values.append, span.times.append, span.steps.append


def gather(batch: Batch) -> tuple[dict[str, Metric], list[tuple[object, float, int]]]:  # noqa: C901, PLR0912 - a branch a kind
    """Sort a batch into points by metric, and all other events with their moment and line."""
    moments = journal.clock(batch)
    if (alone := _one_metric(batch.events, moments)) is not None:
        return alone, []
    gathering = Gathering()
    others: list[tuple[object, float, int]] = []
    known, add = gathering.scalars.get, gathering.add
    for line, (event, at) in enumerate(zip(batch.events, moments, strict=True)):
        if type(event) is MetricPoint:
            if (append := known(event.name)) is None or event.description:
                add("scalar", event.name, event.value, at, event.step, event.description)
            else:
                append[0](event.value)
                append[1](at)
                append[2](event.step)
        elif isinstance(event, MetricsLogged):
            for name, value in event.values.items():
                add("scalar", name, value, at, event.step, "")
        elif isinstance(event, ColumnsLogged):
            gathering.extend(event, moments[line - 1] if line else batch.before.clock)
        elif isinstance(event, ListLogged):
            add("list", event.name, event.values, at, None, event.description)
        elif isinstance(event, RowLogged):
            add("row", event.name, event.row, at, None, event.description)
        elif isinstance(event, TableLogged):
            add("table", event.name, event.columns, at, None, event.description)
        elif isinstance(event, ArtifactMetric):
            add(event.kind, event.name, event.artifact, at, event.step, event.description)
        else:
            others.append((event, at, batch.before.line + line))
    return gathering.metrics, others


def _one_metric(events: Sequence[object], moments: list[float]) -> dict[str, Metric] | None:
    """Return a batch that holds scalars of one metric only, twice as fast as point by point; None for any other."""
    if set(map(type, events)) != {MetricPoint}:
        return None
    points = cast("Sequence[MetricPoint]", events)
    names = set(map(_NAME, points))
    if len(names) > 1 or any(map(_DESCRIPTION, points)):
        return None
    metric = Metric()
    metric.spans.append(Span("scalar", list(map(_VALUE, points)), moments, list(map(_STEP, points))))
    return {names.pop(): metric}


class Extent(NamedTuple):
    """Least, greatest and last number among some values; None where there is no number."""

    least: float | None
    greatest: float | None
    last: float | None

    def with_later(self, later: "Extent") -> "Extent":
        """Return the extent of both, the other's numbers coming later."""
        return Extent(
            min((x for x in (self.least, later.least) if x is not None), default=None),
            max((x for x in (self.greatest, later.greatest) if x is not None), default=None),
            self.last if later.last is None else later.last,
        )


def extent(kind: PointKind, values: Sequence[object]) -> Extent:
    """Return the extent of a span's numbers; rows, tables and files have none."""
    if kind == "list":
        values = [item for sequence in values for item in sequence]  # type: ignore[attr-defined]
    elif kind != "scalar":
        return Extent(None, None, None)
    if set(map(type, values)) == {float} and all(map(isfinite, values)):  # type: ignore[arg-type]
        return Extent(min(values), max(values), values[-1])  # type: ignore[type-var, arg-type]
    return _extent_of_any(values)


def _extent_of_any(values: Iterable[object]) -> Extent:
    numbers = [number for value in values if (number := _number(value)) is not None]
    if not numbers:
        return Extent(None, None, None)
    last = numbers[-1]
    sound = [number for number in numbers if not isnan(number)]
    return Extent(min(sound, default=None), max(sound, default=None), None if isnan(last) else last)


def _number(value: object) -> float | None:
    value = plain(value)
    if isinstance(value, str) or value is None:
        return None
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:  # an int beyond the floats
        return None
