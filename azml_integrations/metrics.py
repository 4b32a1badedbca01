"""Shapes of metrics: what the log verbs take, and what `get_metrics` gives back.

The two halves are inverse to each other where SDK v1's were; where it collapsed a shape, so do we, and
`Run.metric_points` gives the lossless one.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import TypeAlias, cast

import msgspec

from . import names
from .columns import tagged
from .errors import MetricError, a
from .records import ColumnsLogged, ListLogged, MetricPoint, MetricsLogged, RowLogged, Series, Stored, TableLogged

_ONE = "one number or string; for sequences use log_list, for columns log_table"
_PLAIN = (str, bool, int, type(None))

# -- in ----------------------------------------------------------------------------------------------


ShapeEvent: TypeAlias = ListLogged | RowLogged | TableLogged

Warn: TypeAlias = Callable[[str, str], None]
"""Tells the user something about the metric of this name."""


def scalar(name: str, value: object, description: str, step: int | None, warn: Warn) -> MetricPoint:
    """Return the event of `Run.log`.

    Raises
    ------
    MetricError
        If `value` is a list, range or generator, or `step` is no whole number >= 0.
    NameRefusedError
        If the name, a string value or the description cannot be stored.
    """
    if type(name) is not str or len(name) > names.MOST or "\0" in name:
        name = names.label("metric name", name)
    if type(value) is not float or not isfinite(value):
        value = stored(name, value, warn)
    if step is not None and (type(step) is not int or step < 0):
        step = _step(name, step)
    return MetricPoint(name, value, time.time(), step, description and _description(description))


def several(values: Mapping[str, object], step: int | None, warn: Warn, at: float | None = None) -> MetricsLogged:
    """Return the event of `Run.log_metrics`, of now or of the moment `at`.

    Raises
    ------
    MetricError
        If `values` is no mapping, or one of them is no scalar.
    """
    if not isinstance(values, Mapping):
        raise MetricError("log_metrics", values, "a mapping of names to numbers")
    checked = {
        name
        if type(name) is str and len(name) <= names.MOST and "\0" not in name
        else names.label("metric name", name): value
        if type(value) is float and isfinite(value)
        else stored(name, value, warn)
        for name, value in values.items()
    }
    if step is not None and (type(step) is not int or step < 0):
        step = _step("log_metrics", step)
    return MetricsLogged(checked, time.time() if at is None else at, step)


def columns(
    values: Mapping[str, Sequence[object]], steps: Sequence[int | None], times: Sequence[float], warn: Warn
) -> ColumnsLogged:
    """Return the event of moments in columns.

    Raises
    ------
    MetricError
        If a value is no scalar, or the columns differ in length.
    """
    lengths = {len(times), len(steps), *map(len, values.values())}
    if lengths != {len(times)} or not times:
        raise MetricError("log_moments", values, f"columns of one length, at least 1, got {sorted(lengths)}")
    checked = {names.label("metric name", name): _scalars(name, column, warn) for name, column in values.items()}
    whole = [
        step if step is None or (type(step) is int and step >= 0) else _step("log_moments", step) for step in steps
    ]
    return ColumnsLogged(checked, list(times), whole)


def _scalars(name: str, values: Sequence[object], warn: Warn) -> list[Stored]:
    if set(map(type, values)) == {float} and all(map(isfinite, values)):  # type: ignore[arg-type]
        return list(values)  # type: ignore[arg-type]
    return [stored(name, value, warn) for value in values]


def sequence(name: str, values: object, description: str = "") -> ListLogged:
    """Return the event of `Run.log_list`.

    Raises
    ------
    MetricError
        If `values` cannot be iterated over, or one of them is no scalar.
    """
    name = names.label("metric name", name)
    return ListLogged(
        name, [item(name, value) for value in _items(name, values)], time.time(), _description(description)
    )


def row(name: str, columns: Mapping[str, object], description: str | None = None) -> RowLogged:
    """Return the event of `Run.log_row`.

    Raises
    ------
    MetricError
        If a value is no scalar.
    """
    name = names.label("metric name", name)
    cells = {names.label("column name", key): item(name, value) for key, value in columns.items()}
    return RowLogged(name, cells, time.time(), _description(description or ""))


def table(name: str, value: object, description: str = "") -> TableLogged:
    """Return the event of `Run.log_table`.

    Raises
    ------
    MetricError
        If `value` is no dict, its columns differ in length, or a cell is no scalar.
    """
    name = names.label("metric name", name)
    if not isinstance(value, Mapping):
        raise MetricError(name, value, "a dict of columns, such as {'x': [1, 2], 'y': [3, 4]}")
    columns = {names.label("column name", key): _column(name, column) for key, column in value.items()}
    lengths = {key: len(column) for key, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise MetricError(name, value, f"columns of one length, got {lengths}")
    return TableLogged(name, columns, time.time(), _description(description))


def stored(name: str, value: object, warn: Warn) -> Stored:
    """Return a scalar as a journal line holds it.

    Anything with an ``.item()`` of shape () is taken by its value; what SDK v1 turned silently into its repr is
    turned into its repr here too, and `warn` is told.

    Raises
    ------
    MetricError
        If it is a list, range, generator or another iterator.
    """
    plain = _plain(value)
    if plain is not _NOT_PLAIN:
        return cast("Stored", tagged(names.text("metric value", plain) if isinstance(plain, str) else plain))
    if isinstance(value, (list, range, Iterator)):
        raise MetricError(name, value, _ONE)
    warn(name, f"{a(value)} is stored as the string of its repr; expected {_ONE}")
    return names.text("metric value", repr(value))


def item(name: str, value: object) -> Stored:
    """Return one item of a list, row or table as a journal line holds it.

    Raises
    ------
    MetricError
        If it is no scalar.
    """
    if type(value) is float and isfinite(value):
        return value
    plain = _plain(value)
    if plain is _NOT_PLAIN:
        raise MetricError(name, value, "items that are each one number or string")
    return cast("Stored", tagged(names.text("metric value", plain) if isinstance(plain, str) else plain))


_NOT_PLAIN = object()


def _plain(value: object) -> object:
    """Return a value as a Python scalar, or `_NOT_PLAIN`."""
    if isinstance(value, _PLAIN):
        return _exact(value)
    if isinstance(value, float):
        return float(value)
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = (value.detach() if hasattr(value, "detach") else value).item()
        if isinstance(value, (*_PLAIN, float)):
            return value
    if hasattr(value, "as_integer_ratio"):  # Decimal, Fraction and other exact numbers
        try:
            return float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            return _NOT_PLAIN
    return _NOT_PLAIN


def _exact(value: object) -> object:
    """Return a subclass of a plain type (numpy.str_, IntEnum, StrEnum) as the plain type itself."""
    for kind in (bool, int, str):
        if isinstance(value, kind):
            return value if type(value) is kind else kind(str.__str__(value) if kind is str else value)
    return value


def _items(name: str, values: object) -> Iterable[object]:
    if hasattr(values, "tolist") and hasattr(values, "shape"):  # arrays, tensors, series: Python scalars in one go
        values = values.tolist()
    if not isinstance(values, Iterable):
        raise MetricError(name, values, "an iterable of numbers or strings; for one value use log")
    return values


def _column(name: str, column: object) -> list[Stored]:
    if isinstance(column, str) or not isinstance(column, Iterable) or getattr(column, "shape", None) == ():
        return [item(name, column)]
    return [item(name, value) for value in _items(name, column)]


def _step(name: str, step: object) -> int:
    plain = _plain(step)
    if isinstance(plain, float) and plain.is_integer():
        plain = int(plain)
    if type(plain) is not int or plain < 0:
        raise MetricError(name, step, "a whole number >= 0 as step")
    return plain


def _description(value: object) -> str:
    return names.text("description", value) if isinstance(value, str) else str(value)


# -- the four JSON schemas ---------------------------------------------------------------------------

_SCHEMAS = {
    "confusion_matrix": ("class_labels", "matrix"),
    "residuals": ("bin_edges", "bin_counts"),
    "predictions": ("bin_averages", "bin_errors", "bin_counts", "bin_edges"),
    "accuracy_table": (
        *("probability_tables", "percentile_tables", "class_labels"),
        *("probability_thresholds", "percentile_thresholds"),
    ),
}


def document(kind: str, name: str, value: object) -> bytes:
    """Return the JSON of a confusion matrix, accuracy table, residuals or predictions.

    Raises
    ------
    MetricError
        If `value` is not JSON, or not of the schema, or its parts do not fit each other.
    """
    names.label("metric name", name)
    wanted = f"a dict or JSON string with schema_type {kind!r}, schema_version and data of {', '.join(_SCHEMAS[kind])}"
    try:
        parsed = (
            json.loads(value) if isinstance(value, (str, bytes)) else json.loads(json.dumps(value, default=_jsonable))
        )
    except (TypeError, ValueError):
        raise MetricError(name, value, wanted) from None
    data = parsed.get("data") if isinstance(parsed, dict) else None
    if not isinstance(data, dict) or parsed.get("schema_type") != kind or not set(_SCHEMAS[kind]) <= set(data):
        raise MetricError(name, value, wanted)
    if (misfit := _misfit(kind, data)) is not None:
        raise MetricError(name, value, misfit)
    return msgspec.json.encode(parsed)  # NaN, which JSON cannot spell, becomes null


def parsed(content: bytes) -> dict[str, object]:
    """Return what `document` wrote."""
    return cast("dict[str, object]", json.loads(content))


def _misfit(kind: str, data: dict[str, list[object]]) -> str | None:
    """Return what does not fit in a document's data, or None."""
    if not all(isinstance(data[key], list) for key in _SCHEMAS[kind]):
        return f"lists for {', '.join(_SCHEMAS[kind])}"
    if kind == "confusion_matrix":
        n, matrix = len(data["class_labels"]), data["matrix"]
        square = len(matrix) == n and all(isinstance(line, list) and len(line) == n for line in matrix)
        return None if square else f"a matrix of {n} rows and columns, one for each class label"
    if kind == "accuracy_table":
        return _misfit_of_tables(data)
    if len(data["bin_edges"]) != len(data["bin_counts"]) + 1:
        return "one more bin edge than bin counts"
    if kind == "predictions" and not len(data["bin_averages"]) == len(data["bin_errors"]) == len(data["bin_counts"]):
        return "as many bin averages and errors as bin counts"
    return None


