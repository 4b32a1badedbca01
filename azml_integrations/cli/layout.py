"""Which columns of a table a terminal has room for, and how wide each of them is."""

import re
from collections.abc import Sequence
from typing import NamedTuple

GAP = 2
"""Spaces between two columns."""


class Demand(NamedTuple):
    """What a column asks for.

    Attributes
    ----------
    width : int
        Width at which nothing of it is folded or cut [characters].
    least : int
        Width below which it is not pressed [characters].
    rank : int
        0 stays; of the others the highest goes first, the rightmost of several.
    """

    width: int
    least: int
    rank: int = 0


def fitted(demands: Sequence[Demand], room: int) -> dict[int, int]:
    """Return the columns that a terminal has room for, and their widths.

    Parameters
    ----------
    demands : sequence of Demand
        The columns, from the left.
    room : int
        Width of the terminal [characters].

    Returns
    -------
    widths : dict of int to int
        Width of each column that stays, by its place [characters].
    """
    kept = dict(enumerate(demands))
    while total([one.least for one in kept.values()]) > room:
        rank, place = max((one.rank, place) for place, one in kept.items())
        if not rank:
            break
        del kept[place]
    widths = {place: max(one.least, min(one.width, room)) for place, one in kept.items()}
    while total(list(widths.values())) > room:
        yielding = [place for place, width in widths.items() if width > kept[place].least]
        if not yielding:
            break
        widths[max(yielding, key=widths.__getitem__)] -= 1
    return widths


def total(widths: Sequence[int]) -> int:
    """Return the width of a table of such columns [characters]."""
    return sum(widths) + GAP * max(0, len(widths) - 1)


def broken(title: str, width: int) -> str:
    """Break a title into lines of at most so many characters, where it has places for that: ``mean_``, ``error``."""
    lines = [""]
    for part in re.findall(r".+?(?:[ _./:-]+|$)", title):
        if lines[-1] and len(lines[-1] + part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)
