"""Sections that plugins add to the page of a run: drawn one by one, late, by whoever looks at them."""

import base64
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException

from ..offers import Links, Panel, Part, Picture, Table, Text, suffix_of
from ..plugins import plugins, reach
from . import artifacts
from .catalogue import Entry
from .studio import Studio

PATIENCE = 5.0
"""So long a panel may take [s]."""

MOST_PARTS = 20
MOST_COLUMNS = 50
MOST_LETTERS = 20_000
LARGEST_PICTURE = 2 << 20
"""[bytes]"""

_LARGEST_NUMBER = 2**53
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_drawing: dict[str, threading.Lock] = {}


@dataclass(frozen=True)
class Offer:
    """A panel, and whose it is.

    Attributes
    ----------
    plugin : str
        Name of the plugin.
    panel : Panel
        What it offers.
    """

    plugin: str
    panel: Panel

    @property
    def name(self) -> str:
        """Its name in addresses."""
        return self.panel.name

    @property
    def title(self) -> str:
        """Its heading."""
        return _printable(self.panel.title)

    def told(self) -> dict[str, str]:
        """Return what a list says of it."""
        return {"name": self.name, "title": self.title, "plugin": self.plugin}


@dataclass(frozen=True)
class Drawn:
    """A panel as a page shows it: plain facts, cut where there are too many.

    Attributes
    ----------
    parts : list of dict
        Each with its ``kind``, and what stands in it.
    trouble : str
        Why there are none.
    """

    parts: Sequence[Mapping[str, Any]] = ()
    trouble: str = ""


def offers(entry: Entry) -> dict[str, Offer]:
    """Return the panels of a run by name; nothing is drawn, and nothing imported, for that."""
    found: dict[str, Offer] = {}
    for who, panel in plugins().offered("azml_panels", Panel):
        if not _NAME.fullmatch(str(panel.name)):
            plugins().blame(who, f"panel {panel.name!r}", "a name has small letters, digits and hyphens", warn=False)
        elif panel.name in found:
            why = f"plugin {found[panel.name].plugin!r} has a panel of that name"
            plugins().blame(who, f"panel {panel.name!r}", why, warn=False)
        else:
            found[panel.name] = Offer(who, panel)
    return {name: one for name, one in found.items() if not one.panel.needs or _has(entry, str(one.panel.needs))}


def offer(entry: Entry, name: str) -> Offer:
    """Return one panel of a run.

    Raises
    ------
    HTTPException
        404 without it.
    """
    found = offers(entry).get(name)
    if found is None:
        raise HTTPException(404, f"run {entry.record.run_id} has no panel {name!r}")
    return found


def _has(entry: Entry, name: str) -> bool:
    return name in entry.metrics or name in entry.record.properties or name in entry.record.tags


# -- drawing -------------------------------------------------------------------------------------------


def drawn(studio: Studio, entry: Entry, offer: Offer) -> Drawn:
    """Return what a panel shows of a run; a plugin that fails, or is slow, is one line."""
    run_id, name = entry.record.run_id, offer.panel.name

    def work() -> Drawn:
        run = studio.workspace.get_run(run_id)
        answer = reach(offer.panel.draw)(run)
        several = [] if answer is None else list(answer) if isinstance(answer, (list, tuple)) else [answer]
        files = artifacts.of(studio.workspace, entry.record)
        parts = [_part(one, files) for one in several[:MOST_PARTS]]
        left = len(several) - len(parts)
        return Drawn([*parts, *([_text(f"{left} more are not shown")] if left else [])])

    try:
        return _within(PATIENCE, name, work)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's function may raise anything
        plugins().blame(offer.plugin, f"panel {name!r}", error, warn=False)
        said = str(error) if isinstance(error, TimeoutError) else f"{type(error).__name__}: {error}"
        line = f"the panel {name!r} of plugin {offer.plugin!r} cannot be shown: {said}"
        return Drawn(trouble=_printable(line)[:MOST_LETTERS])


