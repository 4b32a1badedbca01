"""The fits of one run as a table: a view computed from the properties and metrics of the run and its children."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..records import MetricSummary, RunRecord, Scalar

PARAM = "param."
ESTIMATOR = "estimator"
LONGEST = 80
"""A longer text is no scalar parameter [letters]."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf|nan", re.IGNORECASE | re.ASCII)
_WORDS: dict[str, Scalar] = {"True": True, "False": False, "None": None}
_CALL = re.compile(r"[\w\])]\(")
_TIME = "_time"

Told: TypeAlias = tuple[RunRecord, Sequence[MetricSummary]]
"""A run with its metrics."""


@dataclass(frozen=True)
class FitTable:
    """The fits of a run, n of them, one row each.

    Attributes
    ----------
    run_ids : tuple of str, shape (n,)
        Where each fit stands.
    numbers : tuple of int, shape (n,)
        The runs' numbers in their experiment; the rows are in their order.
    estimators : tuple of str or None, shape (n,)
        Class names.
    parameters : dict of str to list of shape (n,)
        The scalar parameters with more than one value. A number is a number, ``True``, ``False`` and ``None`` are
        themselves, all else is text; None also where a fit has no such parameter.
    metrics : dict of str to list of shape (n,)
        The last value of every scalar metric; None where a fit has none. What the user computed comes first, then
        what was computed on the training data, then times.

    See Also
    --------
    Run.fits : The table of a run.

    Examples
    --------
    >>> table = FitTable(("a", "b"), (1, 2), ("Ridge", "Ridge"), {"alpha": [0.1, 1.0]}, {"mse": [3077.0, 3190.5]})
    >>> table.columns
    {'run_id': ['a', 'b'], 'alpha': [0.1, 1.0], 'mse': [3077.0, 3190.5]}
    >>> table.rows[1]["mse"]
    3190.5
    """

    run_ids: tuple[str, ...]
    numbers: tuple[int, ...]
    estimators: tuple[str | None, ...]
    parameters: Mapping[str, Sequence[Scalar]]
    metrics: Mapping[str, Sequence[Scalar]]

    def __len__(self) -> int:
        """Return the number of fits."""
        return len(self.run_ids)

    @property
    def columns(self) -> dict[str, list[Scalar]]:
        """The table as ``pandas.DataFrame`` and `Run.log_table` take it: its columns, by name.

        ``run_id``, ``estimator`` where it differs, the parameters, the metrics. A name that stands for two of them is
        ``param.<name>`` for the parameter and ``metric.<name>`` for the metric.
        """
        fixed: dict[str, list[Scalar]] = {"run_id": list(self.run_ids)}
        if len(set(self.estimators)) > 1:
            fixed[ESTIMATOR] = list(self.estimators)
        taken = Counter([*fixed, *self.parameters, *self.metrics])
        parameters = {_apart(name, PARAM, taken): list(column) for name, column in self.parameters.items()}
        metrics = {_apart(name, "metric.", taken): list(column) for name, column in self.metrics.items()}
        return fixed | parameters | metrics

    @property
    def rows(self) -> list[dict[str, Scalar]]:
        """The same, row by row."""
        columns = self.columns
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def holds_fit(record: RunRecord) -> bool:
    """Tell whether a fit stands in a run: it names an estimator or a parameter."""
    return any(key == ESTIMATOR or key.startswith(PARAM) for key in record.properties)


def compared(own: RunRecord, children: Sequence[RunRecord]) -> list[RunRecord]:
    """Return which of a run and its children are rows of one table.

    Fits are, where there are several; where a search is the only one, its candidates are, which name no estimator.
    """
    found = [record for record in (own, *children) if holds_fit(record)]
    fits = [record for record in found if ESTIMATOR in record.properties]
    others = [record for record in found if ESTIMATOR not in record.properties]
    return fits if len(fits) > 1 or not others else others


def fit_table(runs: Sequence[Told]) -> FitTable:
    """Compare runs in the scalar parameters that differ between them, and in their scalar metrics.

    Parameters
    ----------
    runs : sequence of (RunRecord, sequence of MetricSummary)
        One fit each; where one is the parent of others, only what belongs to its own fit counts.
    """
    records = [record for record, _ in runs]
    summaries = [[one for one in several if one.kind == "scalar"] for several in _own(runs)]
    metrics = [{one.name: one.last_value for one in several} for several in summaries]
    series = {one.name for several in summaries for one in several if one.count > 1}
    differing = _differing([_scalars(record) for record in records])
    return FitTable(
        tuple(record.run_id for record in records),
        tuple(record.number for record in records),
        tuple(record.properties.get(ESTIMATOR) for record in records),
        {name: [number(record.properties.get(PARAM + name)) for record in records] for name in differing},
        {name: [row.get(name) for row in metrics] for name in _in_order(metrics, series)},
    )


def number(text: str | None) -> Scalar:
    """Return a parameter's text as the number, bool or None that it stands for; else as it is."""
    if text is None or text in _WORDS:
        return None if text is None else _WORDS[text]
    if _NUMBER.fullmatch(text) is None:
        return text
    try:
        return int(text)
    except ValueError:
        return float(text)


def _own(runs: Sequence[Told]) -> list[Sequence[MetricSummary]]:
    """Return the metrics of each run's own fit.

    What a parent has logged before its first child began is its fit's. Afterwards its loop may log too, and the last
    of those values is not that of the first fit: one value is taken if the children have that metric as well.
    """
    parents = {record.parent_id for record, _ in runs}
    return [_before_children(told, runs) if told[0].run_id in parents else told[1] for told in runs]


def _before_children(parent: Told, runs: Sequence[Told]) -> list[MetricSummary]:
    record, several = parent
    children = [told for told in runs if told[0].parent_id == record.run_id]
    began = min(child.created_at for child, _ in children)
    theirs = {one.name for _, metrics in children for one in metrics}
    return [one for one in several if one.last_at <= began or (one.count == 1 and one.name in theirs)]


def _scalars(record: RunRecord) -> dict[str, str]:
    """Return the parameters that are one value, not a thing with parameters of its own."""
    params = {key.removeprefix(PARAM): value for key, value in record.properties.items() if key.startswith(PARAM)}
    composed = {name[: part.start()] for name in params for part in re.finditer("__", name)}
    return {name: text for name, text in params.items() if name and name not in composed and _is_scalar(text)}


def _is_scalar(text: str) -> bool:
    return len(text) <= LONGEST and "\n" not in text and _CALL.search(text) is None


def _differing(params: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the names with more than one value among those that have them."""
    values: dict[str, set[str]] = {}
    for several in params:
        for name, text in several.items():
            values.setdefault(name, set()).add(text)
    return [name for name, texts in values.items() if len(texts) > 1]


def _in_order(metrics: Sequence[Mapping[str, Scalar]], series: Collection[str]) -> list[str]:
    """Return the names of metrics: the user's own first, then series, training and times; of each what most have."""
    having = Counter(name for row in metrics for name in row)
    return sorted(
        having,
        key=lambda name: (name.endswith(_TIME), name.startswith("training_"), name in series, -having[name]),
    )


def _apart(name: str, prefix: str, taken: Mapping[str, int]) -> str:
    return f"{prefix}{name}" if taken[name] > 1 else name
