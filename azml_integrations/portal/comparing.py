"""Runs beside each other: their values with the differences marked, their lines over each other, their images."""

import difflib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from . import bands, charts, overlays, runs, steps, views
from .catalogue import Entry, names_of
from .exporting import Export
from .filtering import attribute, metric
from .studio import Studio, of, query, span, took

MOST = 12
"""Runs that are compared at once."""

MOST_IMAGES = 1000
"""Of one name and run, the last ones, between which the step of the page chooses."""

_TWO = 2
LONGEST_DIFFERENCE = 2000
"""[lines]"""


@dataclass(frozen=True)
class Line:
    """One value of all runs that are compared."""

    name: str
    cells: Sequence[object]

    @property
    def differs(self) -> bool:
        """Whether it is not the same in all."""
        return len({repr(cell) for cell in self.cells}) > 1


def chosen(studio: Studio, request: Request) -> list[Entry]:
    """Return the runs that an address names, as ``runs=a&runs=b`` or ``runs=a,b``.

    Raises
    ------
    HTTPException
        404 if one of them is not there.
    """
    words = [one for several in request.query_params.getlist("runs") for one in several.split(",") if one]
    found = []
    for run_id in list(dict.fromkeys(words))[:MOST]:
        entry = studio.catalogue.run(run_id)
        if entry is None:
            raise studio.missing(run_id)
        found.append(entry)
    return found


def compare(request: Request) -> Response:
    """Show runs beside each other."""
    studio = of(request)
    entries = chosen(studio, request)
    everything = request.query_params.get("all") == "1"
    names = names_of(entries)
    sections = {
        "run": _lines(entries, ("status", "took", "user", "target"), _attribute),
        "parameters": _lines(entries, names.params, lambda entry, name: entry.params.get(name)),
        "metrics": _lines(entries, names.metrics, metric),
        "tags": _lines(entries, names.tags, lambda entry, name: entry.record.tags.get(name)),
    }
    kept = {title: [line for line in lines if everything or line.differs] for title, lines in sections.items()}
    ids = [entry.record.run_id for entry in entries]
    asked = overlays.Asked.of(request.query_params)
    galleries = _galleries(studio, entries)
    words = parse_qsl(views.query_of("compare", request.url.query))
    home = entries[0].record.experiment if entries else None
    lines = [
        query({"runs": ids, "metric": name, **asked.words()})
        for name in names.metrics
        if any(
            (one := entry.metrics.get(name)) and one.count > 1 and one.last is not None and one.kind == "scalar"
            for entry in entries
        )
    ]
    return studio.page(
        request,
        "compare.html",
        entries=entries,
        ids=ids,
        sections=kept,
        same=sum(not line.differs for lines_ in sections.values() for line in lines_),
        everything=everything,
        lines=lines[: runs.MOST_CHARTS],
        asked=asked,
        home=home,
        saved=views.listed(studio.workspace, home, "compare") if home else [],
        query=views.query_of("compare", request.url.query),
        groups=bands.choices(names),
        bands=bands.BANDS,
        epochs=charts.EPOCH in names.metrics,
        galleries=galleries,
        images_of=_images_of,
        steps=steps.every(gallery for several in galleries.values() for gallery in several),
        step=steps.asked(request),
        hidden=[(key, value) for key, value in words if key != "step"],
        difference=_difference(studio, entries),
    )


def _lines(entries: Sequence[Entry], names: Sequence[str], read: Callable[[Entry, str], object]) -> list[Line]:
    return [Line(name, [read(entry, name) for entry in entries]) for name in names]


def _attribute(entry: Entry, name: str) -> object:
    return span(took(entry.record, time.time())) if name == "took" else attribute(entry, name)


def spec(studio: Studio, request: Request) -> charts.Spec:
    """Return the lines of one metric of the runs that are compared."""
    words = request.query_params
    return overlays.spec(studio, words.get("metric", ""), chosen(studio, request), overlays.Asked.of(words))


def export(studio: Studio, request: Request) -> Export:
    """Return the complete data behind the lines of one metric of the runs that are compared."""
    words = request.query_params
    return overlays.table(studio, words.get("metric", ""), chosen(studio, request), overlays.Asked.of(words))


def _galleries(studio: Studio, entries: Sequence[Entry]) -> dict[str, list[list[dict[str, Any]]]]:
    """Return the images of each name in each run."""
    found = [runs.galleries(studio, entry) for entry in entries]
    names = dict.fromkeys(name for several in found for name in several)
    return {name: [several.get(name, []) for several in found] for name in names}


def _images_of(gallery: Sequence[steps.Image]) -> list[tuple[int, str]]:
    """Return what a script wants to know of some images: step and file, by rising steps."""
    return sorted((image["step"], image["file"]) for image in gallery)[-MOST_IMAGES:]


def _difference(studio: Studio, entries: Sequence[Entry]) -> list[tuple[str, str]] | None:
    """Return the lines in which the snapshots of two runs differ, each with what it is; None for nothing to compare."""
    if len(entries) != _TWO:
        return None
    snapshots = [runs.snapshot_of(studio, entry.record)[0] for entry in entries]
    one, other = snapshots
    if one is None or other is None or one.id == other.id:
        return None
    before = {file.path: file for file in one.files}
    after = {file.path: file for file in other.files}
    lines: list[tuple[str, str]] = []
    for path in sorted(before.keys() | after.keys()):
        there = before.get(path), after.get(path)
        if there[0] is not None and there[1] is not None and there[0].sha256 == there[1].sha256:
            continue
        left, right = (
            runs.source(studio, snapshot, path).splitlines() if file is not None else []
            for snapshot, file in zip((one, other), there, strict=True)
        )
        told = difflib.unified_diff(left, right, f"a/{path}", f"b/{path}", lineterm="")
        lines += [(_kind(line), line) for line in told]
        if len(lines) > LONGEST_DIFFERENCE:
            return [*lines[:LONGEST_DIFFERENCE], ("head", "… and more")]
    return lines


def _kind(line: str) -> str:
    if line.startswith(("+++", "---", "@@")):
        return "head"
    return {"+": "more", "-": "less"}.get(line[:1], "same")
