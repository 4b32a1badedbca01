"""Charts as plain facts: what a browser draws with plotly and the server with matplotlib is said here once."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil, floor, isfinite, log10
from typing import TYPE_CHECKING, Any, TypeAlias

from .. import metrics
from ..core.fit_table import number
from ..records import Outline, Series

if TYPE_CHECKING:
    import numpy as np

MOST = 2000
"""Points of one line that are drawn; the lowest and the highest of each stretch are among them."""

LEAST = 250
"""Points of one line that are drawn however many lines there are."""

MOST_LINES = 40
LONGEST_TABLE = 200

EPOCH = "epoch"
"""The metric that tells the epoch, as Lightning and the adapters name it."""

Spec: TypeAlias = dict[str, Any]
"""``kind`` (lines, points, bars, heat, parallel), ``title``, ``x`` and ``y`` (titles), ``series``."""

_COLUMNS = ("row", "table")
_PAIR = 2


# -- series --------------------------------------------------------------------------------------------


def decimated(x: "np.ndarray", y: "np.ndarray", most: int = MOST) -> "tuple[np.ndarray, np.ndarray]":
    """Return the points that show a line: of each stretch the lowest and the highest, and both ends.

    Parameters
    ----------
    x, y : ndarray of shape (n,)
        A line, in order.
    most : int
        At most so many points are returned.

    Returns
    -------
    x, y : ndarray of shape (m,), m <= most
        Points of the line, in order; NaN is never among them unless a stretch has nothing else.
    """
    kept = chosen(y, most)
    return x[kept], y[kept]


def chosen(y: "np.ndarray", most: int) -> "np.ndarray":
    """Return the places of the points that `decimated` keeps."""
    import numpy as np

    n = len(y)
    if n <= most:
        return np.arange(n)
    stretches = max(1, (most - 2) // 2)
    width = n // stretches
    whole = y[: width * stretches].reshape(stretches, width)
    odd = np.isnan(whole)
    low = (np.where(odd, np.inf, whole) if odd.any() else whole).argmin(axis=1)
    high = (np.where(odd, -np.inf, whole) if odd.any() else whole).argmax(axis=1)
    begin = np.arange(stretches) * width
    rest = np.array([0, n - 1])
    return np.unique(np.concatenate([begin + low, begin + high, rest]))


def line(
    series: Series | Outline, axis: str, between: tuple[float | None, float | None] = (None, None), most: int = MOST
) -> Spec:
    """Return a metric of scalars or lists as a line.

    Parameters
    ----------
    series : Series or Outline
        All points, or those that show them.
    axis : {"step", "time", "wall"}
        What is drawn along x: the step (the order where none was given), time since the first point [s], or the
        moment [s since the epoch, UTC].
    between : tuple of (float or None, float or None)
        Only this part of x.
    most : int
        At most so many points are drawn.

    Returns
    -------
    line : dict
        ``x``, ``y`` (None where a value is not finite), ``odd`` (x of those), ``count`` and ``shown``.
    """
    import numpy as np

    x, y = points(series, axis)
    low, high = between
    if low is not None or high is not None:
        inside = (x >= (-np.inf if low is None else low)) & (x <= (np.inf if high is None else high))
        x, y = x[inside], y[inside]
    finite = np.isfinite(y)
    odd = x[~finite][:MOST]
    count = series.count if isinstance(series, Outline) else len(y)
    x, y = decimated(x, y if finite.all() else np.where(finite, y, np.nan), most)
    told = thinned(x, {"y": y}, count)
    return {**told, "odd": _plain(odd, _places(x) if told["shown"] < count else _EXACT)}


def thinned(x: "np.ndarray", columns: "Mapping[str, np.ndarray]", count: int) -> Spec:
    """Return some of `count` points as JSON has them; thinned out, they need not be told to the last digit."""
    few = len(x) < count
    told: Spec = {"x": _plain(x, _places(x) if few else _EXACT)}
    told |= {name: _plain(_rounded(column) if few else column, None) for name, column in columns.items()}
    return {**told, "count": count, "shown": len(x)}


def points(series: Series | Outline, axis: str) -> "tuple[np.ndarray, np.ndarray]":
    """Return a metric of scalars or lists as two arrays of shape (n,); what is no number is NaN."""
    import numpy as np

    if isinstance(series, Outline):
        found, begin = series.series, series.first_at
        return _axis(found, axis, len(found), begin), np.array(found.values, dtype=float)
    values = series.values
    if series.kind == "list":
        values = [item for part in values for item in part]  # type: ignore[attr-defined]  # lists
    y = np.asarray(values, dtype=float) if _is_array(values) else np.array([_float(value) for value in values])
    return _axis(series, axis, len(y)), y


def _axis(series: Series, axis: str, n: int, begin: float | None = None) -> "np.ndarray":
    import numpy as np

    if len(series) == n and axis in ("time", "wall"):
        times = np.asarray(series.times[:], dtype=float)  # a slice of a stored column is an array, not one by one
        return times - (times[0] if begin is None else begin) if axis == "time" and n else times
    if len(series) == n:
        steps = series.steps[:]
        if isinstance(steps, range):  # as steps mostly are stored
            return np.arange(steps.start, steps.stop, steps.step, dtype=float)
        if _is_array(steps):
            return np.asarray(steps, dtype=float)
        if all(step is not None for step in steps):
            return np.array(steps, dtype=float)
    return np.arange(n, dtype=float)


def _is_array(values: object) -> bool:
    return hasattr(values, "typecode") or hasattr(values, "dtype")


def _float(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else float("nan")


_EXACT = 12
_DIGITS = 6
"""A line that is thinned out is told to a millionth of its range: a screen shows a thousandth."""


def _places(x: "np.ndarray") -> int:
    """Return how many places behind the point tell a millionth of a range."""
    span = float(x[-1] - x[0]) if len(x) else 0.0
    return max(0, min(_EXACT, _DIGITS - floor(log10(abs(span))))) if span and isfinite(span) else _EXACT


def _rounded(y: "np.ndarray") -> "np.ndarray":
    """Return numbers to six digits, and to a millionth of their range where that is finer: a log axis shows both."""
    import numpy as np

    finite = y[np.isfinite(y) & (y != 0)]
    if not len(finite):
        return y
    span, largest = float(np.ptp(finite)), float(np.abs(finite).max())
    more = max(0, ceil(log10(largest / span))) if 0 < span < largest else 0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        place = _DIGITS + more - 1 - np.floor(np.log10(np.abs(y)))
        up, down = 10.0 ** np.clip(place, 0, 300), 10.0 ** np.clip(-place, 0, 300)
        rounded = np.rint(y / down * up) / up * down
    return np.where(np.isfinite(rounded), rounded, y)


def _plain(values: "np.ndarray", places: int | None) -> list[float | None]:
    """Return what JSON can spell: whole numbers short, what is not finite as null."""
    import numpy as np

    finite = np.isfinite(values)
    if finite.all() and (values == np.rint(values)).all() and (np.abs(values) < 1e15).all():  # noqa: PLR2004 - exact
        return values.astype(np.int64).tolist()  # type: ignore[no-any-return]
    told = values if places is None else np.round(values, places)
    return told.tolist() if finite.all() else [value if isfinite(value) else None for value in told.tolist()]


def by_epoch(series: Series, epochs: Series) -> Series:
    """Return a metric whose steps are the epochs that were logged at those steps.

    Parameters
    ----------
    series : Series
        A metric of scalars.
    epochs : Series
        The epoch, as it was logged at some steps; between two of them it grows evenly.
    """
    import numpy as np

    at = _axis(epochs, "step", len(epochs))
    told = np.array([_float(value) for value in epochs.values])
    known = np.isfinite(told)
    if series.kind != "scalar" or not known.any():
        return series
    order = np.argsort(at[known], kind="stable")
    steps = np.interp(_axis(series, "step", len(series)), at[known][order], told[known][order])
    return Series(series.kind, series.values, series.times, steps, series.kinds)


# -- what a metric is shown as -------------------------------------------------------------------------


def shown_as(series: Series) -> str:
    """Return how SDK v1's portal showed a metric: ``value``, ``line``, ``pairs``, ``table``, or its kind of file."""
    if series.kind == "scalar":
        numeric = any(isinstance(value, (int, float)) for value in series.values[:100])
        return "value" if len(series) == 1 else "line" if numeric else "table"
    if series.kind == "list":
        items = [item for part in series.values[:100] for item in part]  # type: ignore[attr-defined]  # lists
        return "line" if items and all(isinstance(item, (int, float)) for item in items) else "table"
    if series.kind in _COLUMNS:
        return "pairs" if _pair(columns(series)) else "table"
    return str(series.kind)


