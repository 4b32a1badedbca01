"""All that there is to tell of a run, gathered once for a page, a notebook's cell or a terminal."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from .. import host
from ..core.pages import address
from ..core.run import Run
from ..metrics import shape
from ..records import ArtifactRecord, MetricSummary, RunRecord, RunStore, Series
from .charts import Chart, Curve, Point, thinned
from .evaluation import Evaluation, evaluation
from .family import Family, family
from .files import LogTail, Picture, is_picture, log_tail, picture

if TYPE_CHECKING:
    from collections.abc import Callable

PARAM = "param."
MOST_COLUMNS = 40
"""Columns of a table that are told."""
TABULAR = frozenset(("row", "table"))
EVALUATIONS = frozenset(("confusion_matrix", "accuracy_table", "residuals", "predictions"))


@dataclass(frozen=True)
class Extent:
    """How much of a run is told; what is left out is counted.

    Attributes
    ----------
    charts, points, tables, rows, children, pictures, evaluations, files : int
        At most so many; `points` of a chart, `rows` of a table.
    picture, pictures_together : int
        Lengths up to which pictures are taken in [bytes].
    log, lines : int
        How much of the log's end [bytes], and how many lines of it.
    characters : int
        Of one value.
    """

    charts: int
    points: int
    tables: int
    rows: int
    children: int
    pictures: int
    evaluations: int
    files: int
    picture: int
    pictures_together: int
    log: int
    lines: int
    characters: int


FILE = Extent(60, 600, 20, 200, 500, 60, 20, 500, 2_000_000, 16_000_000, 100_000, 1_000, 4_000)
"""What a file tells."""
GLANCE = Extent(6, 300, 3, 12, 20, 4, 2, 20, 250_000, 600_000, 8_000, 15, 200)
"""What a notebook's cell tells."""


@dataclass(frozen=True)
class Grid:
    """A table that was logged.

    Attributes
    ----------
    name : str
        Metric name.
    columns : dict of str to sequence
        The rows that are told.
    rows, wide : int
        How many rows and columns there are.
    """

    name: str
    columns: Mapping[str, Sequence[object]]
    rows: int
    wide: int


