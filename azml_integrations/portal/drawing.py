"""The charts as SVG by matplotlib, for a browser that runs no script."""

import io
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from math import isfinite, nan
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from .charts import Spec

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK = "#6b7280"
_BAD = "#d05050"
_MOST_LABELS = 30
_MOST_NAMES = 12
"""Of a legend; more would hide the lines."""

_SIZE, _WIDE = (6.4, 3.6), (12.8, 3.2)
"""Of a picture, and of one as wide as the page [inches]."""

_drawing = threading.Lock()  # settings are the process's


def svg(spec: Spec) -> bytes:
    """Return a chart as SVG, on no ground of its own: it is seen in the light and in the dark."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {"svg.fonttype": "none", "font.size": 9, "text.color": _INK, "axes.labelcolor": _INK}
    settings |= {"axes.edgecolor": _INK, "xtick.color": _INK, "ytick.color": _INK, "text.parse_math": False}
    out = io.BytesIO()
    with _drawing, rc_context(settings):
        figure = Figure(figsize=_WIDE if spec["kind"] == "parallel" else _SIZE, layout="constrained")
        figure.patch.set_alpha(0)
        axes = figure.subplots()
        axes.patch.set_alpha(0)
        axes.spines[["top", "right"]].set_visible(False)
        _DRAW[spec["kind"]](axes, spec)
        FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None})  # type: ignore[no-untyped-call]
    return out.getvalue()


def _lines(axes: "Axes", spec: Spec) -> None:
    for one in spec["series"]:
        x, y = _places(one["x"], spec), _sound(one["y"])
        style = "--" if one.get("dash") else "-"
        marker = "." if len(x) < _MOST_LABELS else ""
        (drawn,) = axes.plot(x, y, style, label=one["name"], linewidth=1.4, marker=marker)
        if "low" in one:
            axes.fill_between(
                x, _sound(one["low"]), _sound(one["high"]), alpha=0.2, linewidth=0, color=drawn.get_color()
            )
        if one.get("odd"):
            low = min((value for value in y if isfinite(value)), default=0.0)
            axes.plot(_places(one["odd"], spec), [low] * len(one["odd"]), "x", color=_BAD)
    _titles(axes, spec)
    if 1 < len(spec["series"]) <= _MOST_NAMES or spec.get("band"):
        axes.legend(frameon=False, fontsize=8)


def _sound(values: Sequence[float | None]) -> list[float]:
    return [nan if value is None else value for value in values]


def _places(values: Sequence[float | None], spec: Spec) -> list[Any]:
    sound = _sound(values)
    return [datetime.fromtimestamp(at, UTC) for at in sound] if spec["x"].get("date") else sound


def _points(axes: "Axes", spec: Spec) -> None:
    (one,) = spec["series"]
    texts = any(isinstance(value, str) for value in one["x"])
    axes.scatter([str(value) for value in one["x"]] if texts else one["x"], one["y"], s=18)
    if spec["x"].get("log"):
        from matplotlib.ticker import NullFormatter

        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda at, _: f"{at:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
    _titles(axes, spec)


def _bars(axes: "Axes", spec: Spec) -> None:
    (one,) = spec["series"]
    axes.bar(one["x"], one["y"], width=one["widths"])
    _titles(axes, spec)


def _heat(axes: "Axes", spec: Spec) -> None:
    cells = spec["cells"]
    axes.imshow([[cell or 0 for cell in row] for row in cells], cmap="Blues", aspect="auto")
    for dimension, ticks in (("x", axes.set_xticks), ("y", axes.set_yticks)):
        labels = spec[dimension]["labels"]
        if len(labels) <= _MOST_LABELS:
            ticks(range(len(labels)), labels)
    if len(cells) <= _MOST_LABELS:
        for row, several in enumerate(cells):
            for place, cell in enumerate(several):
                axes.text(place, row, str(cell), ha="center", va="center")
    _titles(axes, spec)


def _parallel(axes: "Axes", spec: Spec) -> None:
    for one in spec["series"]:
        y = [float("nan") if value is None else value for value in one["y"]]
        axes.plot(range(len(y)), y, linewidth=1, alpha=0.6)
    for place, axis in enumerate(spec["axes"]):
        axes.axvline(place, color=_INK, linewidth=0.8, zorder=0)
        for height, end in enumerate(axis["ends"]):
            axes.annotate(end, (place, height), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_xticks(range(len(spec["axes"])), [axis["title"] for axis in spec["axes"]])
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)


def told(spec: Spec) -> str:
    """Return how many points are drawn, where not all are, and what else there is to say of a chart."""
    counts = [(one.get("shown", 0), one.get("count", 0)) for one in spec["series"]]
    shown, count = max(counts, key=itemgetter(1), default=(0, 0))
    thinned = f"{shown:,} of {count:,} points" if shown < count else ""
    return " · ".join(filter(None, (thinned, spec.get("note", ""))))


def _titles(axes: "Axes", spec: Spec) -> None:
    axes.set_xlabel(" · ".join(filter(None, (spec["x"]["title"], told(spec)))))
    axes.set_ylabel(spec["y"]["title"])


_DRAW: dict[str, Any] = {"lines": _lines, "points": _points, "bars": _bars, "heat": _heat, "parallel": _parallel}
