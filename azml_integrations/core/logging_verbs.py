"""The verbs that log: SDK v1's ``log_*`` family, and `log_metrics`."""

import io
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePath
from typing import TypeAlias

from .. import metrics, names
from ..errors import NameRefusedError, UserErrorException
from ..records import (
    ArtifactKind,
    ArtifactMetric,
    ColumnsLogged,
    MetricsLogged,
    MetricSummary,
    Point,
    PointKind,
    Series,
)
from ..store import files
from . import figures
from .artifact_verbs import ArtifactVerbs

Moment: TypeAlias = tuple[Mapping[str, object], int | None, float]
"""Values of one moment by name, its step, and when it was [s since the epoch, UTC]."""

Moments: TypeAlias = tuple[Mapping[str, list[object]], list[int | None], list[float]]
"""Many of these in columns of equal length."""


class LoggingVerbs(ArtifactVerbs):
    """Logging and reading back of metrics."""

    def log(self, name: str, value: object, description: str = "", step: int | None = None) -> None:
        """Append one scalar to a metric.

        Logging a name again makes the metric a vector, in the order of the calls.

        Parameters
        ----------
        name : str
            Metric name.
        value : float, int, bool, str or None
            Anything with an ``.item()`` of shape () is taken too: a numpy scalar, a torch scalar.
        description : str, default=""
            Shown in the portal.
        step : int, default=None
            Position on the x axis [steps, >= 0].

        Raises
        ------
        MetricError
            If `value` is a list, range or generator (`log_list` is meant).
        StoreError
            If the disk refuses; everything logged before is safe.

        Warns
        -----
        MetricWarning
            Once per name, when a dict, tuple, path or larger array is stored as its repr.

        References
        ----------
        .. [1] Azure ML SDK v1, ``azureml.core.Run.log``.
        """
        event = metrics.scalar(name, value, description, step, self._warn_once)
        if self._kinds.setdefault(name, "scalar") != "scalar":
            self._warn_mixed(name, "scalar")
        self._append(event)

    def log_metrics(self, values: Mapping[str, object], step: int | None = None) -> None:
        """Append one scalar to each of several metrics, all at one moment: one event, one line, one write.

        Parameters
        ----------
        values : mapping of str to float
            One scalar per metric name, as `log` takes it.
        step : int, default=None
            Position on the x axis [steps, >= 0].

        Raises
        ------
        MetricError
            If `values` is no mapping, or one of them is no scalar; none is stored then.
        """
        self._append(self._several(values, step))

    def log_moments(self, moments: Iterable[Moment | Moments]) -> None:
        """Append what was measured a while ago and is known only now, as values that come back from a GPU in batches.

        Parameters
        ----------
        moments : iterable of (values, step, at)
            Each as `log_metrics` takes it, with the moment of measuring [s since the epoch, UTC]; the earliest first.
            Many moments with values of the same names may stand in columns: lists of n values by name, a list of n
            steps and a list of n moments, which become one line of the journal. All are stored in one write.

        Raises
        ------
        MetricError
            If one of them is no mapping of scalars, or columns differ in length; none is stored then.
        """
        events = [
            self._in_columns(values, step, at) if isinstance(at, list) else self._several(values, step, at)  # type: ignore[arg-type]  # as `at` is
            for values, step, at in moments
        ]
        if events:
            self._append(*events)

    def log_list(self, name: str, value: object, description: str = "") -> None:
        """Append a list of values to a metric.

        Parameters
        ----------
        name : str
            Metric name.
        value : iterable
            Numbers or strings, of shape (n,); an array or series is taken too.
        description : str, default=""
            Shown in the portal.

        Raises
        ------
        MetricError
            If `value` cannot be iterated over, or an item is no scalar.
        """
        self._log_as("list", name, metrics.sequence(name, value, description))

    def log_row(self, name: str, description: str | None = None, **kwargs: object) -> None:
        """Append one row of named columns to a metric.

        Parameters
        ----------
        name : str
            Metric name.
        description : str, default=None
            Shown in the portal.
        **kwargs
            One scalar per column.

        Raises
        ------
        MetricError
            If a value is no scalar.
        """
        self._log_as("row", name, metrics.row(name, kwargs, description))

    def log_table(self, name: str, value: Mapping[str, object], description: str = "") -> None:
        """Append a table to a metric.

        Parameters
        ----------
        name : str
            Metric name.
        value : dict of str to iterable
            Columns of equal length n; a scalar stands for a column of one.
        description : str, default=""
            Shown in the portal.

        Raises
        ------
        MetricError
            If `value` is no dict, the columns differ in length, or a cell is no scalar.
        """
        self._log_as("table", name, metrics.table(name, value, description))

    def log_image(
        self, name: str, path: object = None, plot: object = None, description: str = "", step: int | None = None
    ) -> None:
        """Store an image and log it under a name.

        Parameters
        ----------
        name : str
            Metric name.
        path : str or path-like, default=None
            An image file; its path becomes the artifact's name. A plot in this place is taken for one.
        plot : object with ``savefig``, array or tensor, default=None
            A matplotlib figure, or ``matplotlib.pyplot`` for its current figure. It is rendered to bytes as it is;
            neither the figure nor matplotlib's state changes. Or pixels, floats from 0 to 1 or whole numbers from 0 to
            255: a tensor of shape (channels, height, width) on any device, an array or PIL image of shape (height,
            width, channels), with 1, 3 or 4 channels, or (height, width); of several, with an axis for them in front,
            a grid is made. Or a figure of another library that a plugin draws: `azml_figure_renderers`.
        description : str, default=""
            Shown in the portal.
        step : int, default=None
            Position on the x axis [steps, >= 0].

        Raises
        ------
        UserErrorException
            If not exactly one of `path` and `plot` is given, or the file is no image.
        MetricError
            If pixels have another shape, or lie elsewhere; if it is a figure that nobody here can draw.
        OfferError
            If the plugin that draws it fails.
        """
        if plot is None and not (isinstance(path, (str, bytes, os.PathLike)) or hasattr(path, "read")):
            path, plot = None, path
        if (path is None) == (plot is None):
            raise UserErrorException(
                f"log_image({name!r}) got {'both a path and a plot' if plot is not None else 'neither path nor plot'}; "
                f"expected exactly one"
            )
        names.label("metric name", name)
        artifact = self._store_plot(name, plot) if path is None else self._store_image(path)
        self._log_artifact("image", name, artifact, description, step)

    def log_confusion_matrix(self, name: str, value: object, description: str = "") -> None:
        """Log a confusion matrix.

        Parameters
        ----------
        name : str
            Metric and artifact name.
        value : dict or str
            ``{"schema_type": "confusion_matrix", "schema_version": "1.0.0", "data": {"class_labels": [...],
            "matrix": [[...]]}}``, as a dict or as JSON; the matrix has shape (n_classes, n_classes).
        description : str, default=""
            Shown in the portal.

        Raises
        ------
        MetricError
            If it is not of that schema.
        """
        self._log_document("confusion_matrix", name, value, description)

    def log_accuracy_table(self, name: str, value: object, description: str = "") -> None:
        """Log the counts from which ROC, precision-recall and lift curves are drawn.

        Parameters
        ----------
        name : str
            Metric and artifact name.
        value : dict or str
            Schema ``accuracy_table``; data are ``probability_tables`` and ``percentile_tables`` of shape
            (n_classes, n_thresholds, 4) for true positives, false positives, true negatives and false negatives,
            ``class_labels``, ``probability_thresholds`` and ``percentile_thresholds``.
        description : str, default=""
            Shown in the portal.

        Raises
        ------
        MetricError
            If it is not of that schema.
        """
        self._log_document("accuracy_table", name, value, description)

    def log_residuals(self, name: str, value: object, description: str = "") -> None:
        """Log a histogram of residuals.

        Parameters
        ----------
        name : str
            Metric and artifact name.
        value : dict or str
            Schema ``residuals``; data are ``bin_edges`` of shape (n + 1,) and ``bin_counts`` of shape (n,).
        description : str, default=""
            Shown in the portal.

        Raises
        ------
        MetricError
            If it is not of that schema.
        """
        self._log_document("residuals", name, value, description)

    def log_predictions(self, name: str, value: object, description: str = "") -> None:
        """Log predicted against true values, in bins.

        Parameters
        ----------
        name : str
            Metric and artifact name.
        value : dict or str
            Schema ``predictions``; data are ``bin_averages``, ``bin_errors`` and ``bin_counts`` of shape (n,) and
            ``bin_edges`` of shape (n + 1,).
        description : str, default=""
            Shown in the portal.

        Raises
        ------
        MetricError
            If it is not of that schema.
        """
        self._log_document("predictions", name, value, description)

    def flush(self, timeout_seconds: int = 300) -> None:
        """Do nothing: every call is stored when it returns."""

    # -- reading back --------------------------------------------------------------------------------

    def metric_points(self, name: str) -> list[Point]:
        """Return every point of a metric as it was logged, with steps and times, in order of time.

        Unlike ``get_metrics`` nothing collapses and nothing is left out.

        Parameters
        ----------
        name : str
            Metric name.

        Returns
        -------
        points : list of Point
            Empty for an unknown name.
        """
        series = self._store().series(self.id, name)
        return [] if series is None else series.points()

    def metric_summaries(self) -> list[MetricSummary]:
        """Return one line per metric: last, least and greatest value, count and steps, in order of first logging."""
        return self._store().summaries(self.id)

    def _own_metrics(self, name: str | None, *, populate: bool) -> dict[str, object]:
        found = self._store().series_of([self.id], name).get(self.id, {})
        return shapes(found, lambda kind, value: self._file(kind, value, populate=populate))

    def _file(self, kind: PointKind, value: object, *, populate: bool) -> object:
        """Return what stands for a metric that is a file: its content or its address."""
        if populate and kind != "image":
            return metrics.parsed(self._read(str(value)))
        if isinstance(value, list):
            return [self._address(str(artifact)) for artifact in value]
        return self._address(str(value))

    def _address(self, artifact: str) -> str:
        return f"aml://artifactId/ExperimentRun/dcid.{self.id}/{artifact}"

    # -- parts ---------------------------------------------------------------------------------------

    def _several(self, values: Mapping[str, object], step: int | None, at: float | None = None) -> MetricsLogged:
        event = metrics.several(values, step, self._warn_once, at)
        self._know_scalars(event.values)
        return event

    def _in_columns(
        self, values: Mapping[str, list[object]], steps: list[int | None], times: list[float]
    ) -> ColumnsLogged:
        event = metrics.columns(values, steps, times, self._warn_once)
        self._know_scalars(event.values)
        return event

    def _know_scalars(self, found: Iterable[str]) -> None:
        for name in found:
            if self._kinds.setdefault(name, "scalar") != "scalar":
                self._warn_mixed(name, "scalar")

    def _log_as(self, kind: str, name: str, event: metrics.ShapeEvent) -> None:
        if self._kinds.setdefault(name, kind) != kind:
            self._warn_mixed(name, kind)
        self._append(event)

    def _log_document(self, kind: ArtifactKind, name: str, value: object, description: str) -> None:
        content = metrics.document(kind, name, value)
        self._put(_artifact_of(name), io.BytesIO(content))
        self._log_artifact(kind, name, _artifact_of(name), description, None)

    def _log_artifact(self, kind: ArtifactKind, name: str, artifact: str, description: str, step: int | None) -> None:
        if self._kinds.setdefault(name, kind) != kind:
            self._warn_mixed(name, kind)
        self._append(ArtifactMetric(name, kind, artifact, time.time(), description, step))

    def _store_plot(self, name: str, plot: object) -> str:
        content, suffix = figures.drawn(plot, name)
        artifact = self._free_name(f"{_artifact_of(name)}_{int(time.time())}{suffix}")
        self._put(artifact, io.BytesIO(content))
        return artifact

    def _store_image(self, path: object) -> str:
        content, suffix = image(path)
        artifact = self._free_name(_artifact_name(path, suffix))
        self._put(artifact, io.BytesIO(content))
        return artifact

    def _free_name(self, wanted: str) -> str:
        """Return the name, or the first of ``_1``, ``_2`` ... that is free: images are never replaced."""
        taken = self._held()
        stem, dot, suffix = wanted.rpartition(".")
        candidates = (f"{stem}_{n}{dot}{suffix}" for n in range(1, len(taken) + 2))
        return wanted if wanted not in taken else next(name for name in candidates if name not in taken)

    def _warn_mixed(self, name: str, kind: str) -> None:
        self._warn_once(
            name,
            f"a {kind} follows a {self._kinds[name]}; both are kept in order, get_metrics() gives those of the first "
            f"kind, run.metric_points() all",
        )


