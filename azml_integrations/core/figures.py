"""Figures as bytes, without a trace left on the figure or in matplotlib."""

import io
import sys
from typing import Any


def png(plot: Any) -> bytes:
    """Return a figure, or the current figure of ``matplotlib.pyplot``, as PNG.

    Parameters
    ----------
    plot : object with ``savefig``
        A figure, pyplot, or anything else that saves itself to a binary file.

    Returns
    -------
    content : bytes
        The picture.
    """
    figure = _figure(plot)
    out = io.BytesIO()
    if "matplotlib.figure" in sys.modules and isinstance(figure, sys.modules["matplotlib.figure"].Figure):
        _print(figure, out)
    else:
        figure.savefig(out)
    return out.getvalue()


def _figure(plot: Any) -> Any:
    """Return pyplot's current figure, or the plot itself; where pyplot has none, an empty one that it never sees."""
    if not hasattr(plot, "gcf"):
        return plot
    return plot.gcf() if plot.get_fignums() else plot.Figure()


def _print(figure: Any, out: io.BytesIO) -> None:
    """Draw on a canvas of our own; the figure keeps its own canvas, size, colours and staleness."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas, stale, dpi = figure.canvas, figure.stale, figure.dpi
    try:
        FigureCanvasAgg(figure).print_figure(out, format="png")
    finally:
        figure.set_canvas(canvas)
        if figure.dpi != dpi:
            figure.dpi = dpi
        figure.stale = stale