def columns(series: Series) -> dict[str, list[object]]:
    """Return a metric as columns of equal length."""
    if series.kind in _COLUMNS:
        found = metrics.shape(series)
        joined = found if isinstance(found, Mapping) else {}
        return {key: cells if isinstance(cells, list) else [cells] for key, cells in joined.items()}
    if series.kind == "list":
        return {"value": [item for part in series.values for item in part]}  # type: ignore[attr-defined]  # lists
    return {"step": list(series.steps), "value": list(series.values)}


def _pair(found: Mapping[str, Sequence[object]]) -> bool:
    return (
        len(found) == _PAIR
        and all(len(column) > 1 for column in found.values())
        and all(isinstance(value, (int, float)) for column in found.values() for value in column)
    )


def chart(name: str, several: Mapping[str, Series | Outline], axis: str, between: Any = (None, None)) -> Spec:
    """Return a chart of one metric of some runs.

    Parameters
    ----------
    name : str
        The metric.
    several : dict of str to Series or Outline
        By what each line is called.
    axis, between
        As in `line`.
    """
    pairs = {label: one for label, one in several.items() if isinstance(one, Series) and one.kind in _COLUMNS}
    if len(pairs) == len(several):
        return _pairs(name, pairs)
    shown = list(several.items())[:MOST_LINES]
    most = min(MOST, max(LEAST, 4 * MOST // len(shown)))
    series = [{"name": label, **line(one, axis, between, most)} for label, one in shown]
    return axes(name, axis) | {"series": series}


def axes(name: str, axis: str) -> Spec:
    """Return a chart of lines without its lines."""
    words = {"time": "time since the first point [s]", "wall": "time", EPOCH: EPOCH}
    x = {"title": words.get(axis, "step"), "date": axis == "wall"}
    return {"kind": "lines", "title": name, "x": x, "y": {"title": name}, "series": []}


def _pairs(name: str, several: Mapping[str, Series]) -> Spec:
    found = {label: columns(one) for label, one in several.items()}
    x, y = next(iter(found.values()))
    series = []
    for label, pair in list(found.items())[:MOST_LINES]:
        xs, ys = pair.get(x, []), pair.get(y, [])
        kept = [_finite(value) for value in ys][: MOST * 5]
        told = {"x": [_finite(value) for value in xs][: MOST * 5], "y": kept, "count": len(ys), "shown": len(kept)}
        series.append({"name": label, **told, "odd": []})
    return {"kind": "lines", "title": name, "x": {"title": x}, "y": {"title": y}, "series": series, "markers": True}


def _finite(value: object) -> float | int | None:
    return value if isinstance(value, (int, float)) and isfinite(value) else None


# -- the four documents --------------------------------------------------------------------------------


def documents(kind: str, name: str, document: Mapping[str, Any]) -> list[Spec]:
    """Return the charts of a confusion matrix, accuracy table, residuals or predictions."""
    data = document["data"]
    match kind:
        case "confusion_matrix":
            labels = [str(label) for label in data["class_labels"]]
            return [
                {
                    "kind": "heat",
                    "title": name,
                    "x": {"title": "predicted", "labels": labels},
                    "y": {"title": "true", "labels": labels},
                    "cells": data["matrix"],
                    "series": [],
                }
            ]
        case "residuals":
            return [_bars(name, "residual", data["bin_edges"], data["bin_counts"])]
        case "predictions":
            return [_predictions(name, data)]
        case _:
            return [_roc(name, data), _precision(name, data)]


def _bars(name: str, x: str, edges: Sequence[float], counts: Sequence[float]) -> Spec:
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    widths = [high - low for low, high in pairwise(edges)]
    series = [{"name": "count", "x": middles, "y": list(counts), "widths": widths}]
    return {"kind": "bars", "title": name, "x": {"title": x}, "y": {"title": "count"}, "series": series}


def _predictions(name: str, data: Mapping[str, Any]) -> Spec:
    edges = data["bin_edges"]
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    n = len(middles)
    predicted = {"name": "predicted", "x": middles, "y": data["bin_averages"], "errors": data["bin_errors"]}
    ideal = {"name": "ideal", "x": [edges[0], edges[-1]], "y": [edges[0], edges[-1]], "dash": True, "count": 2}
    series = [{**predicted, "count": n, "shown": n, "odd": []}, {**ideal, "shown": 2, "odd": []}]
    return {"kind": "lines", "title": name, "x": {"title": "true"}, "y": {"title": "predicted"}, "series": series}


def _roc(name: str, data: Mapping[str, Any]) -> Spec:
    series = []
    for label, table in zip(data["class_labels"], data["probability_tables"], strict=True):
        points = [(_ratio(fp, fp + tn), _ratio(tp, tp + fn)) for tp, fp, tn, fn in table]
        series.append(_curve(str(label), points))
    chance = _curve("chance", [(0, 0), (1, 1)]) | {"dash": True}
    return {
        "kind": "lines",
        "title": f"{name}: ROC",
        "x": {"title": "false positive rate"},
        "y": {"title": "true positive rate"},
        "series": [*series, chance],
    }


def _precision(name: str, data: Mapping[str, Any]) -> Spec:
    series = []
    for label, table in zip(data["class_labels"], data["probability_tables"], strict=True):
        points = [(_ratio(tp, tp + fn), _ratio(tp, tp + fp)) for tp, fp, _, fn in table if tp + fp]
        series.append(_curve(str(label), points))
    return {
        "kind": "lines",
        "title": f"{name}: precision and recall",
        "x": {"title": "recall"},
        "y": {"title": "precision"},
        "series": series,
    }


def _curve(name: str, points: Sequence[tuple[float, float]]) -> Spec:
    found = sorted(points)
    n = len(found)
    return {"name": name, "x": [x for x, _ in found], "y": [y for _, y in found], "count": n, "shown": n, "odd": []}


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


# -- over runs -----------------------------------------------------------------------------------------


def scatter(x: str, y: str, runs: Sequence[tuple[str, str, object, object]]) -> Spec:
    """Return one value of runs against another; a run is its id, its name, and both values."""
    found = [(run_id, name, _number(a), _number(b)) for run_id, name, a, b in runs]
    points = [(run_id, name, a, b) for run_id, name, a, b in found if a is not None and isinstance(b, (int, float))]
    points.sort(key=lambda point: (isinstance(point[2], str), point[2]))
    shown = points[: MOST * 2]
    one = {
        "name": y,
        "x": [point[2] for point in shown],
        "y": [point[3] for point in shown],
        "labels": [point[1] for point in shown],
        "links": [f"runs/{point[0]}" for point in shown],
        "count": len(points),
        "shown": len(shown),
    }
    told = {"title": x, "log": _decades([point[2] for point in shown])}
    return {"kind": "points", "title": f"{y} against {x}", "x": told, "y": {"title": y}, "series": [one]}


def _decades(values: Sequence[Any]) -> bool:
    """Tell whether values run over decades, so that a log axis shows what a linear one would crowd together."""
    numbers = [value for value in values if isinstance(value, (int, float)) and value > 0]
    return len(numbers) == len(values) > 2 and max(numbers) / min(numbers) >= 100  # noqa: PLR2004 - two decades


def parallel(axes: Sequence[str], runs: Sequence[tuple[str, str, Sequence[object]]]) -> Spec:
    """Return runs as lines over several axes, each scaled to its own range; texts take places in their order."""
    shown = list(runs)[:500]
    columns = [[_number(values[place]) for _, _, values in shown] for place in range(len(axes))]
    scales = [_scale(column) for column in columns]
    lines = [
        {
            "name": name,
            "link": f"runs/{run_id}",
            "y": [place(column[row]) for column, (place, _) in zip(columns, scales, strict=True)],
            "texts": [_text(column[row]) for column in columns],
        }
        for row, (run_id, name, _) in enumerate(shown)
    ]
    told = [{"title": axis, "ends": ends} for axis, (_, ends) in zip(axes, scales, strict=True)]
    return {"kind": "parallel", "title": "", "axes": told, "series": lines, "count": len(runs), "shown": len(shown)}


def _scale(column: Sequence[object]) -> tuple[Any, list[str]]:
    numbers = [value for value in column if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if numbers and len(numbers) == sum(value is not None for value in column):
        low, high = min(numbers), max(numbers)
        return (lambda value: None if value is None else (value - low) / (high - low) if high > low else 0.5), [
            _text(low),
            _text(high),
        ]
    texts = sorted({str(value) for value in column if value is not None})
    places = {text: place / max(1, len(texts) - 1) for place, text in enumerate(texts)}
    ends = [texts[0], texts[-1]] if texts else ["", ""]
    return (lambda value: None if value is None else places[str(value)]), ends


def _number(value: object) -> Any:
    found = number(value) if isinstance(value, str) else value
    return None if isinstance(found, float) and not isfinite(found) else found


def _text(value: object) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
