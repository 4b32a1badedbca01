"""The charts as SVG by matplotlib, for a browser that runs no script."""

import io
import threading
from typing import TYPE_CHECKING, Any

from .charts import Spec

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK = "#6b7280"
_MOST_LABELS = 30
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
        figure = Figure(figsize=(6.4, 3.6), layout="constrained")
        figure.patch.set_alpha(0)
        axes = figure.subplots()
        axes.patch.set_alpha(0)
        axes.spines[["top", "right"]].set_visible(False)
        _DRAW[spec["kind"]](axes, spec)
        FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None})  # type: ignore[no-untyped-call]
    return out.getvalue()


def _lines(axes: "Axes", spec: Spec) -> None:
    for one in spec["series"]:
        y = [float("nan") if value is None else value for value in one["y"]]
        x = [float("nan") if value is None else value for value in one["x"]]
        style = "--" if one.get("dash") else "-"
        axes.plot(x, y, style, label=one["name"], linewidth=1.4, marker="." if len(x) < _MOST_LABELS else "")
    _titles(axes, spec)
    if 1 < len(spec["series"]) <= _MOST_LABELS:
        axes.legend(frameon=False, fontsize=8)


def _points(axes: "Axes", spec: Spec) -> None:
    (one,) = spec["series"]
    texts = any(isinstance(value, str) for value in one["x"])
    axes.scatter([str(value) for value in one["x"]] if texts else one["x"], one["y"], s=18)
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
    axes.set_xticks(range(len(spec["axes"])), [axis["title"] for axis in spec["axes"]])
    axes.set_yticks([])


def _titles(axes: "Axes", spec: Spec) -> None:
    axes.set_xlabel(spec["x"]["title"])
    axes.set_ylabel(spec["y"]["title"])


_DRAW: dict[str, Any] = {"lines": _lines, "points": _points, "bars": _bars, "heat": _heat, "parallel": _parallel}