def _misfit_of_tables(data: dict[str, list[object]]) -> str | None:
    for which in ("probability", "percentile"):
        tables, thresholds = data[f"{which}_tables"], data[f"{which}_thresholds"]
        if len(tables) != len(data["class_labels"]):
            return f"one table for each class label in {which}_tables"
        if not all(isinstance(table, list) and len(table) == len(thresholds) for table in tables) or not all(
            isinstance(line, list) and len(line) == len(("tp", "fp", "tn", "fn"))
            for table in cast("list[list[object]]", tables)
            for line in table
        ):
            return f"one line of 4 counts for each threshold in {which}_tables"
    return None


def _jsonable(value: object) -> object:
    """Return numpy's and torch's arrays and scalars as lists and numbers."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not JSON")


# -- out ---------------------------------------------------------------------------------------------


def shape(series: Series) -> object:
    """Return a metric as SDK v1's ``get_metrics()`` did.

    One scalar comes back as itself, several as a list; lists are joined, and one of one element is a scalar; rows
    and tables are joined into columns, and one row is a dict of scalars; a file is its ``aml://`` address.
    Points of another kind than the first are left out here.
    """
    values: Sequence[object] = series.values
    if series.kinds is not None:
        values = [value for value, kind in zip(values, series.kinds, strict=True) if kind == series.kind]
    match series.kind:
        case "scalar":
            return _collapsed(_list(values))
        case "list":
            return _collapsed([item for part in cast("Sequence[list[object]]", values) for item in part])
        case "row":
            return _collapsed_columns(_joined_rows(cast("Sequence[dict[str, object]]", values)))
        case "table":
            return _collapsed_columns(_joined_tables(cast("Sequence[dict[str, list[object]]]", values)))
        case "image":
            return _collapsed(_list(values))
        case _:
            return values[0]


def _list(values: Sequence[object]) -> list[object]:
    return cast("list[object]", values.tolist()) if hasattr(values, "tolist") else list(values)


def _collapsed(values: list[object]) -> object:
    return values[0] if len(values) == 1 else values


def _joined_rows(rows: Sequence[dict[str, object]]) -> dict[str, list[object]]:
    """Return the columns of some rows; where a row lacks a column, None stands."""
    keys = dict.fromkeys(key for row in rows for key in row)
    return {key: [row.get(key) for row in rows] for key in keys}


def _joined_tables(tables: Sequence[dict[str, list[object]]]) -> dict[str, list[object]]:
    keys = dict.fromkeys(key for table in tables for key in table)
    lengths = [max(map(len, table.values()), default=0) for table in tables]
    return {
        key: [cell for table, n in zip(tables, lengths, strict=True) for cell in table.get(key, [None] * n)]
        for key in keys
    }


def _collapsed_columns(columns: dict[str, list[object]]) -> dict[str, object]:
    single = all(len(column) == 1 for column in columns.values())
    return {key: column[0] if single else column for key, column in columns.items()}