def _within(seconds: float, name: str, work: Callable[[], Drawn]) -> Drawn:
    """Return the answer of a function that is called in a thread of its own; one at a time for each name.

    One that hangs keeps its thread, and no second one is begun: the page tells that it is busy.

    Raises
    ------
    TimeoutError
        If it takes longer.
    """
    lock = _drawing.setdefault(name, threading.Lock())
    until = time.monotonic() + seconds
    if not lock.acquire(timeout=seconds):
        raise TimeoutError("it is still busy with an earlier visit")
    came: list[Drawn | BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            came.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits
            came.append(error)
        finally:
            lock.release()
            done.set()

    threading.Thread(target=run, name=f"panel {name}", daemon=True).start()
    if not done.wait(max(0.0, until - time.monotonic())):
        raise TimeoutError(f"it takes longer than {seconds:g} s")
    (answer,) = came
    if isinstance(answer, BaseException):
        raise answer
    return answer


# -- what it may hold ----------------------------------------------------------------------------------


def _part(given: object, files: Mapping[str, object]) -> dict[str, Any]:
    """Return a part as plain facts.

    Raises
    ------
    TypeError
        If it is none.
    """
    match given:
        case str():
            return _text(given)
        case Text(words=words):
            return _text(words)
        case Table(columns=columns, rows=rows):
            return _table(columns, rows)
        case Picture(content=content, words=words):
            return _picture(content, words)
        case Links(addresses=addresses):
            return _links(addresses, files)
    expected = ", ".join(one.__name__ for one in Part.__args__)
    raise TypeError(f"it returned {type(given).__name__}, expected {expected} of azml_integrations.offers, or text")


def _text(words: object) -> dict[str, Any]:
    text = _printable(words)
    return {"kind": "text", "words": text if len(text) <= MOST_LETTERS else text[:MOST_LETTERS] + " ..."}


def _table(columns: Sequence[object], rows: Sequence[Sequence[object]]) -> dict[str, Any]:
    head = [_printable(name) for name in columns][:MOST_COLUMNS]
    shown = [[_cell(value) for value in row][: len(head)] for row in list(rows)[: artifacts.ROWS]]
    whole = [row + [None] * (len(head) - len(row)) for row in shown]
    return {"kind": "table", "columns": head, "rows": whole, "count": len(rows)}


def _cell(value: object) -> object:
    item = getattr(value, "item", None)  # a number of numpy's
    plain = item() if callable(item) and getattr(value, "shape", None) == () else value
    if plain is None or isinstance(plain, (bool, int, float)):
        return plain if plain is None or abs(plain) < _LARGEST_NUMBER else str(plain)  # nor NaN
    return _printable(plain)[:MOST_LETTERS]


def _picture(content: object, words: object) -> dict[str, Any]:
    suffix = suffix_of(content)
    if suffix is None or not isinstance(content, (bytes, bytearray, memoryview)):
        raise TypeError("its picture is not the bytes of a PNG, JPEG, GIF, WebP or SVG file")
    if len(content) > LARGEST_PICTURE:
        raise ValueError(f"its picture has {len(content):,} bytes; at most {LARGEST_PICTURE:,} are shown")
    source = f"data:{artifacts.PICTURES[suffix]};base64,{base64.b64encode(content).decode()}"
    return {"kind": "picture", "source": source, "words": _printable(words)}


def _links(addresses: Mapping[str, str], files: Mapping[str, object]) -> dict[str, Any]:
    found = []
    for words, address in addresses.items():
        if str(address) in files:
            found.append({"words": _printable(words), "file": str(address)})
        elif str(address).startswith(("http://", "https://")):
            found.append({"words": _printable(words), "address": _printable(address)})
        else:
            raise ValueError(f"a link to {address!r}; expected http://, https://, or the name of a file of the run")
    return {"kind": "links", "links": found}


def _printable(words: object) -> str:
    """Return text that can be sent: a lone surrogate is spelt."""
    return str(words).encode("utf-8", "backslashreplace").decode()