@dataclass(frozen=True)
class Account:
    """A run told.

    Attributes
    ----------
    record : RunRecord
        As it stands.
    number, workspace : int, str
        Where it stands.
    address : str
        Of its page in the studio.
    at : float
        When this was gathered [s since the epoch].
    extent : Extent
        How much is told.
    summaries : tuple of MetricSummary
        All metrics.
    charts, grids, evaluations, pictures : tuple
        What the metrics show.
    left_out : dict of str to int
        How many charts, tables ... are not told.
    files : tuple of ArtifactRecord
        All files.
    family : Family or None
        The children.
    log : LogTail or None
        End of the log.
    """

    record: RunRecord
    workspace: str
    address: str
    at: float
    extent: Extent
    summaries: tuple[MetricSummary, ...] = ()
    charts: tuple[Chart, ...] = ()
    grids: tuple[Grid, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    pictures: tuple[Picture, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    files: tuple[ArtifactRecord, ...] = ()
    family: Family | None = None
    log: LogTail | None = None

    @property
    def label(self) -> str:
        """The name that the user gave, else the experiment's with the run's number."""
        return self.record.display_name or self.record.name or f"{self.record.experiment} #{self.record.number}"

    @property
    def taken(self) -> float | None:
        """How long the run took, or takes until now [s]."""
        began = self.record.started_at
        if began is None:
            return None
        return max(0.0, (self.at if self.record.ended_at is None else self.record.ended_at) - began)

    @property
    def remark(self) -> str:
        """What there is to add to the status."""
        if self.record.verdict is not None:
            return self.record.verdict
        elsewhere = self.record.host not in (None, host.name())
        return f"on {self.record.host}, not visible from here" if elsewhere and not self.record.ended else ""

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The hyperparameters."""
        return {
            key.removeprefix(PARAM): value for key, value in self.record.properties.items() if key.startswith(PARAM)
        }

    @cached_property
    def properties(self) -> dict[str, str]:
        """All other properties."""
        return {key: value for key, value in self.record.properties.items() if not key.startswith(PARAM)}

    @cached_property
    def scalars(self) -> list[MetricSummary]:
        """The metrics that are numbers or words."""
        return [one for one in self.summaries if one.kind in ("scalar", "list")]


class Memory:
    """What was drawn of a run before: a metric that has not grown since is not read again."""

    def __init__(self) -> None:
        self._drawn: dict[object, object] = {}

    def recall(self, key: object, make: "Callable[[], Any]") -> Any:
        """Return what was made for a key, or make it."""
        if key not in self._drawn:
            self._drawn[key] = make()
        return self._drawn[key]

    def forget_others(self, keys: Sequence[object]) -> None:
        """Keep only what these keys stand for."""
        self._drawn = {key: self._drawn[key] for key in keys if key in self._drawn}


def account(run: Run, extent: Extent = FILE, memory: Memory | None = None) -> Account:
    """Gather what there is to tell of a run.

    Parameters
    ----------
    run : Run
        Any run, one that goes on too.
    extent : Extent, default=FILE
        How much.
    memory : Memory, default=None
        Of the same run, from call to call.

    Raises
    ------
    RunNotFoundError
        If the run is not there any more.
    """
    store = run._store()  # noqa: SLF001 - a floor above
    record = run._record()  # noqa: SLF001 - likewise
    summaries = store.summaries(run.id)
    gathering = _Gathering(run, store, extent, memory or Memory())
    shown = gathering.of(summaries)
    files = store.artifacts(run.id)
    pictures = gathering.pictures(summaries, files)
    return Account(
        record=record,
        workspace=run.experiment.workspace.name,
        address=address(f"runs/{run.id}", run.experiment.workspace),
        at=time.time(),
        extent=extent,
        summaries=tuple(summaries),
        charts=tuple(shown.charts[: extent.charts]),
        grids=tuple(shown.grids[: extent.tables]),
        evaluations=tuple(shown.evaluations[: extent.evaluations]),
        pictures=tuple(pictures[: extent.pictures]),
        left_out={
            "chart": shown.drawable - min(len(shown.charts), extent.charts),
            "table": max(0, len(shown.grids) - extent.tables),
            "evaluation": max(0, len(shown.evaluations) - extent.evaluations),
            "picture": max(0, len(pictures) - extent.pictures),
        },
        files=tuple(files),
        family=family(run, record, extent.children),
        log=log_tail(run._folder, files, extent.log, extent.lines),  # noqa: SLF001 - a floor above
    )


@dataclass
class _Shown:
    """What metrics show, while it is gathered."""

    charts: list[Chart] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    drawable: int = 0


@dataclass(frozen=True)
class _Gathering:
    """One look at a run."""

    run: Run
    store: RunStore
    extent: Extent
    memory: Memory

    def of(self, summaries: Sequence[MetricSummary]) -> _Shown:
        """Read the metrics that are charts, tables or evaluations, as many as are told."""
        shown, keys = _Shown(), []
        for one in summaries:
            key = one.name, one.kind, one.count, one.last_at
            keys.append(key)
            if one.kind in TABULAR or (one.kind in ("scalar", "list") and _is_curve(one)):
                shown.drawable += 1
                if len(shown.charts) < self.extent.charts or one.kind in TABULAR:
                    self._add(shown, self.memory.recall(key, partial(self._drawn, one)))
            elif one.kind in EVALUATIONS:
                self._add(shown, self.memory.recall(key, partial(self._evaluation, one)))
        self.memory.forget_others(keys)
        return shown

    @staticmethod
    def _add(shown: _Shown, made: object) -> None:
        match made:
            case Chart():
                shown.charts.append(made)
            case Grid():
                shown.grids.append(made)
                shown.drawable -= 1
            case Evaluation():
                shown.evaluations.append(made)
            case _:
                shown.drawable -= 1

    def _drawn(self, one: MetricSummary) -> Chart | Grid | None:
        series = self.store.series(self.run.id, one.name)
        if series is None:
            return None
        return self._of_columns(one, series) if one.kind in TABULAR else _curve(one, series, self.extent.points)

    def _of_columns(self, one: MetricSummary, series: Series) -> Chart | Grid | None:
        """Return rows or a table as a line where two columns are numbers, else as a table."""
        columns = {
            name: list(column) if isinstance(column, list) else [column]
            for name, column in _dict(shape(series)).items()
        }
        rows = max(map(len, columns.values()), default=0)
        if len(columns) == 2 and rows > 1 and all(map(_numeric, columns.values())):  # noqa: PLR2004 - x and y
            (across, x), (up, y) = columns.items()
            points = thinned(x, y, self.extent.points)
            return Chart(one.name, across, up, [Curve(points)], remark=_remark(points, rows, one.description))
        shown = {name: columns[name][: self.extent.rows] for name in list(columns)[:MOST_COLUMNS]}
        return Grid(one.name, shown, rows, len(columns))

    def _evaluation(self, one: MetricSummary) -> Evaluation | None:
        try:
            found = Run.get_metrics(self.run, one.name, populate=True)  # a sweep's own verb tells of its children
            return evaluation(one.name, one.kind, found[one.name])
        except Exception as error:  # noqa: BLE001 - a file that is gone or damaged leaves the rest of the page alone
            return Evaluation(one.name, amiss=f"it cannot be read: {type(error).__name__}: {error}")

    def pictures(self, summaries: Sequence[MetricSummary], files: Sequence[ArtifactRecord]) -> list[Picture]:
        """Return the pictures that were logged, then those that lie among the files; contents as far as they may."""
        known = {one.name: one for one in files}
        titles: dict[str, str] = {}
        for one in summaries:
            if one.kind == "image" and (series := self.store.series(self.run.id, one.name)) is not None:
                titles |= {str(artifact): one.name for artifact in _list(series.values)}
        named = [(titles[name], known[name]) for name in titles if name in known]
        named += [(one.name, one) for one in files if one.name not in titles and is_picture(one.name)]
        return list(self._within(named))

    def _within(self, named: Sequence[tuple[str, ArtifactRecord]]) -> Iterator[Picture]:
        left = self.extent.pictures_together
        for place, (title, record) in enumerate(named):
            most = min(left, self.extent.picture) if place < self.extent.pictures else 0
            one = picture(self.run._folder, title, record, most)  # noqa: SLF001 - a floor above
            left -= len(one.content)
            yield one


def _is_curve(one: MetricSummary) -> bool:
    """Tell whether a metric has more than one number; a list counts as one point of the index."""
    return one.last is not None and (one.count > 1 or (one.kind == "list" and one.min != one.max))


def _curve(one: MetricSummary, series: Series, most: int) -> Chart | None:
    values = series.values
    if series.kinds is not None:
        values = [value for value, kind in zip(series.values, series.kinds, strict=True) if kind == series.kind]
    if series.kind == "list":
        values = [item for part in values for item in _list(part)]
    y = values if isinstance(values, list) or hasattr(values, "typecode") else _list(values)
    stepped = series.kind == "scalar" and series.kinds is None and one.first_step is not None
    points = thinned(series.steps if stepped else range(len(y)), y, most)
    if any(math.isnan(x) for x, _ in points):  # some were logged without a step
        stepped, points = False, thinned(range(len(y)), y, most)
    points.sort(key=itemgetter(0))  # a run that was resumed, or several processes
    remark = _remark(points, len(y), one.description)
    return Chart(one.name, "step" if stepped else "logged value", one.name, [Curve(points)], remark=remark)


def _remark(points: Sequence[Point], there: int, description: str) -> str:
    """Return how many points there are, and how many are drawn; and what the user said of them."""
    drawn, gaps = len(points), sum(not math.isfinite(y) for _, y in points)
    said = f"{drawn:,} of {there:,} points drawn" if drawn < there else f"{there:,} points"
    if gaps:
        said += ", some of them no finite number" if drawn < there else f", {gaps:,} of them no finite number"
    return f"{said}; {description}" if description else said


def _numeric(column: Sequence[object]) -> bool:
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in column)


def _list(values: object) -> list[Any]:
    tolist = getattr(values, "tolist", None)
    return tolist() if callable(tolist) else list(values)  # type: ignore[call-overload, no-any-return]  # a sequence


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
