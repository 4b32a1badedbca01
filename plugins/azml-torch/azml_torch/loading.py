"""Epochs: one iteration over the training data loader each."""

import weakref
from typing import Any

from torch.utils.data import IterableDataset

_MOST = 8


class Iteration:
    """One ``iter(DataLoader)``.

    Attributes
    ----------
    batch_size : int or None
        That of the loader.
    batches : int or None
        Its length, where it has one; a stream is not asked, because it remembers that it was.
    """

    __slots__ = ("_alive", "batch_size", "batches")

    def __init__(self, iterator: Any, loader: Any) -> None:
        self._alive = weakref.ref(iterator)
        self.batch_size: int | None = loader.batch_size
        self.batches = None if isinstance(loader.dataset, IterableDataset) else _length(loader)

    @property
    def alive(self) -> bool:
        """Whether somebody still holds the iterator: a ``for`` lets go of it at its end."""
        return self._alive() is not None

    def is_of(self, other: "Iteration") -> bool:
        """Tell whether both are turns of one iterator, as persistent workers make them."""
        return self._alive() is not None and self._alive() is other._alive()  # noqa: SLF001 - of the same class


def _length(loader: Any) -> int | None:
    try:
        return len(loader)
    except Exception:  # noqa: BLE001 - a user's sampler may raise anything
        return None


class Loading:
    """What one thread iterates over.

    Attributes
    ----------
    training : Iteration or None
        That of the epoch under way.
    """

    def __init__(self) -> None:
        self.training: Iteration | None = None
        self.fresh: list[Iteration] = []

    def begin(self, iteration: Iteration) -> None:
        """Hear of a new iteration."""
        self.fresh.append(iteration)
        del self.fresh[:-_MOST]

    def step(self) -> None:
        """Hear of a step: what is iterated over now is training data.

        An iteration that begins while that of the epoch goes on is another loader: validation in the middle, or one
        that is zipped.
        """
        alive = [iteration for iteration in self.fresh if iteration.alive]
        self.fresh.clear()
        if not alive:
            return
        newest = alive[-1]
        if self.training is None or not self.training.alive or newest.is_of(self.training):
            self.training = newest

    def epoch(self) -> Iteration | None:
        """Return the iteration that a step belongs to, or None where nobody iterates any more."""
        return self.training if self.training is not None and self.training.alive else None

    def evaluating(self) -> Iteration | None:
        """Return the iteration that an evaluation belongs to, or None for one of its own."""
        return next((iteration for iteration in reversed(self.fresh) if iteration.alive), None)
