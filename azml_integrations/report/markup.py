"""Text and numbers as HTML shows them: nothing that a user, a log or a file name says is ever markup."""

import html
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

_UNSEEN = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")
"""What no document may hold, and what would turn the order of letters around."""

DIGITS = 6
"""Of a float [digits]."""


def visible(text: str) -> str:
    """Return a text with what cannot be seen, line breaks and tabs excepted, shown as an escape."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def escaped(text: object) -> str:
    """Return a text that HTML shows as it is, in an attribute too."""
    return html.escape(visible(str(text)))


def clipped(text: str, most: int) -> str:
    """Return a text, or its beginning and how long it is where it has more letters than that."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def number(value: object) -> str:
    """Return a value in few characters."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.{DIGITS}g}"
    return f"{value:,}" if type(value) is int and abs(value) >= 100_000 else str(value)  # noqa: PLR2004 - 20000 is read easily


def moment(at: float | None) -> str:
    """Return a moment [s since the epoch] to the second, in UTC."""
    if at is None:
        return ""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):  # a journal may say anything
        return repr(at)


def table(
    heads: Iterable[str], rows: Iterable[Iterable[str]], *, numbers: Iterable[int] = (), caption: str = ""
) -> str:
    """Return a table; cells are HTML already, the first of each row is its head.

    Parameters
    ----------
    heads : iterable of str
        Titles of the columns, plain text.
    rows : iterable of iterable of str
        Cells.
    numbers : iterable of int
        Columns that are set to the right, from 0.
    caption : str
        What the table is, plain text.
    """
    right = frozenset(numbers)
    titles = "".join(_cell("th", place, escaped(title), right, ' scope="col"') for place, title in enumerate(heads))
    lines = "".join(f"<tr>{_row(cells, right)}</tr>" for cells in rows)
    above = f"<caption>{escaped(caption)}</caption>" if caption else ""
    return (
        f'<div class="azml-wide" tabindex="0"><table>{above}<thead><tr>{titles}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _row(cells: Iterable[str], right: frozenset[int]) -> str:
    return "".join(
        _cell("td" if place else "th", place, cell, right, "" if place else ' scope="row"')
        for place, cell in enumerate(cells)
    )


def _cell(tag: str, place: int, content: str, right: frozenset[int], more: str) -> str:
    return f"<{tag}{more}{' class=azml-n' if place in right else ''}>{content}</{tag}>"


def pairs(facts: Mapping[str, object], most: int) -> str:
    """Return names and values as a list of terms; values are cut after so many letters."""
    terms = "".join(
        f"<div><dt>{escaped(clipped(name, most))}</dt><dd>{escaped(clipped(str(value), most))}</dd></div>"
        for name, value in facts.items()
    )
    return f"<dl>{terms}</dl>"
