"""How often each class is taken for each other one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .judged import confusion
from .legible import MOST_ROWS, distinct
from .page import SIDE, Cells, Page, Panel, Table, places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .judged import Judged
    from .page import Array

NAME, TITLE = "confusion_matrix", "Confusion matrix"
MOST_CLASSES = 60
"""Classes whose confusion matrix can still be read."""
MOST_NUMBERS = 20
"""Classes up to which the cells carry their counts."""


@dataclass(frozen=True)
class Matrix:
    """Counts of shape (n, n), a row for each true class, a column for each predicted one."""

    classes: "Sequence[Any] | Array"
    counts: "Array"


def facts(judged: "Judged | None") -> Matrix | str | None:
    """Return the counts; or why there are none."""
    if judged is None or not judged.classifies:
        return None
    if judged.classes is None:
        return "the model has no single list of classes"
    many = len(judged.classes)
    if many > MOST_CLASSES:
        return f"{many} classes are too many to read"
    right, said = judged.places(judged.y), judged.places(judged.predicted)
    if right is None or said is None:
        return "some answers are none of the classes"
    return Matrix(judged.labels, confusion(right, said, many, judged.weight))


def page(matrix: Matrix, title: str) -> Page:
    """Draw the counts; dark is a large share of the true class."""
    labels = distinct(matrix.classes)
    shade = matrix.counts / matrix.counts.sum(axis=1, keepdims=True).clip(min=1e-300)
    texts = [[f"{count:g}" for count in row] for row in matrix.counts.tolist()] if len(labels) <= MOST_NUMBERS else ()
    across, up = places("Predicted", labels, SIDE), places("True", labels, SIDE, across=False, backwards=True)
    return Page(title, [[Panel(across, up, [Cells(shade, texts)])]])


def table(matrix: Matrix) -> Table:
    """Return the cells that are not empty, the fullest ones where they are many."""
    import numpy as np

    true, predicted = np.nonzero(matrix.counts)
    counts = matrix.counts[true, predicted]
    if len(counts) > MOST_ROWS:
        fullest = np.sort(np.argsort(-counts, kind="stable")[:MOST_ROWS])
        true, predicted, counts = true[fullest], predicted[fullest], counts[fullest]
    names = [str(label) for label in matrix.classes]
    return {
        "true": [names[place] for place in true],
        "predicted": [names[place] for place in predicted],
        "count": counts.tolist(),
    }
