"""ROC curve and confusion matrix, drawn without touching pyplot or anything else that is global."""

from typing import TYPE_CHECKING, Any

from .training import Judged, roc

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CURVES = 20
"""One-vs-rest curves that can still be told apart."""
MOST_CLASSES = 60
"""Classes whose confusion matrix can still be read."""
MOST_NUMBERS = 20
"""Classes up to which the cells carry their counts."""
BINARY = 2


def roc_curve(judged: Judged, title: str) -> "Figure | str":
    """Draw the ROC curve; one-vs-rest for more than two classes.

    Returns
    -------
    Figure or str
        A sentence where there is nothing to draw.
    """
    import numpy as np

    classes, ranked = judged.classes, judged.score if judged.probability is None else judged.probability
    if classes is None or ranked is None:
        return "no ROC curve: the model gives neither probabilities nor a decision function for single classes"
    present = set(np.unique(judged.y).tolist())
    if len(classes) < BINARY or len(present) < BINARY:
        return "no ROC curve: there is only one class"
    columns = [(classes[1], ranked if ranked.ndim == 1 else ranked[:, 1])]
    if len(classes) > BINARY:
        if ranked.ndim == 1 or ranked.shape[1] != len(classes):
            return "no ROC curve: the decision function compares pairs of classes (one-vs-one)"
        columns = [(label, ranked[:, place]) for place, label in enumerate(classes) if label in present]
    if len(columns) > MOST_CURVES:
        return f"no ROC curve: {len(columns)} classes are more than {MOST_CURVES} curves can show"
    figure, axes = _page(title, "False positive rate", "True positive rate")
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, linestyle="--")
    for label, values in columns:
        false, true, area = roc(judged.y == label, values, judged.weight)
        axes.plot(false, true, linewidth=1.4, label=f"{_plain(label)} (AUC = {area:.3f})")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    axes.legend(loc="lower right", fontsize=7, frameon=False)
    return figure


def confusion_matrix(judged: Judged, title: str) -> "Figure | str":
    """Draw how often each class is taken for each other one.

    Returns
    -------
    Figure or str
        A sentence where there is nothing to draw.
    """
    from sklearn import metrics

    if judged.classes is None:
        return "no confusion matrix: the model has no single list of classes"
    if len(judged.classes) > MOST_CLASSES:
        return f"no confusion matrix: {len(judged.classes)} classes are too many to read"
    counts = metrics.confusion_matrix(judged.y, judged.predicted, labels=judged.classes, sample_weight=judged.weight)
    labels = [_plain(label) for label in judged.classes]
    figure, axes = _page(title, "Predicted", "True", most_letters=max(map(len, labels)))
    rows = counts.sum(axis=1, keepdims=True)
    shade = counts / rows.clip(min=1e-300)
    axes.imshow(shade, cmap="Blues", vmin=0, vmax=1)  # dark: a large share of the true class
    ticks = range(len(judged.classes))
    axes.set_xticks(ticks, labels, fontsize=7, rotation=90 if max(map(len, labels)) > 3 else 0)  # noqa: PLR2004 - fits
    axes.set_yticks(ticks, labels, fontsize=7)
    if len(labels) <= MOST_NUMBERS:
        for row in ticks:
            for column in ticks:
                color = "white" if shade[row, column] > 0.5 else "black"  # noqa: PLR2004 - half dark
                axes.text(column, row, f"{counts[row, column]:g}", ha="center", va="center", fontsize=7, color=color)
    return figure


def _page(title: str, across: str, up: str, most_letters: int = 3) -> "tuple[Figure, Axes]":
    """Return a figure with axes that leave room for their labels; a layout engine takes longer than the picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 4.6), dpi=110)
    FigureCanvasAgg(figure)
    margin = 0.08 + 0.012 * most_letters
    axes = figure.add_axes((margin, margin, 0.96 - margin, 0.92 - margin))
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(across, fontsize=8)
    axes.set_ylabel(up, fontsize=8)
    axes.tick_params(labelsize=7)
    return figure, axes


def _plain(label: Any) -> str:
    """Return a class label as text that matplotlib does not take for mathematics."""
    text = str(label)
    return (text if len(text) <= 20 else f"{text[:19]}…").replace("$", r"\$")  # noqa: PLR2004 - a legend's width
