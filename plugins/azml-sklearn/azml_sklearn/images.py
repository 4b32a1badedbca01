"""ROC curve and confusion matrix, drawn without touching pyplot or anything else that is global."""

import textwrap
from typing import TYPE_CHECKING, Any

from .training import Judged, confusion, roc

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CURVES = 20
"""One-vs-rest curves that can still be told apart."""
MOST_CLASSES = 60
"""Classes whose confusion matrix can still be read."""
MOST_NUMBERS = 20
"""Classes up to which the cells carry their counts."""
MOST_INSIDE = 5
"""Curves whose legend leaves the axes readable; that of more stands beside them."""
COLORS = 10
"""Colours of matplotlib's own cycle; the curves after them are dashed."""
LETTERS = (20, 28, 40)
"""A longer label loses its middle; more of it stays where labels would become the same."""
LINE = 60
"""Letters of a title in one line."""
SIDE = 3.9
"""Side of the axes [in]."""
FONT = 7
"""Size of labels [pt]; a letter is about 0.6 of it wide, a line 1.3 high."""


def roc_curve(judged: Judged, title: str) -> "Figure | str":
    """Draw the ROC curve; one-vs-rest for more than two classes.

    Returns
    -------
    Figure or str
        Why there is nothing to draw.
    """
    import numpy as np

    ranked = judged.ranking()
    if judged.classes is None or isinstance(ranked, str):
        return str(ranked)
    present = np.isin(judged.classes, judged.y)
    if present.sum() < 2:  # noqa: PLR2004 - a curve is about two
        return "there is only one class"
    places = [1] if ranked.shape[1] == 1 else np.flatnonzero(present).tolist()
    if len(places) > MOST_CURVES:
        return f"{len(places)} classes are more than {MOST_CURVES} curves can show"
    figure, axes = _page(title, "False positive rate", "True positive rate")
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, linestyle=":")
    labels = distinct(judged.classes)
    for number, place in enumerate(places):
        of_class = ranked[:, 0] if ranked.shape[1] == 1 else ranked[:, place]
        false, true, area = roc(judged.y == judged.classes[place], of_class, judged.weight)
        style = "-" if number < COLORS else "--"
        axes.plot(false, true, linewidth=1.4, linestyle=style, label=f"{labels[place]} (AUC = {area:.3f})")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    if len(places) <= MOST_INSIDE:
        axes.legend(loc="lower right", fontsize=FONT, frameon=False)
    else:
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=FONT, frameon=False)
    return figure


def confusion_matrix(judged: Judged, title: str) -> "Figure | str":
    """Draw how often each class is taken for each other one.

    Returns
    -------
    Figure or str
        Why there is nothing to draw.
    """
    if judged.classes is None:
        return "the model has no single list of classes"
    if len(judged.classes) > MOST_CLASSES:
        return f"{len(judged.classes)} classes are too many to read"
    right, said = judged.places(judged.y), judged.places(judged.predicted)
    if right is None or said is None:
        return "some answers are none of the classes"
    counts = confusion(right, said, len(judged.classes), judged.weight)
    figure, axes = _page(title, "Predicted", "True")
    shade = counts / counts.sum(axis=1, keepdims=True).clip(min=1e-300)
    axes.imshow(shade, cmap="Blues", vmin=0, vmax=1)  # dark: a large share of the true class
    _name_classes(axes, distinct(judged.classes))
    if len(judged.classes) <= MOST_NUMBERS:
        _write_counts(axes, counts, shade)
    return figure


def save(figure: "Figure", file: Any) -> None:
    """Write a figure as PNG, the page cut to what stands on it: ``bbox_inches="tight"`` would draw everything twice."""
    page = figure.get_tightbbox(figure.canvas.get_renderer()).padded(0.08)  # type: ignore[attr-defined]
    figure.savefig(file, format="png", bbox_inches=page)


def distinct(labels: Any) -> list[str]:
    """Return class labels as short texts that differ as the labels do, and are no mathematics to matplotlib."""
    texts = [" ".join(str(label).split()) for label in labels]
    for most in LETTERS:
        short = [_without_middle(text, most) for text in texts]
        if len(set(short)) == len(short):
            break
    else:
        short = [f"{place}: {_without_middle(text, LETTERS[0])}" for place, text in enumerate(texts)]
    return [text.replace("$", r"\$") for text in short]


def _without_middle(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-((most - 1) // 2) :]}"


def _name_classes(axes: "Axes", labels: list[str]) -> None:
    """Label the ticks, as many of them as there is room for, along the axis if they fit."""
    room = SIDE * 72 / len(labels)
    every = -(-FONT * 1.3 // room)
    ticks = range(0, len(labels), int(every))
    shown = [labels[tick] for tick in ticks]
    upright = max(map(len, shown)) * FONT * 0.6 + 2 > room * every
    axes.set_xticks(ticks, shown, fontsize=FONT, rotation=90 if upright else 0)
    axes.set_yticks(ticks, shown, fontsize=FONT)


def _write_counts(axes: "Axes", counts: Any, shade: Any) -> None:
    texts = [[f"{count:g}" for count in row] for row in counts]
    longest = max(len(text) for row in texts for text in row)
    size = min(FONT, SIDE * 72 / len(texts) / (longest * 0.65))
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            color = "white" if shade[row, column] > 0.5 else "black"  # noqa: PLR2004 - half dark
            axes.text(column, row, text, ha="center", va="center", fontsize=size, color=color, in_layout=False)


def _page(title: str, across: str, up: str) -> "tuple[Figure, Axes]":
    """Return a figure with square axes; whoever saves it cuts the page to what stands on it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(SIDE / 0.75, SIDE / 0.85), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.15, 0.1, 0.75, 0.85))
    lines = (
        [title] if len(title) <= LINE else [line for part in title.split(", ") for line in textwrap.wrap(part, LINE)]
    )
    axes.set_title("\n".join(lines), fontsize=9)
    axes.set_xlabel(across, fontsize=8)
    axes.set_ylabel(up, fontsize=8)
    axes.tick_params(labelsize=FONT)
    return figure, axes
