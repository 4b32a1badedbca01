"""Timings in, Markdown out."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from arena import OURS, Entrant


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, and a cell for each contestant that has one."""

    what: str
    cells: dict[Entrant, str]


@dataclass(frozen=True)
class Budget:
    """What we promised ourselves, and what came out."""

    what: str
    limit: str
    measured: str
    kept: bool


@dataclass
class Report:
    """What the cases found so far.

    Attributes
    ----------
    ours : Entrant
        The contestant that the others are compared with.
    """

    ours: Entrant = OURS
    rows: list[Row] = field(default_factory=list)
    budgets: list[Budget] = field(default_factory=list)

    def times(self, what: str, blocks: dict[Entrant, list[list[int]]], *, tail: bool = True) -> None:
        """A row of medians, with its multiple of ours, and one of p99.9."""
        calls = {entrant: pooled(taken) for entrant, taken in blocks.items()}
        ours = calls.get(self.ours)
        self.rows.append(Row(f"{what}, p50", {e: compared(c, ours) for e, c in calls.items()}))
        if tail:
            self.rows.append(Row(f"{what}, p99.9", {e: extreme(c) for e, c in calls.items()}))

    def budget(self, what: str, measured: float, limit: float, unit: str, *, at_least: bool = False) -> None:
        """A line of the second table."""
        kept = measured >= limit if at_least else measured <= limit
        bound = f"{'≥' if at_least else '≤'} {number(limit)} {unit}"
        self.budgets.append(Budget(what, bound, f"{number(measured)} {unit}", kept))

    def markdown(self, entrants: Sequence[Entrant], notes: Iterable[str]) -> str:
        """Both tables, the conditions before them and the notes after them."""
        machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
        parts = [f"Measured in one run on {machine}. In parentheses: how many times as long as ours."]
        if self.budgets:
            lines = [[b.what, b.limit, b.measured, "yes" if b.kept else "**no**"] for b in self.budgets]
            parts.append(table(["ours", "budget", "measured", "kept"], lines))
        lines = [[row.what, *(row.cells.get(entrant, "–") for entrant in entrants)] for row in self.rows]
        parts.append(table(["", *(entrant.head for entrant in entrants)], lines))
        parts.append("\n".join(f"- {note}" for note in notes))
        return "\n\n".join(filter(None, parts)) + "\n"


def table(head: list[str], lines: list[list[str]]) -> str:
    """A Markdown table, its first column to the left."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *lines])


def pooled(blocks: Iterable[list[int]]) -> list[int]:
    """All calls of all blocks, the shortest first."""
    return sorted(call for block in blocks for call in block)


def quantile(ordered: Sequence[int], share: float) -> int:
    """The smallest call that `share` of all calls do not exceed."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def compared(calls: list[int], ours: list[int] | None) -> str:
    """A median, and how many times ours it is."""
    median = quantile(calls, 0.5)
    multiple = "" if ours is None or calls is ours else f" ({number(median / quantile(ours, 0.5))}×)"
    return duration(median) + multiple


def extreme(calls: list[int]) -> str:
    """p99.9, or the longest call where a thousand calls are not there."""
    if len(calls) >= 1000:
        return duration(quantile(calls, 0.999))
    return f"{duration(calls[-1])} (longest of {len(calls):,})"


def duration(nanoseconds: float) -> str:
    """Three digits and a unit that a person would choose."""
    for size, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if nanoseconds >= size:
            return f"{number(nanoseconds / size)} {unit}"
    return f"{number(nanoseconds)} ns"


def number(value: float) -> str:
    """Three digits, or all of a larger whole number."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