def shapes(found: Mapping[str, Series], file: Callable[[PointKind, object], object]) -> dict[str, object]:
    """Return metrics in SDK v1's shapes; `file` says what stands for one that is a file."""
    shaped = {name: (series.kind, metrics.shape(series)) for name, series in found.items()}
    return {name: value if kind in _PLAIN else file(kind, value) for name, (kind, value) in shaped.items()}


_PLAIN = frozenset(("scalar", "list", "row", "table"))


def _artifact_of(metric: str) -> str:
    """Return an artifact name for a metric whose name may be no path: ``roc/test`` stays, ``../x`` does not."""
    try:
        return names.artifact(metric)
    except NameRefusedError:
        return "metric-" + names.digest(metric)


def _artifact_name(path: object, suffix: str) -> str:
    """Return the artifact name of a file given by its path: the relative path itself, else the last part."""
    if not isinstance(path, (str, os.PathLike)):
        path = getattr(path, "name", None)  # an open file says where it lies
    if not isinstance(path, (str, os.PathLike)):
        return "image" + suffix
    given = PurePath(path)
    inside = not given.is_absolute() and ".." not in given.parts
    return names.artifact((given if inside else PurePath(given.name)).as_posix())


_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")


def image(path: object) -> tuple[bytes, str]:
    """Return the content of an image file, and a suffix for it.

    Raises
    ------
    SourceNotFoundError
        If there is no such file.
    UserErrorException
        If it is no image.
    """
    with files.opened(path) as file:
        content = file.read()
    webp = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    svg = b"<svg" in content[:1024]
    if not (content.startswith(_SIGNATURES) or webp or svg):
        raise UserErrorException(f"{path} is no image file; expected PNG, JPEG, GIF, BMP, TIFF, WebP or SVG")
    return content, ".svg" if svg else ".webp" if webp else ".png"
