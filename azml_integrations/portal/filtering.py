"""The filter language: ``metrics.mse < 0.5 and params.model = "Ridge"``; a grammar of our own, nothing is evaluated."""

import operator
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from ..core.fit_table import number
from .catalogue import PARAM, Entry

Test: TypeAlias = Callable[[Entry], bool]

known_number = lru_cache(1 << 14)(number)
"""`number`, remembered: ten thousand runs have few values of a parameter."""

LONGEST = 2000
DEEPEST = 50

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)|(?P<sign><=|>=|!=|==|=|<|>|~|\(|\)|,)"""
    r"""|(?P<word>[^\s()"'`<>=!~,]+))"""
)
_COMPARE: dict[str, Callable[[int], bool]] = {
    "=": lambda order: order == 0,
    "==": lambda order: order == 0,
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}
_AT_ONCE: dict[str, Callable[[Any, Any], object]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
"""The same of two texts, or of two numbers."""
_KINDS = {
    **dict.fromkeys(("metrics", "metric"), "metric"),
    **dict.fromkeys(("params", "param", "parameters"), "param"),
    **dict.fromkeys(("tags", "tag"), "tag"),
    **dict.fromkeys(("properties", "property"), "property"),
    **dict.fromkeys(("attributes", "attribute", "run"), "run"),
}
ATTRIBUTES = ("status", "name", "id", "number", "type", "user", "target", "duration", "started")


class FilterError(ValueError):
    """A filter that cannot be read; the message says where and what was expected."""


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def parsed(text: str) -> Test:
    """Return the test that a filter stands for.

    Parameters
    ----------
    text : str
        Comparisons (``= != < <= > >= like ~``) of ``metrics.NAME``, ``params.NAME``, ``tags.NAME``,
        ``properties.NAME`` and ``status``, ``name``, ``number``, ``duration`` ..., joined by ``and``, ``or``, ``not``
        and parentheses. A name alone means the metric, parameter or tag of that name. A word with no comparison is
        searched for in names, ids, tags and parameters. Empty takes every run.

    Raises
    ------
    FilterError
        If it cannot be read.
    """
    if len(text) > LONGEST:
        raise FilterError(f"a filter may have {LONGEST} characters, got {len(text)}")
    tokens = list(_tokens(text))
    if not tokens:
        return lambda _: True
    parser = _Parser(tokens)
    test = parser.either(0)
    if (rest := parser.peek()) is not None:
        raise FilterError(f"expected `and` or `or` at {rest.at + 1}, got {rest.text!r}")
    return test


def _tokens(text: str) -> Iterator[_Token]:
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise FilterError(f"cannot read {text[at : at + 10].strip()!r} at {at + 1}; is a quote open?")
        kind = str(match.lastgroup)
        yield _Token(kind, match.group(kind), match.start(kind))
        at = match.end()


class _Parser:
    """Reads tokens from left to right: `or` binds least, then `and`, then `not`."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens, self._next = tokens, 0

    def peek(self, ahead: int = 0) -> _Token | None:
        position = self._next + ahead
        return self._tokens[position] if position < len(self._tokens) else None

    def _take(self, wanted: str) -> _Token:
        token = self.peek()
        if token is None:
            raise FilterError(f"expected {wanted} at the end")
        self._next += 1
        return token

    def _accept(self, *words: str) -> bool:
        token = self.peek()
        if token is not None and token.kind != "quoted" and token.text.lower() in words:
            self._next += 1
            return True
        return False

    def either(self, depth: int) -> Test:
        if depth > DEEPEST:
            raise FilterError(f"parentheses may be {DEEPEST} deep")
        tests = [self._both(depth)]
        while self._accept("or"):
            tests.append(self._both(depth))
        return tests[0] if len(tests) == 1 else lambda entry: any(test(entry) for test in tests)

    def _both(self, depth: int) -> Test:
        tests = [self._one(depth)]
        while self._accept("and", ","):
            tests.append(self._one(depth))
        return tests[0] if len(tests) == 1 else _all(tests)

    def _one(self, depth: int) -> Test:
        if self._accept("not"):
            if depth > DEEPEST:
                raise FilterError(f"`not` may be {DEEPEST} deep")
            test = self._one(depth + 1)
            return lambda entry: not test(entry)
        if self._accept("("):
            test = self.either(depth + 1)
            if not self._accept(")"):
                raise FilterError("a parenthesis is not closed")
            return test
        return self._comparison()

    def _comparison(self) -> Test:
        name = self._take("a name")
        if name.kind == "sign":
            raise FilterError(f"expected a name at {name.at + 1}, got {name.text!r}")
        named = _bare(name)
        follows = self.peek()
        if name.kind == "word" and name.text.endswith(".") and follows is not None and follows.kind == "quoted":
            named = name.text + _bare(self._take("a name"))
        sign = self.peek()
        if sign is None or not (sign.text in (*_COMPARE, "!=", "~") or _is_word(sign, "like", "ilike")):
            return _search(named)
        self._next += 1
        wanted = self._take(f"a value after {sign.text}")
        if wanted.kind == "sign":
            raise FilterError(f"expected a value at {wanted.at + 1}, got {wanted.text!r}")
        return _compared(named, sign.text.lower(), _bare(wanted), exact=wanted.kind == "quoted")


def _all(tests: list[Test]) -> Test:
    def test(entry: Entry) -> bool:
        for one in tests:  # noqa: SIM110 - `all` of a generator takes half as long again
            if not one(entry):
                return False
        return True

    return test


def _is_word(token: _Token, *words: str) -> bool:
    return token.kind == "word" and token.text.lower() in words


def _bare(token: _Token) -> str:
    return re.sub(r"\\(.)", r"\1", token.text[1:-1]) if token.kind == "quoted" else token.text


def _search(words: str) -> Test:
    wanted = words.lower()
    return lambda entry: wanted in entry.told


def _compared(name: str, sign: str, wanted: str, *, exact: bool) -> Test:
    read = reader(name)
    if sign == "~":
        return lambda entry: (value := read(entry)) is not None and wanted.lower() in str(value).lower()
    if sign in ("like", "ilike"):
        return lambda entry: (value := read(entry)) is not None and like(str(value), wanted)
    value = wanted if exact else known_number(wanted)
    negated, compare = sign == "!=", _COMPARE["=" if sign == "!=" else sign]
    alike: tuple[type, ...] = (str,) if isinstance(value, str) else (float, int)
    at_once = _AT_ONCE[sign]

    def test(entry: Entry) -> bool:
        found = read(entry)
        if type(found) in alike and found == found:  # noqa: PLR0124 - NaN passes no comparison
            return bool(at_once(found, value))  # ten thousand runs are compared so; the rest is for odd ones
        order = _order(found, value)
        return order is not None and compare(order) is not negated

    return test


def like(text: str, pattern: str) -> bool:
    """Tell whether a text is as SQL's pattern says: ``%`` any text, ``_`` one character; case does not matter.

    A regular expression of many wildcards could be made to search for hours; this takes at most the product of both
    lengths.
    """
    text, pattern = text.lower(), pattern.lower()
    at = place = 0
    star, after = -1, 0
    while at < len(text):
        if place < len(pattern) and pattern[place] == "%":
            star, after = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("_", text[at]):
            at, place = at + 1, place + 1
        elif star >= 0:  # let the last % take one character more
            after += 1
            at, place = after, star + 1
        else:
            return False
    return pattern[place:].strip("%") == ""


def _order(value: object, wanted: object) -> int | None:
    """Return how a value stands to the wanted one; None where it is not there or is NaN."""
    if value is None:
        return None
    if isinstance(value, str) and not isinstance(wanted, str):
        value = known_number(value)
    numeric = isinstance(value, (int, float)) and isinstance(wanted, (int, float))
    if isinstance(value, (int, float)) and isinstance(wanted, str) and isinstance(known_number(wanted), (int, float)):
        wanted, numeric = known_number(wanted), True
    left, right = (value, wanted) if numeric else (str(value), str(wanted))
    if left == right:
        return 0
    if left < right:  # type: ignore[operator]  # both numbers, or both texts
        return -1
    return 1 if left > right else None  # type: ignore[operator]  # likewise; NaN is neither


def reader(name: str) -> Callable[[Entry], object]:
    """Return what reads a named value of a run: ``metrics.mse:min``, ``params.alpha``, ``tags.stage``, ``status`` ...

    Raises
    ------
    FilterError
        If the name is empty.
    """
    prefix, dot, rest = name.partition(".")
    kind = _KINDS.get(prefix) if dot else None
    if kind is None and name in ATTRIBUTES:
        kind, rest = "run", name
    if not name or (kind is not None and not rest):
        raise FilterError(f"a name is missing after {name!r}")
    match kind:
        case "metric":
            return _metric(rest)
        case "param":
            return lambda entry: entry.record.properties.get(PARAM + rest)
        case "tag":
            return lambda entry: _tag(entry, rest)
        case "property":
            return lambda entry: entry.record.properties.get(rest)
        case "run":
            return lambda entry: attribute(entry, rest)
    return lambda entry: _anything(entry, name)


def _metric(name: str) -> Callable[[Entry], object]:
    def read(entry: Entry) -> object:
        if (summary := entry.metrics.get(name)) is None:
            return metric(entry, name)
        return summary.last_value if summary.kind == "scalar" else summary.last

    return read


def metric(entry: Entry, name: str) -> object:
    """Return the last value of a metric, or with ``:min`` or ``:max`` behind its name that one; None without it."""
    summary = entry.metrics.get(name)
    if summary is None:
        head, _, by = name.rpartition(":")
        summary = entry.metrics.get(head) if by in ("last", "min", "max") else None
        if summary is None or by != "last":
            return None if summary is None else getattr(summary, by)
    return summary.last_value if summary.kind == "scalar" else summary.last


def _tag(entry: Entry, key: str) -> object:
    return (entry.record.tags[key] or "") if key in entry.record.tags else None


def _anything(entry: Entry, name: str) -> object:
    for found in (metric(entry, name), entry.record.properties.get(PARAM + name), _tag(entry, name)):
        if found is not None:
            return found
    return entry.record.properties.get(name)


def attribute(entry: Entry, name: str) -> object:
    """Return what every run has: its status, name, number, how long it took [s] ..."""
    record = entry.record
    match name:
        case "name":
            return record.display_name or record.name
        case "id" | "run_id":
            return record.run_id
        case "started" | "start_time":
            return record.started_at or record.created_at
        case "duration":
            return None if record.started_at is None else (record.ended_at or _now()) - record.started_at
        case _:
            return getattr(record, name, None) if name in ("status", "number", "type", "user", "target") else None


def _now() -> float:
    import time

    return time.time()
