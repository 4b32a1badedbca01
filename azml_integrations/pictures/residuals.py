"""What a regressor says, beside what was true."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .legible import thinned
from .page import GREY, Dots, Line, Page, Panel, Table, scale

if TYPE_CHECKING:
    from .judged import Judged
    from .page import Array

NAME, TITLE = "residuals", "Predictions and residuals"
MOST_OUTPUTS = 4
"""Targets that are drawn: the first ones."""
MOST_DOTS = 2000
SIDE = 300
"""Side of a panel [px]."""


@dataclass(frozen=True)
class Output:
    """One target.

    Attributes
    ----------
    number : int
        Which one, from 0.
    of : int
        Targets that the model has.
    rows : array of shape (n,)
        Rows of the data that are shown, evenly chosen.
    true, predicted : array of shape (n,)
        Their values.
    """

    number: int
    of: int
    rows: "Array"
    true: "Array"
    predicted: "Array"


def facts(judged: "Judged | None") -> list[Output] | str | None:
    """Return the targets, thinned evenly where there are many rows."""
    import numpy as np

    if judged is None or judged.classifies:
        return None
    y = judged.y.reshape(judged.rows, -1).astype(float)
    predicted = judged.predicted.reshape(y.shape).astype(float)
    most = min(judged.rows, MOST_DOTS)
    rows = np.linspace(0, judged.rows - 1, most).astype(np.intp)
    shown = range(min(y.shape[1], MOST_OUTPUTS))
    return [Output(number, y.shape[1], rows, y[rows, number], predicted[rows, number]) for number in shown]


def page(outputs: list[Output], title: str) -> Page:
    """Draw for each target what was true, and how far off it was, against what the model says."""
    if outputs[0].of > len(outputs):
        title += f", the first {len(outputs)} of {outputs[0].of} targets"
    return Page(title, [_row(output) for output in outputs])


def table(outputs: list[Output]) -> Table:
    """Return rows with their residuals; of several targets, the first column says which."""
    table: Table = {"row": [], "true": [], "predicted": [], "residual": []}
    numbers: list[int] = []
    for output in outputs:
        kept = thinned(len(output.rows), len(outputs))
        true, predicted = output.true[kept], output.predicted[kept]
        numbers += [output.number] * len(kept)
        columns = (output.rows[kept], true, predicted, true - predicted)
        for name, column in zip(table, columns, strict=True):
            table[name] += column.tolist()
    return table if outputs[0].of == 1 else {"output": numbers} | table


def _row(output: Output) -> list[Panel]:
    import numpy as np

    of = f" {output.number}" if output.of > 1 else ""
    across = scale(f"Predicted{of}", output.predicted, room=SIDE)
    true, wrong = scale(f"True{of}", output.true), output.true - output.predicted
    ends, level = np.array([across.low, across.high]), np.zeros(2)
    panels = (true, output.true, ends), (scale(f"Residual{of}", wrong, level), wrong, level)
    return [
        Panel(across, up, [Dots(output.predicted, dots), Line(ends, right, GREY, dashed=True, width=1)], SIDE, SIDE)
        for up, dots, right in panels
    ]
