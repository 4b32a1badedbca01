"""Norm and histogram of many tensors, measured on their devices and read back together."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

MOST_VALUES = 1 << 16
"""Values of one tensor that its histogram is made of; of more, evenly chosen ones."""
AT_ONCE = 1 << 21
"""Values whose histograms are made together: an operation for each of a thousand tensors takes its time."""
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
        values = [_real(tensor) for tensor in tensors]
        by_device: dict[torch.device, list[int]] = {}
        for place, one in enumerate(values):
            by_device.setdefault(one.device, []).append(place)
        found: dict[int, Measured] = {}
        for places in by_device.values():
            rows = torch.cat([_rows(some, bins) for some in _together([values[place] for place in places])])
            found |= zip(places, map(_told, rows.tolist()), strict=True)  # the one time that the device is waited for
    return [found[place] for place in range(len(values))]


def _together(values: list[Tensor]) -> Iterator[list[Tensor]]:
    """Yield tensors in groups of about so many values, in their order."""
    group: list[Tensor] = []
    size = 0
    for one in values:
        if group and size + min(one.numel(), MOST_VALUES) > AT_ONCE:
            yield group
            group, size = [], 0
        group.append(one)
        size += min(one.numel(), MOST_VALUES)
    if group:
        yield group


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


def _rows(values: list[Tensor], bins: int) -> Tensor:
    """Return what is measured, a row for each tensor, without waiting for the device."""
    device = values[0].device
    wide = torch.float32 if device.type == "mps" else torch.float64
    shown = [one[:: -(-one.numel() // MOST_VALUES)] for one in values]
    norms = torch.stack([torch.linalg.vector_norm(one, dtype=wide) for one in values])
    lengths = torch.tensor([len(one) for one in shown]).to(device, non_blocking=True)
    flat = torch.cat(shown)
    owner = torch.arange(len(shown), device=device).repeat_interleave(lengths, output_size=len(flat))
    finite = flat.isfinite()
    low, high = (
        flat.new_full((len(shown),), none).scatter_reduce_(0, owner, torch.where(finite, flat, none), which)
        for none, which in ((math.inf, "amin"), (-math.inf, "amax"))
    )
    share = ((flat - low[owner]) / (high - low)[owner]).nan_to_num(0.0, 0.0, 0.0)  # all alike: all in the first bin
    places = owner * bins + (share * bins).clamp(0, bins - 1).long()
    counts = torch.zeros(len(shown) * bins, dtype=torch.long, device=device).scatter_add_(0, places, finite.long())
    numbers = torch.stack([norms, low.to(wide), high.to(wide), _nonfinite(values, owner, finite).to(wide)], 1)
    return torch.cat([numbers, counts.view(-1, bins).to(wide)], 1)


def _nonfinite(values: list[Tensor], owner: Tensor, finite: Tensor) -> Tensor:
    """Return how many values of each tensor are not finite, also of those that are thinned for their histogram."""
    counts = torch.zeros(len(values), dtype=torch.long, device=owner.device).scatter_add_(0, owner, (~finite).long())
    for place, one in enumerate(values):
        if one.numel() > MOST_VALUES:
            counts[place] = one.numel() - one.isfinite().sum()
    return counts


def _told(numbers: list[float]) -> Measured:
    norm, low, high, nonfinite = numbers[:NUMBERS]
    return Measured(norm, low, high, int(nonfinite), [int(count) for count in numbers[NUMBERS:]])


def _short(edge: float) -> float:
    return float(f"{edge:.{DIGITS}g}")
