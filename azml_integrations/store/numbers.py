"""Numbers that are given once: a run's in its experiment, a version of a model."""

import os
from pathlib import Path


def claim(folder: Path, known: int = 0) -> int:
    """Claim the next number: files ``1`` to ``n`` are there, the first that can be created is ours.

    Parameters
    ----------
    folder : Path
        Where the files lie; it is there.
    known : int, default=0
        A number that was given already: where the search begins.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    number = _first_free(folder, known)
    while True:
        try:
            os.close(os.open(folder / str(number), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        except FileExistsError:
            number += 1
        else:
            return number


def _first_free(folder: Path, known: int) -> int:
    """Return the first number that is not there, by doubling and halving: numbers are given without gaps."""
    low = known if (folder / str(known)).exists() else 0  # the folder may be another one meanwhile
    step = 1
    while (folder / str(low + step)).exists():
        low, step = low + step, step * 2
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if (folder / str(middle)).exists() else (low, middle)
    return high
