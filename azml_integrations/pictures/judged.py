"""What a model says about rows of which it is known what is right: the noun of which pictures and metrics are made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..host import computed_once
from .ranking import Side

if TYPE_CHECKING:
    from .page import Array

BINARY = 2


@dataclass(frozen=True)
class Judged:
    """A model's answers about data, beside what is right.

    Attributes
    ----------
    rows : int
        Rows judged.
    of : int
        Rows that the data have; more than `rows` where they were thinned.
    y, predicted : array of shape (rows,) or (rows, n_outputs)
        What is right, and what the model says; classes, or numbers.
    weight : array of shape (rows,) or None
        How much each row counts.
    classifies : bool
        Whether it is a classifier.
    classes : array or None
        The classes of a classifier with one target, sorted.
    probability, score : array of shape (rows, n_classes) or None
        How likely each class is, or how it is ranked, a column for each class; of two classes the ranks of the second
        one, of shape (rows,), are enough. Either may be missing.
    pairs : bool
        Whether the columns of `score` compare pairs of classes, instead of one with the rest.
    of_interest : int
        Of two classes, the place of the one that is found or missed.
    names : sequence of str or None
        What the classes are called in pictures and tables, if not by themselves.
    """

    rows: int
    of: int
    y: "Array"
    predicted: "Array"
    weight: "Array | None"
    classifies: bool = False
    classes: "Array | None" = None
    probability: "Array | None" = None
    score: "Array | None" = None
    pairs: bool = False
    of_interest: int = 1
    names: Sequence[str] | None = None

    @property
    def labels(self) -> Sequence[Any]:
        """What the classes are called."""
        return self.classes if self.names is None else self.names  # type: ignore[return-value]

    def places(self, values: "Array") -> "Array | None":
        """Return the place of each value among the classes, or None when one of them is no class."""
        import numpy as np

        if self.classes is None or values.ndim != 1:
            return None
        found = np.searchsorted(self.classes, values).clip(max=len(self.classes) - 1)
        return found if bool(np.all(self.classes[found] == values)) else None

    def ranking(self) -> "Array | str":
        """Return how likely each row is of each class (of two: of the second), in columns; or why that is not known."""
        if self.classes is None:
            return "the model has no single list of classes"
        many, given = len(self.classes), self.score if self.probability is None else self.probability
        if many < BINARY:
            return "there is only one class"
        if given is None:
            return "the model gives neither probabilities nor a decision function"
        if many == BINARY:
            return given.reshape(len(given), -1)[:, -1:]
        if self.pairs or given.shape != (len(given), many):
            return "the decision function compares pairs of classes (one-vs-one)"
        return given

    @computed_once
    def sides(self) -> "tuple[Side, ...] | str":
        """Each class that has rows against the others (of two classes: the second); or why that cannot be."""
        import numpy as np

        ranked = self.ranking()
        if self.classes is None or isinstance(ranked, str):
            return str(ranked)
        there = np.flatnonzero(np.isin(self.classes, self.y)).tolist()
        if len(there) < BINARY:
            return "there is only one class"
        columns = {place: ranked[:, place] for place in there} if ranked.shape[1] > 1 else self._column(ranked[:, 0])
        return tuple(
            Side(self.labels[place], self.y == self.classes[place], column, self.weight)
            for place, column in columns.items()
        )

    def _column(self, ranked: "Array") -> "dict[int, Array]":
        return {self.of_interest: ranked if self.of_interest else -ranked}


def confusion(right: "Array", said: "Array", many: int, weight: Any) -> Any:
    """Return how often each class (row) was taken for each (column), from the classes' places."""
    import numpy as np

    return np.bincount(right * many + said, weights=weight, minlength=many * many).reshape(many, many)
