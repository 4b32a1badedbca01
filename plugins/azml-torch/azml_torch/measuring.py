"""Norm and histogram of many tensors, measured on their devices and read back together."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

MOST_VALUES = 1 << 20
"""Values of one tensor that its histogram is made of; of more, evenly chosen ones."""
DIGITS = 6
"""Of the edges of a histogram."""
NUMBERS = 4
"""Norm, least, greatest, and how many are not finite: what comes before the counts."""


@dataclass(frozen=True)
class Measured:
    """What is known about the values of a tensor.

    Attributes
    ----------
    norm : float
        Their Euclidean norm; not finite where one of them is not.
    low, high : float
        The least and the greatest finite one.
    nonfinite : int
        How many are NaN or infinite.
    counts : sequence of int
        Finite values in each of so many bins of equal width from `low` to `high`.
    """

    norm: float
    low: float
    high: float
    nonfinite: int
    counts: Sequence[int]

    def table(self, step: int | None) -> dict[str, list[float | int | None]]:
        """Return the bins that are not empty: where each begins and ends, and how many values are in it."""
        filled = [(place, count) for place, count in enumerate(self.counts) if count]
        width = (self.high - self.low) / len(self.counts)
        return {
            "step": [step] * len(filled),
            "from": [_short(self.low + place * width) for place, _ in filled],
            "to": [_short(self.low + (place + 1) * width) for place, _ in filled],
            "count": [count for _, count in filled],
        }


def measured(tensors: Iterable[Tensor], bins: int) -> list[Measured]:
    """Measure tensors, which may be sparse, complex, of few bits, and on several devices.

    Each device is waited for once.

    Parameters
    ----------
    tensors : iterable of Tensor
        None of them empty.
    bins : int
        Of each histogram.

    Returns
    -------
    list of Measured
        One for each.
    """
    with torch.no_grad():
        numbers = [_numbers(_real(tensor), bins) for tensor in tensors]
        by_device: dict[torch.device, list[int]] = {}
        for place, one in enumerate(numbers):
            by_device.setdefault(one.device, []).append(place)
        found: dict[int, list[float]] = {}
        for places in by_device.values():
            there = torch.stack([numbers[place] for place in places])
            found |= zip(places, there.tolist(), strict=True)  # the one time that the device is waited for
    return [_told(found[place]) for place in range(len(numbers))]


def _real(tensor: Tensor) -> Tensor:
    """Return the values of a tensor that are stored here, as real numbers in a row."""
    values = tensor.detach()
    if hasattr(values, "to_local"):  # of a tensor that is spread over processes, the part of this one
        values = values.to_local()
    if values.is_sparse:
        values = values.coalesce().values()
    elif values.layout is not torch.strided:
        values = values.to_dense()
    if values.is_complex():
        values = torch.view_as_real(values.resolve_conj())
    values = values.reshape(-1)
    return values if values.dtype in (torch.float32, torch.float64) else values.float()


def _numbers(values: Tensor, bins: int) -> Tensor:
    """Return what is measured as one row, without waiting for the device."""
    wide = torch.float32 if values.device.type == "mps" else torch.float64
    norm = torch.linalg.vector_norm(values, dtype=wide)
    there = values.isfinite()
    nonfinite = values.numel() - there.sum()
    every = -(-values.numel() // MOST_VALUES)
    shown, finite = values[::every], there[::every]
    low = torch.where(finite, shown, math.inf).min()
    high = torch.where(finite, shown, -math.inf).max()
    share = ((shown - low) / (high - low)).nan_to_num(0.0, 0.0, 0.0)  # all alike: everything in the first bin
    places = (share * bins).clamp(0, bins - 1).long()
    counts = torch.zeros(bins, dtype=torch.long, device=values.device).scatter_add_(0, places, finite.long())
    return torch.cat([torch.stack([norm, low.to(wide), high.to(wide), nonfinite.to(wide)]), counts.to(wide)])


def _told(numbers: list[float]) -> Measured:
    norm, low, high, nonfinite = numbers[:NUMBERS]
    return Measured(norm, low, high, int(nonfinite), [int(count) for count in numbers[NUMBERS:]])


def _short(edge: float) -> float:
    return float(f"{edge:.{DIGITS}g}")
