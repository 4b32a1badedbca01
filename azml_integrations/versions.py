"""Ranges of versions as plugins write them, ``>=0.1,<2``: the part of PEP 440 that speaks of releases."""

import re
from collections.abc import Callable, Mapping
from itertools import zip_longest
from operator import eq, ge, gt, le, lt, ne
from typing import Any, NamedTuple

_VERSION = re.compile(r"v?(?P<release>\d+(?:\.\d+)*)(?P<suffix>[a-z0-9.+_-]*)")
_CLAUSE = re.compile(r"(?P<how>~=|==|!=|<=|>=|<|>)\s*(?P<what>[^\s,]+)")
_EARLY = re.compile(r"[._-]?(?:a|b|c|rc|alpha|beta|pre|preview|dev)[._-]?\d*")
_COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": eq,
    "!=": ne,
    "<=": le,
    ">=": ge,
    "<": lt,
    ">": gt,
}


class _Version(NamedTuple):
    release: tuple[int, ...]
    """Without zeros at its end."""
    final: bool
    """False for alphas, betas, candidates and development versions, which sort before their release."""


def allows(wanted: str, version: str) -> bool:
    """Tell whether a range holds a version.

    Parameters
    ----------
    wanted : str
        Clauses between commas, all of which must hold: ``>=0.1,<2``, ``~=1.4``, ``==1.*``; an empty one holds all.
    version : str
        Such as ``0.3.0`` or ``1.0.dev2``. A version before a release is not in ``<`` that release, as in PEP 440.

    Raises
    ------
    ValueError
        If either cannot be read.

    Examples
    --------
    >>> allows(">=0.1,<2", "1.9.3")
    True
    >>> allows(">=0.1,<2", "2.0.dev1")
    False
    """
    found = _version(version)
    return all(_holds(clause.strip(), found) for clause in wanted.split(",") if clause.strip())


def _holds(clause: str, version: _Version) -> bool:
    read = _CLAUSE.fullmatch(clause)
    if read is None:
        raise ValueError(f"{clause!r} is no range of versions; expected one such as '>=0.1,<2'")
    how, what = read["how"], read["what"]
    if what.endswith(".*"):
        if how not in ("==", "!="):
            raise ValueError(f"{clause!r}: only == and != take a version that ends in .*")
        return _begins(version.release, _numbers(what[:-2])) is (how == "==")
    bound = _version(what)
    if how == "~=":
        parts = _numbers(what)
        return version >= bound and _begins(version.release, parts[:-1])
    if how == "<" and bound.final:
        return version.release < bound.release
    return bool(_COMPARED[how](version, bound))


def _begins(release: tuple[int, ...], beginning: tuple[int, ...]) -> bool:
    pairs = zip_longest(release[: len(beginning)], beginning, fillvalue=0)
    return all(ours == theirs for ours, theirs in pairs)


def _version(text: str) -> _Version:
    read = _read(text)
    numbers = [int(number) for number in read["release"].split(".")]
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    return _Version(tuple(numbers), final=_EARLY.match(read["suffix"]) is None)


def _numbers(text: str) -> tuple[int, ...]:
    """Return the numbers of a release as they are written, zeros at the end included."""
    return tuple(int(number) for number in _read(text)["release"].split("."))


def _read(text: str) -> re.Match[str]:
    read = _VERSION.fullmatch(text.strip().lower())
    if read is None:
        raise ValueError(f"{text!r} is no version; expected one such as '1.4.2'")
    return read
