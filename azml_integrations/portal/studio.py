"""What every page stands on: the workspace, its runs, and the templates."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from html import escape
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse

from ..core.pages import made_up_name
from ..records import TERMINAL, RunRecord
from . import steps
from .catalogue import Catalogue, Entry

if TYPE_CHECKING:
    from ..core import Workspace

HERE = Path(__file__).parent
STATIC = HERE / "static"

LONGEST_CELL = 60
"""[characters]"""

_NO_CELL = Markup('<td class="none"><span class="hidden">none</span></td>')


class Studio:
    """The workspace that is shown, and how.

    Parameters
    ----------
    workspace : Workspace
        Whose runs are shown.
    """

    def __init__(self, workspace: "Workspace") -> None:
        self.workspace = workspace
        self.catalogue = Catalogue(workspace)
        self._templates = _templates()

    def page(self, request: Request, template: str, status: int = 200, **facts: Any) -> HTMLResponse:
        """Return a page; ``root`` leads to the first one from wherever it is served."""
        told = {
            "root": root_of(request),
            "workspace": self.workspace,
            "place": request.url.path,
            "now": time.time(),
            "static": _versions(),
        }
        return HTMLResponse(self._templates.get_template(template).render(told | facts), status)

    def entry(self, request: Request) -> Entry:
        """Return the run that an address names.

        Raises
        ------
        HTTPException
            404 without it.
        """
        run_id = request.path_params["run_id"]
        found = self.catalogue.run(run_id)
        if found is None:
            raise self.missing(run_id)
        return found

    def missing(self, run_id: str) -> HTTPException:
        """Return what to say of a run that is not there: its page may have been open when it was deleted."""
        if any(run_id in entry.run_ids for entry in self.workspace.trash):
            return HTTPException(404, f"run {run_id} was deleted; it lies in the trash, and can be restored from there")
        return HTTPException(404, f"there is no run {run_id} in workspace {self.workspace.name}")


def of(request: Request) -> Studio:
    """Return the studio that a request has come to."""
    found: Studio = request.app.state.studio
    return found


def root_of(request: Request) -> str:
    """Return the way from a page to the first one: relative, so that a proxy may put it anywhere."""
    return "../" * (request.scope["path"].count("/") - 1) or "./"


def label(record: RunRecord) -> str:
    """Return what a run is called."""
    return record.display_name or record.name or nickname(record.run_id)


def nickname(run_id: str) -> str:
    """Return what a run is called that nobody has named."""
    return made_up_name(run_id).rpartition("_")[0].replace("_", " ")


# -- words of the templates ----------------------------------------------------------------------------


def figure(value: object) -> str:
    """Return a number in a few digits, and anything else as its text."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if not isfinite(value):
        return {"inf": "∞", "-inf": "-∞"}.get(str(value), "NaN")
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u2009") if abs(value) > 99_999 else str(value)  # noqa: PLR2004 - long
    return f"{value:.5g}"


def cell(value: object) -> Markup:
    """Return a value as a cell of a table; a long text is cut, and stands whole behind it.

    A page has thousands of cells, and a macro of a template takes three times as long for each.
    """
    if value is None:
        return _NO_CELL
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Markup(f'<td class="n" title="{value}">{figure(value)}</td>')  # noqa: S704 - a number
    text = str(value)
    short = text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"
    return Markup(f'<td title="{escape(text)}">{escape(short)}</td>')  # noqa: S704 - escaped


def moment(at: float | None) -> str:
    """Return a moment as the minute that it was, UTC."""
    try:
        return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, OSError, ValueError):
        return repr(at)


def ago(at: float | None, now: float) -> Markup:
    """Return how long ago a moment was; the moment itself stands behind it."""
    if at is None:
        return Markup("")
    seconds = max(0, now - at)
    told = "just now" if seconds < 60 else f"{span(seconds)} ago"  # noqa: PLR2004 - a minute
    return Markup(f'<time datetime="{escape(_iso(at))}" title="{escape(moment(at))} UTC">{escape(told)}</time>')  # noqa: S704 - escaped


def _iso(at: float) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).isoformat()
    except (OverflowError, OSError, ValueError):
        return ""


def span(seconds: float | None) -> str:
    """Return a time span in its two largest units."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004 - digits
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h" if days < 10 else f"{days} d"  # noqa: PLR2004 - digits
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes < 10 else f"{minutes} min"  # noqa: PLR2004 - digits


def size(length: int) -> str:
    """Return a length in bytes."""
    amount = float(length)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:  # noqa: PLR2004 - SI
            return f"{amount:.3g} {unit}" if unit != "B" else f"{length} B"
        amount /= 1000
    return f"{amount:.3g} GB"


def took(record: RunRecord, now: float) -> float | None:
    """Return how long a run took, or takes until now [s]."""
    return None if record.started_at is None else max(0.0, (record.ended_at or now) - record.started_at)


def query(words: Mapping[str, object]) -> str:
    """Return a query string; what is None is left out."""
    from urllib.parse import urlencode

    return "?" + urlencode([(key, value) for key, value in words.items() if value is not None], doseq=True)


@pass_context
def _ago(context: Context, at: float | None) -> Markup:
    return ago(at, context["now"])


@pass_context
def _took(context: Context, record: RunRecord) -> str:
    return span(took(record, context["now"]))


def quoted(text: str) -> str:
    """Return a name as a part of an address."""
    from urllib.parse import quote

    return quote(text, safe="")


def _templates() -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = {"figure": figure, "moment": moment, "ago": _ago, "span": span, "size": size, "took": _took}
    found.filters |= words | {"cell": cell, "label": label, "nickname": nickname, "quoted": quoted, "query": query}
    found.tests |= {"number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool)}
    found.globals |= {"TERMINAL": TERMINAL, "nearest": steps.nearest, "moves": steps.moves}
    return found


def _versions() -> dict[str, str]:
    """Return the addresses of our own files, with a part of their digest: a browser may keep them for ever."""
    global _known  # noqa: PLW0603 - they never change while a studio runs
    if not _known:
        _known = {
            path.name: f"{path.name}?v={sha256(path.read_bytes()).hexdigest()[:12]}"
            for path in sorted(STATIC.iterdir())
        }
    return _known


_known: dict[str, str] = {}
