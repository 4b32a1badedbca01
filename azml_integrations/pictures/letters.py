"""Words as outlines. Each letter is shaped once per process: matplotlib shapes every word anew, 1 ms a word."""

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

FONT = "DejaVu Sans"
"""Comes with matplotlib, so a picture looks the same on each machine, whatever the user's settings are."""
OTHERS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "WenQuanYi Micro Hei",
    "Hiragino Sans",
    "PingFang SC",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Arial Unicode MS",
    "Noto Emoji",
    "Symbola",
)
"""Where letters are looked for that `FONT` has not."""
UNITS = 100
MOST_LETTERS = 8
"""Letters of a word's middle that make way for one: how `fitting` steps."""


def width(words: str, size: float) -> float:
    """Return how wide words are [px] in letters of a size [px]."""
    return size * _word(words)[2]


def outline(words: str, size: float) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], float]":
    """Return vertices [px from the start of the base line], path codes, and the width of words."""
    vertices, codes, wide = _word(words)
    return vertices * size, codes, wide * size


@functools.lru_cache(maxsize=1024)  # ticks, labels and small counts are the same on page after page
def _word(words: str) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], float]":
    import numpy as np

    vertices, codes, at = [np.empty((0, 2))], [np.empty(0, np.uint8)], 0.0
    for letter in readable(words):
        shape, how, advance = _glyph(letter)
        vertices.append(np.add(shape, (at, 0.0)))
        codes.append(how)
        at += advance
    return np.concatenate(vertices), np.concatenate(codes), at


@functools.lru_cache(maxsize=4096)
def readable(words: str) -> str:
    """Return words with each letter that no font here has written as its code, by which it is still told apart."""
    return "".join(
        letter if _family(letter) else letter.encode("unicode_escape").decode() for letter in " ".join(words.split())
    )


def wrapped(words: str, size: float, room: float) -> list[str]:
    """Return words in lines that fit into a room [px]; a word that is wider loses its middle."""
    lines: list[str] = []
    for word in words.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(fitting(word, size, room))
    return lines


def fitting(words: str, size: float, room: float) -> str:
    """Return words as they are where they fit into a room [px], else without so much of their middle."""
    keep = len(words)
    short = words
    while keep > MOST_LETTERS and width(short, size) > room:
        keep -= max(1, keep // MOST_LETTERS)
        short = without_middle(words, keep)
    return short


def without_middle(text: str, most: int) -> str:
    """Return a text, or its beginning and end where it has more letters than that."""
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-((most - 1) // 2) :]}"


@functools.lru_cache(maxsize=4096)
def _glyph(letter: str) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], float]":
    """Return vertices and codes of a letter of size 1, and how far it moves the pen."""
    import numpy as np
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(family=_family(letter) or FONT)
    bar = TextPath((0, 0), "|", size=UNITS, prop=font).vertices
    with_bar = TextPath((0, 0), f"{letter}|", size=UNITS, prop=font)  # a blank alone has no outline to be made
    advance = with_bar.vertices[-len(bar), 0] - bar[0, 0]
    shape = with_bar.vertices[: -len(bar)] / UNITS
    return shape, np.asarray(with_bar.codes[: -len(bar)], np.uint8), float(advance) / UNITS


@functools.lru_cache(maxsize=4096)
def _family(letter: str) -> str | None:
    if letter.isascii():
        return FONT if letter.isprintable() else None
    return next((family for family in (FONT, *_others()) if ord(letter) in _letters_of(family)), None)


@functools.cache
def _others() -> tuple[str, ...]:
    from matplotlib.font_manager import fontManager

    there = {font.name for font in fontManager.ttflist}
    return tuple(family for family in OTHERS if family in there)


@functools.cache
def _letters_of(family: str) -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties(family=family))).get_charmap())
