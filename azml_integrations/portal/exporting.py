"""What stands behind a chart as rows, complete: what is downloaded below it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from ..records import Series
from . import charts


class Export(NamedTuple):
    """A table that is sent as it is made.

    Attributes
    ----------
    name : str
        Of the file, without its ending.
    head : sequence of str
        Names of the columns.
    rows : iterable of sequences
        Cells.
    """

    name: str
    head: Sequence[str]
    rows: Iterable[Sequence[Any]]


def metric(name: str, series: Series) -> Export:
    """Return every point of a metric; a row or table by its own columns, of a list every item."""
    if series.kind in ("row", "table"):
        columns = charts.columns(series)
        return Export(name, list(columns), zip(*columns.values(), strict=False))
    if series.kind == "list":
        return Export(name, ("index", "value"), enumerate(charts.columns(series)["value"]))
    return Export(name, ("step", "time", "value"), zip(series.steps, series.times, series.values, strict=True))


def document(kind: str, name: str, found: Mapping[str, Any]) -> Export:
    """Return the numbers of a confusion matrix, accuracy table, residuals or predictions."""
    data = found["data"]
    match kind:
        case "confusion_matrix":
            return Export(name, ("true", "predicted", "count"), _cells(data["class_labels"], data["matrix"]))
        case "residuals":
            bins = zip(pairwise(data["bin_edges"]), data["bin_counts"], strict=True)
            return Export(name, ("bin_start", "bin_end", "count"), ((*ends, count) for ends, count in bins))
        case "predictions":
            columns = [data[f"bin_{column}"] for column in ("averages", "errors", "counts")]
            rows = ((*ends, *cells) for ends, *cells in zip(pairwise(data["bin_edges"]), *columns, strict=True))
            return Export(name, ("bin_start", "bin_end", "average", "error", "count"), rows)
        case _:
            return Export(name, ("class", "by", "threshold", "tp", "fp", "tn", "fn"), _accuracy(data))


def _cells(labels: Sequence[Any], matrix: Sequence[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    for true, counts in zip(labels, matrix, strict=True):
        yield from ((true, predicted, count) for predicted, count in zip(labels, counts, strict=True))


def _accuracy(data: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    for by in ("probability", "percentile"):
        tables = data.get(f"{by}_tables", ())
        for label, table in zip(data["class_labels"], tables, strict=False):
            for threshold, counts in zip(data[f"{by}_thresholds"], table, strict=True):
                yield label, by, threshold, *counts
