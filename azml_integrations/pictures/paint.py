"""A page becomes a PNG: drawn on matplotlib's Agg renderer, on a canvas that is as large as what stands on it."""

from collections import defaultdict
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, assert_never

from . import letters
from .page import LINE, SMALL, Axis, Bars, Cells, Dots, ErrorBars, Line, Mark, Page, Panel, Shape
from .pixels import opaque

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

TITLE = 13.0
"""Size of the title's letters [px]."""
EDGE = 10
"""White around everything [px]."""
TICK = 4
"""Length of a tick [px]."""
SAMPLE = 22
"""Length of a line in the legend [px]."""
GAP = 16
"""Between panels, and before the legend [px]."""
CAP = 3
"""How far the ends of an error bar reach to each side [px]."""
SHADES = ((0.969, 0.984, 1.0), (0.419, 0.682, 0.839), (0.031, 0.188, 0.420))
"""Colours of a cell: empty, half, full."""
DARK = 0.55
"""Share from which words on a cell are white."""
MIDDLE = 0.36
"""Height of the middle of a letter above its base line, in sizes of a letter."""
INK, FAINT = "#444444", "#e5e5e5"
"""Colours of frames and ticks, and of lines through ticks."""


def png(page: Page) -> bytes:
    """Draw a page.

    Parameters
    ----------
    page : Page
        What stands on it.

    Returns
    -------
    bytes
        A PNG file.
    """
    columns = [[panel for panel in column if panel] for column in zip_longest(*page.rows)]
    lefts = [max(_left(panel) for panel in column) for column in columns]
    bottoms = [max(_bottom(panel) for panel in row) for row in page.rows]
    widths, heights = [column[0].width for column in columns], [row[0].height for row in page.rows]
    body = sum(lefts) + sum(widths) + GAP * (len(columns) - 1)
    legend = _legend(page)
    beside = GAP + SAMPLE + 6 + max(map(_name_width, legend)) if legend else _overhang(page)
    lines = [(words, TITLE) for words in letters.wrapped(page.title, TITLE, body + beside)]
    lines += [(words, SMALL) for words in letters.wrapped(page.remark, SMALL, body + beside)]
    head = sum(size for _, size in lines) * LINE + 6
    beside_first = max(heights[0], len(legend) * SMALL * LINE)
    tall = max(float(sum(heights)) + sum(bottoms) + GAP * (len(heights) - 1), beside_first)
    sheet = Sheet(int(2 * EDGE + body + beside), int(2 * EDGE + head + tall))
    begin = max(0, min(lefts[0], body + beside - max((letters.width(*line) for line in lines), default=0.0)))
    top = float(sheet.height - EDGE)
    at = top
    for words, size in lines:
        at -= size * LINE
        sheet.words(EDGE + begin, at + 4, words, size)
    top -= head
    _draw_legend(sheet, legend, EDGE + body + GAP, top - beside_first / 2)
    for row, bottom in zip(page.rows, bottoms, strict=True):
        at = float(EDGE)
        for panel, left in zip(row, lefts, strict=False):
            _Frame(sheet, panel, round(at + left), round(top - panel.height)).draw()
            at += left + panel.width + GAP
        top -= row[0].height + bottom + GAP
    return sheet.png()


