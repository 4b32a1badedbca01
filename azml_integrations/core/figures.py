"""Figures and pixels as bytes, without a trace left on the figure or in matplotlib; other figures by plugins."""

import io
import os
import sys
from typing import Any

from ..arrays import is_tensor
from ..errors import MetricError, OfferError
from ..offers import Renderer, is_one_of, suffix_of


def is_plot(value: object) -> bool:
    """Tell whether something can be drawn: a figure, pyplot, or pixels in an array or tensor; no path is."""
    if isinstance(value, (str, bytes, os.PathLike)):  # numpy's strings are arrays, too
        return False
    return callable(getattr(value, "savefig", None)) or _has_pixels(value)


def drawn(plot: Any, name: str) -> tuple[bytes, str]:
    """Return anything that can be drawn as the bytes of an image file, and its suffix.

    What the core can draw, it draws; for the rest, plugins are asked.

    Parameters
    ----------
    plot : object
        As in `png`, or a figure that a plugin's `Renderer` knows.
    name : str
        What it is logged as, for errors.

    Raises
    ------
    MetricError
        If nobody can draw it, or pixels are none.
    OfferError
        If the plugin that wanted to draw it failed.
    """
    if is_plot(plot):
        return png(plot, name), ".png"
    from ..plugins import plugins, reach

    offered = plugins().offered("azml_figure_renderers", Renderer)
    chosen = next(((who, one) for who, one in offered if is_one_of(plot, one.classes)), None)
    if chosen is None:
        theirs = ", ".join(f"{one.name} (plugin {who!r})" for who, one in offered) or "nothing else"
        wanted = f"a matplotlib figure, matplotlib.pyplot, or pixels as plot; plugins here draw {theirs}"
        raise MetricError(name, plot, wanted)
    who, renderer = chosen
    way_out = "draw it to a file, and log that: log_image(name, path=...)"
    try:
        content = reach(renderer.draw)(plot)
    except Exception as error:
        plugins().blame(who, f"renderer {renderer.name!r}", error, warn=False)
        raise OfferError(f"renderer {renderer.name!r}", who, error, way_out) from error
    suffix = suffix_of(content)
    if suffix is None:
        why = "what it returned is not the bytes of a PNG, JPEG, GIF, WebP or SVG file"
        raise OfferError(f"renderer {renderer.name!r}", who, why, way_out)
    return bytes(content), suffix


def png(plot: Any, name: str = "plot") -> bytes:
    """Return a figure, the current figure of ``matplotlib.pyplot``, or pixels as PNG.

    Parameters
    ----------
    plot : object with ``savefig``, or array or tensor
        A figure, pyplot, or anything else that saves itself to a binary file; or pixels.
    name : str, default="plot"
        What it is logged as, for errors.

    Returns
    -------
    content : bytes
        The picture.

    Raises
    ------
    MetricError
        If it is neither, or pixels of a shape or of values that make no picture.
    """
    if not is_plot(plot):
        raise MetricError(name, plot, "a matplotlib figure, matplotlib.pyplot, or pixels as plot")
    if not callable(getattr(plot, "savefig", None)):
        from ..pictures.pixels import png_of  # numpy only where there are pixels

        return png_of(name, plot)
    figure = _figure(plot)
    out = io.BytesIO()
    if "matplotlib.figure" in sys.modules and isinstance(figure, sys.modules["matplotlib.figure"].Figure):
        _print(figure, out)
    else:
        figure.savefig(out)
    return out.getvalue()


def _has_pixels(value: object) -> bool:
    return is_tensor(value) or hasattr(value, "__array_interface__") or hasattr(value, "__array__")


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
