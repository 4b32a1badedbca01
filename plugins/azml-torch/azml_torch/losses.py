"""Which numbers are losses, how they are called, and which of them are trained on.

A criterion that was called is a loss of the training once a backward pass has gone through it; one that no backward
pass goes through is an evaluation. Nodes of the graph are known by their sequence number, so nothing of the graph is
kept alive.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import msgspec

LOSS = "loss"
"""Name of a loss that has no other."""

_SCALES = frozenset(
    {
        "AliasBackward0",
        "CloneBackward0",
        "DivBackward0",
        "MulBackward0",
        "SqueezeBackward0",
        "ToCopyBackward0",
        "UnsqueezeBackward0",
        "ViewBackward0",
    }
)
"""Nodes behind which a loss is the same one, times a factor: gradient accumulation, mixed precision."""

_REDUCES = frozenset({"MeanBackward0", "MeanBackward1", "SumBackward0", "SumBackward1"})
_LEAF = "torch::autograd::AccumulateGrad"
_MOST_NODES = 4096


class Loss(msgspec.Struct, eq=False, gc=False):  # made at each step: a third of the cost of a plain class
    """One value of a loss.

    Attributes
    ----------
    name : str
        Of the criterion.
    reading : float, Later or None
        The value; None when it is not reduced to one number.
    samples : int
        Size of the first dimension of the input; 0 where there is none.
    node : int
        Sequence number of its node in the graph.
    born : int
        How many steps this thread had made then.
    turn : int
        Which backward pass of this step went through it, from 1; 0 for none.
    divisor : float
        By what a loss written by hand was divided at last; 1 for nothing.
    """

    name: str
    reading: Any  # a Reading; msgspec would look into the types of a union
    samples: int
    node: int
    born: int
    turn: int = 0
    divisor: float = 1.0


def below(root: Any, pending: Sequence[Loss]) -> list[Loss]:
    """Return the losses that a backward pass from a node goes through.

    Parameters
    ----------
    root : node of the graph
        Where it begins.
    pending : list of Loss
        Those that are known.
    """
    wanted = {loss.node: loss for loss in pending}
    first = min(wanted, default=None)
    found: list[Loss] = []
    if first is None:
        return found
    seen, stack = set(), [root]
    while stack and len(seen) < _MOST_NODES:
        node = stack.pop()
        number = _number(node)
        if number in seen:
            continue
        seen.add(number)
        if number in wanted:
            found.append(wanted[number])
        elif number > first:  # a node is younger than what it was made from
            stack += _inputs(node)
    return found


def is_scaled(root: Any, loss: Loss) -> bool:
    """Tell whether a node is that of a loss, times a factor."""
    return any(_number(node) == loss.node for node in _chain(root, _SCALES))


def is_reduced(root: Any, loss: Loss) -> bool:
    """Tell whether a node is the mean or sum of a criterion's values, times a factor."""
    return any(_number(node) == loss.node for node in _chain(root, _SCALES | _REDUCES))


def divisor_of(root: Any) -> float:
    """Return the number by which a loss was divided at last; 1 where it was not, or where only the device knows."""
    if root.name() != "DivBackward0":
        return 1.0
    other = root._saved_other  # noqa: SLF001 - the documented door to what a node saves
    return float(other) if other is not None and other.is_cpu and other.dim() == 0 else 1.0


def name_of(root: Any) -> str:
    """Return the name of a loss by its node: the criterion's, if it was called under a name we do not see."""
    for node in _chain(root, _SCALES | _REDUCES):
        name = _criterion(node.name())
        if name == "nll_loss" and any(child.name() == "LogSoftmaxBackward0" for child in _inputs(node)):
            return "cross_entropy"
        if name is not None:
            return name
    return LOSS


@cache
def _criterion(node: str) -> str | None:
    """Return ``mse_loss`` for ``MseLossBackward0``; None where it is no criterion."""
    bare = re.sub(r"(2D|Nd)?Backward\d*$", "", node)
    if "Loss" not in bare and "Entropy" not in bare:
        return None
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", bare).lower()


def _chain(root: Any, passing: frozenset[str]) -> Iterator[Any]:
    """Yield a node, and what lies under it, as long as it is nothing but `passing` nodes of one input each."""
    node = root
    for _ in range(_MOST_NODES):
        yield node
        inputs = [child for child in _inputs(node) if child.name() != _LEAF]
        if node.name() not in passing or len(inputs) != 1:
            return
        node = inputs[0]


def _inputs(node: Any) -> list[Any]:
    return [child for child, _ in node.next_functions if child is not None]


def _number(node: Any) -> int:
    return int(node._sequence_nr())  # noqa: SLF001 - the one identity of a node that does not keep it alive