class Sheet:
    """Pixels to draw on; (0, 0) is the lower left corner.

    Words and ticks are collected, and drawn last, as one shape of each colour: a call of the renderer has its price.

    Parameters
    ----------
    width, height : int
        Its size [px].
    """

    def __init__(self, width: int, height: int) -> None:
        from matplotlib.backends.backend_agg import RendererAgg
        from matplotlib.colors import to_rgba
        from matplotlib.path import Path
        from matplotlib.transforms import Affine2D

        self.width, self.height = width, height
        self._path, self._rgba, self._here = Path, to_rgba, Affine2D()
        self._renderer: Any = RendererAgg(width, height, 72)  # type: ignore[no-untyped-call]
        self._pens: dict[object, Any] = {}
        self._words: defaultdict[str, list[tuple[Any, Any]]] = defaultdict(list)
        self._ticks: list[tuple[tuple[float, float], tuple[float, float]]] = []
        self.area([0, width, width, 0], [0, 0, height, height], "white")

    def line(self, x: Any, y: Any, color: str, width: float = 1.0, *, dashed: bool = False, clip: Any = None) -> None:
        """Draw a line through points."""
        import numpy as np

        path = self._path(np.column_stack([x, y]))
        self._renderer.draw_path(self._pen(color, width, dashed=dashed, clip=clip), path, self._here)

    def tick(self, begin: tuple[float, float], end: tuple[float, float]) -> None:
        """Draw a short line in the colour of frames."""
        self._ticks.append((begin, end))

    def area(self, x: Any, y: Any, color: Any) -> None:
        """Fill a polygon."""
        import numpy as np

        self._fill(self._path(np.column_stack([x, y])), color)

    def dots(
        self,
        x: Any,
        y: Any,
        color: str,
        radius: float,
        *,
        alpha: float = 1.0,
        shape: Shape = "dot",
        clip: Any = None,
    ) -> None:
        """Draw points: dots that are filled, or outlines of another shape."""
        import numpy as np
        from matplotlib.transforms import Affine2D

        points, filled = self._path(np.column_stack([x, y])), shape == "dot"
        face = self._rgba(color, alpha) if filled else None
        pen = self._pen("white", 0, clip=clip) if filled else self._pen(color, 1.2, alpha=alpha, clip=clip)
        self._renderer.draw_markers(pen, self._outline(shape), Affine2D().scale(radius), points, self._here, face)

    def strokes(self, ends: Any, color: str, width: float = 1.0, *, alpha: float = 1.0, clip: Any = None) -> None:
        """Draw straight lines, of shape (n, 2, 2): which of them, begin or end, x or y."""
        import numpy as np

        points = np.reshape(ends, (-1, 2))
        if len(points):
            codes = np.tile(np.array([self._path.MOVETO, self._path.LINETO], np.uint8), len(points) // 2)
            pen = self._pen(color, width, alpha=alpha, clip=clip)
            self._renderer.draw_path(pen, self._path(points, codes), self._here)

    def picture(self, left: int, bottom: int, pixels: "np.ndarray[Any, Any]") -> None:
        """Put pixels of shape (height, width, 4) on the sheet, their first row uppermost."""
        import numpy as np

        self._renderer.draw_image(self._pen("white", 0), left, bottom, np.ascontiguousarray(pixels[::-1]))

    def words(
        self,
        x: float,
        y: float,
        words: str,
        size: float = SMALL,
        color: str = "black",
        *,
        across: str = "left",
        upright: bool = False,
    ) -> None:
        """Write words on a base line that begins, has its middle, or ends at a point."""
        vertices, codes, wide = letters.outline(words, size)
        vertices[:, 0] -= {"left": 0.0, "center": wide / 2, "right": wide}[across]
        if upright:
            vertices = vertices[:, ::-1] * (-1, 1)
        vertices += (x, y)
        self._words[color].append((vertices, codes))

    def png(self) -> bytes:
        """Return what is drawn as a PNG file."""
        import numpy as np

        self.strokes(self._ticks, INK)
        for color, written in self._words.items():
            vertices, codes = map(np.concatenate, zip(*written, strict=True))
            if len(codes):
                self._fill(self._path(vertices, codes), color)
        return opaque(np.asarray(self._renderer.buffer_rgba()))

    def _fill(self, path: Any, color: Any) -> None:
        self._renderer.draw_path(self._pen("white", 0), path, self._here, self._rgba(color))

    def _outline(self, shape: Shape) -> Any:
        match shape:
            case "dot" | "ring":
                return self._path.unit_circle()
            case "diamond":
                return self._path([(-1.3, 0), (0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)], closed=True)
            case "triangle":
                return self._path([(-1.2, -0.8), (1.2, -0.8), (0, 1.4), (-1.2, -0.8)], closed=True)
            case "cross":
                return self._path([(-1, -1), (1, 1), (-1, 1), (1, -1)], [self._path.MOVETO, self._path.LINETO] * 2)
            case _:
                assert_never(shape)

    def _pen(self, color: str, width: float, *, dashed: bool = False, alpha: float = 1.0, clip: Any = None) -> Any:
        kind = (color, width, dashed, alpha, clip)
        if kind not in self._pens:
            self._pens[kind] = self._new_pen(*kind)
        return self._pens[kind]

    def _new_pen(self, color: str, width: float, dashed: object, alpha: float, clip: Any) -> Any:
        from matplotlib.transforms import Bbox

        pen = self._renderer.new_gc()
        pen.set_foreground(self._rgba(color, alpha), isRGBA=True)
        pen.set_linewidth(width)
        if dashed:
            pen.set_dashes(0, [4 * width, 2 * width])
        if clip is not None:
            pen.set_clip_rectangle(Bbox.from_bounds(*clip))
        return pen


@dataclass(frozen=True)
class _Frame:
    """A panel at its place on a sheet: `left` and `bottom` are those of the frame between the axes [px]."""

    sheet: Sheet
    panel: Panel
    left: int
    bottom: int

    def draw(self) -> None:
        self._grid()
        for mark in self.panel.marks:
            self._mark(mark)
        right, top = self.left + self.panel.width, self.bottom + self.panel.height
        self.sheet.line(
            [self.left, right, right, self.left, self.left], [self.bottom, self.bottom, top, top, self.bottom], INK
        )
        self._name_across(self.panel.across)
        self._name_up(self.panel.up)

    def x(self, values: Any) -> Any:
        return self.left + self.panel.across.share(values) * self.panel.width

    def y(self, values: Any) -> Any:
        return self.bottom + self.panel.up.share(values) * self.panel.height

    def _grid(self) -> None:
        across, up = (axis.ticks if axis.grid else () for axis in (self.panel.across, self.panel.up))
        right, top = self.left + self.panel.width, self.bottom + self.panel.height
        ends = [((x, self.bottom), (x, top)) for x in map(self.x, across)]
        self.sheet.strokes(ends + [((self.left, y), (right, y)) for y in map(self.y, up)], FAINT)

    def _mark(self, mark: Mark) -> None:
        clip = (self.left, self.bottom, self.panel.width, self.panel.height)
        match mark:
            case Line() | Dots():
                if len(mark.x):
                    _draw(self.sheet, mark, self.x(mark.x), self.y(mark.y), clip)
            case ErrorBars():
                self._error_bars(mark, clip)
            case Bars():
                self._bars(mark)
            case Cells():
                self._cells(mark)
            case _:
                assert_never(mark)

    def _error_bars(self, bars: ErrorBars, clip: Any) -> None:
        import numpy as np

        x, low, high = self.x(bars.x), self.y(bars.low), self.y(bars.high)
        begins = [(x, low), (x - CAP, low), (x - CAP, high)]
        ends = [(x, high), (x + CAP, low), (x + CAP, high)]
        strokes = np.array([begins, ends])  # begin or end, which stroke, x or y, at which x
        self.sheet.strokes(strokes.transpose(1, 3, 0, 2), bars.color, 0.9, alpha=bars.opacity, clip=clip)

    def _bars(self, bars: Bars) -> None:
        for place, value in enumerate(bars.values):
            if value:
                low, high = self.y(place + 0.38), self.y(place - 0.38)
                zero, end = self.x(0.0), self.x(value)
                self.sheet.area([zero, end, end, zero], [low, low, high, high], bars.color)

    def _cells(self, cells: Cells) -> None:
        import numpy as np

        (rows, columns), (wide, tall) = cells.shade.shape, (self.panel.width, self.panel.height)
        shades = [np.interp(cells.shade, (0, 0.5, 1), channel) for channel in zip(*SHADES, strict=True)]
        rgba = np.stack([*shades, np.ones((rows, columns))], axis=-1)
        pixels = np.round(rgba * 255).astype(np.uint8)
        self.sheet.picture(
            self.left, self.bottom, pixels[np.arange(tall) * rows // tall][:, np.arange(wide) * columns // wide]
        )
        if cells.texts:
            self._write_into(cells)

    def _write_into(self, cells: Cells) -> None:
        (rows, columns), (wide, tall) = cells.shade.shape, (self.panel.width, self.panel.height)
        longest = max(letters.width(text, 1.0) for row in cells.texts for text in row)
        size = min(SMALL, wide / columns / (longest + 0.6), tall / rows * 0.8)
        for row, (texts, shades) in enumerate(zip(cells.texts, cells.shade.tolist(), strict=True)):
            y = self.bottom + (rows - row - 0.5) / rows * tall - size * MIDDLE
            for column, (text, shade) in enumerate(zip(texts, shades, strict=True)):
                x = self.left + (column + 0.5) / columns * wide
                self.sheet.words(x, y, text, size, "white" if shade > DARK else "black", across="center")

    def _name_across(self, axis: Axis) -> None:
        for tick, name in zip(axis.ticks, axis.names, strict=True):
            at = self.x(tick)
            self.sheet.tick((at, self.bottom), (at, self.bottom - TICK))
            if axis.upright:
                self.sheet.words(at + SMALL * MIDDLE, self.bottom - TICK - 3, name, across="right", upright=True)
            else:
                self.sheet.words(at, self.bottom - TICK - 2 - SMALL, name, across="center")
        middle = self.left + self.panel.width / 2
        label = letters.fitting(axis.label, SMALL, self.panel.width)
        self.sheet.words(middle, self.bottom - _bottom(self.panel) + 4, label, across="center")

    def _name_up(self, axis: Axis) -> None:
        for tick, name in zip(axis.ticks, axis.names, strict=True):
            at = self.y(tick)
            self.sheet.tick((self.left, at), (self.left - TICK, at))
            self.sheet.words(self.left - TICK - 3, at - SMALL * MIDDLE, name, across="right")
        side, middle = self.left - _left(self.panel) + SMALL, self.bottom + self.panel.height / 2
        label = letters.fitting(axis.label, SMALL, self.panel.height)
        self.sheet.words(side, middle, label, across="center", upright=True)


def _draw(sheet: Sheet, mark: Line | Dots, x: Any, y: Any, clip: Any = None) -> None:
    if isinstance(mark, Dots):
        sheet.dots(x, y, mark.color, mark.radius, alpha=mark.opacity, shape=mark.shape, clip=clip)
        return
    sheet.line(x, y, mark.color, mark.width, dashed=mark.dashed, clip=clip)
    if mark.dots:
        sheet.dots(x, y, mark.color, 3, clip=clip)


def _legend(page: Page) -> dict[str, list[Line | Dots]]:
    """Return the marks that have a label, by their label."""
    found: dict[str, list[Line | Dots]] = {}
    for mark in chain.from_iterable(panel.marks for row in page.rows for panel in row):
        if isinstance(mark, Line | Dots) and mark.label:
            found.setdefault(mark.label, []).append(mark)
    return found


def _draw_legend(sheet: Sheet, legend: "Mapping[str, Sequence[Line | Dots]]", left: float, middle: float) -> None:
    y = middle + len(legend) * SMALL * LINE / 2
    for label, marks in legend.items():
        y -= SMALL * LINE
        height = y + SMALL * MIDDLE
        for mark in marks:
            x = [left, left + SAMPLE] if isinstance(mark, Line) else [left + SAMPLE / 2]
            _draw(sheet, mark, x, [height] * len(x))
        sheet.words(left + SAMPLE + 6, y, label)


def _name_width(name: str) -> float:
    return letters.width(name, SMALL)


def _left(panel: Panel) -> int:
    """Return the room that names and label need on the left of a panel [px]."""
    return int(TICK + 3 + max(map(_name_width, panel.up.names), default=0) + 6 + SMALL * LINE)


def _bottom(panel: Panel) -> int:
    """Return the room that names and label need below a panel [px]."""
    names = max(map(_name_width, panel.across.names), default=0) if panel.across.upright else SMALL
    return int(TICK + 3 + names + 6 + SMALL * LINE)


def _overhang(page: Page) -> float:
    """Return how far the last name across may stand out [px]."""
    last = chain.from_iterable(row[-1].across.names[-1:] for row in page.rows if not row[-1].across.upright)
    return max(map(_name_width, last), default=0.0) / 2
