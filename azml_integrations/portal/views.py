"""Saved views: names for addresses of a runs table or a comparison, kept beside their experiment.

All that a page shows stands in its address, so that a view is a name and a query string. Each lies in a file of its
own below the experiment's folder: two studios that save at once do not meet.
"""

import contextlib
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette.exceptions import HTTPException

from .. import names
from ..store import files
from .table import DRAWN

if TYPE_CHECKING:
    from ..core import Workspace

MOST = 200
"""Views of one experiment."""

LONGEST = 8192
"""Of a query string [characters]."""

LONGEST_NAME = 80

KNOWN = {
    "table": frozenset(("q", "sort", "col", "differ", "children", "open", "per", "page", "zoom", *DRAWN)),
    "compare": frozenset(("runs", "all", "step", "zoom", *DRAWN)),
}
"""What an address of each page may say; anything else is dropped when a view is read."""

_DEFAULT = "default"


@dataclass(frozen=True)
class View:
    """A name for an address.

    Attributes
    ----------
    name : str
        As its user typed it.
    page : {"table", "compare"}
        Which page it shows.
    query : str
        What stands behind the question mark of the address.
    at : float
        Moment of saving [s since the epoch, UTC].
    default : bool
        Whether the table opens with it.
    """

    name: str
    page: str
    query: str
    at: float
    default: bool = False


class Views:
    """The saved views of one experiment.

    Parameters
    ----------
    workspace : Workspace
        Where it lies.
    experiment : str
        Its name.
    """

    def __init__(self, workspace: "Workspace", experiment: str) -> None:
        self.folder = workspace.root / "experiments" / names.folder(experiment) / "views"

    def all(self) -> list[View]:
        """Return the views by name; a file that makes no sense is none."""
        try:
            found = [self._read(path) for path in sorted(self.folder.glob("v-*.json"))]
        except OSError:
            return []
        default = self._default()
        several = [replace(view, default=view.name == default) for view in found if view is not None]
        return sorted(several, key=lambda view: view.name.casefold())

    def default(self) -> View | None:
        """Return the view that the table opens with."""
        return next((view for view in self.all() if view.default and view.page == "table"), None)

    def save(self, name: str, page: str, query: str) -> None:
        """Keep an address under a name; one that has the name already is replaced.

        Raises
        ------
        HTTPException
            400 if the name or the page cannot be one, or there are too many.
        """
        name = _named(name)
        if page not in KNOWN:
            raise HTTPException(400, f"views are of the pages {' and '.join(KNOWN)}, not of {page!r}")
        if len(query) > LONGEST:
            raise HTTPException(400, f"the address has {len(query)} characters, a view may have {LONGEST}")
        known = self.all()
        if len(known) >= MOST and name not in {view.name for view in known}:
            raise HTTPException(400, f"there are {MOST} views already; delete one first")
        self._write(View(name, page, query_of(page, query), time.time()))

    def rename(self, name: str, to: str) -> None:
        """Give a view another name.

        Raises
        ------
        HTTPException
            404 without such a view, 409 if there is one of the new name.
        """
        view, to = self._one(name), _named(to)
        if to == name:
            return
        if self._path(to).exists():
            raise HTTPException(409, f"there is a view {to!r} already")
        self._write(replace(view, name=to))
        if view.default:
            self.choose(to)
        self._path(name).unlink(missing_ok=True)

    def delete(self, name: str) -> None:
        """Forget a view; 404 without it."""
        if self._one(name).default:
            self.choose("")
        self._path(name).unlink(missing_ok=True)

    def choose(self, name: str) -> None:
        """Let the table open with a view, or with none where the name is empty; 404 without it."""
        path = self.folder / _DEFAULT
        if not name:
            path.unlink(missing_ok=True)
        elif self._one(name).page != "table":
            raise HTTPException(400, "a table opens with a view of a table")
        else:
            files.replace(path, name.encode())

    def _one(self, name: str) -> View:
        found = next((view for view in self.all() if view.name == name), None)
        if found is None:
            raise HTTPException(404, f"there is no view {name!r}")
        return found

    def _path(self, name: str) -> Path:
        return self.folder / f"v-{names.digest(name)}.json"

    def _default(self) -> str | None:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return (self.folder / _DEFAULT).read_bytes().decode()
        return None

    def _write(self, view: View) -> None:
        told = {key: value for key, value in asdict(view).items() if key != "default"}
        self.folder.mkdir(parents=True, exist_ok=True)
        files.replace(self._path(view.name), json.dumps(told, indent=2).encode())

    def _read(self, path: Path) -> View | None:
        """Return a view as its file has it: whoever wrote that, only words that the page knows come out."""
        try:
            told = json.loads(path.read_bytes())
            name, page, query, at = (told[key] for key in ("name", "page", "query", "at"))
            view = View(_named(name), page, query_of(page, query), float(at))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, HTTPException):
            return None
        return view if path == self._path(view.name) else None


def query_of(page: str, query: str) -> str:
    """Return the words of a query string that a page knows, spelt by us."""
    known = KNOWN[page]
    words = parse_qsl(query.removeprefix("?")[:LONGEST], keep_blank_values=False)
    return urlencode([(key, value) for key, value in words if key in known])


def _named(name: str) -> str:
    name = names.label("view name", name.strip())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise HTTPException(400, f"a view is named by 1 to {LONGEST_NAME} letters that can be printed, not {name!r}")
    return name


def listed(workspace: "Workspace", experiment: str, page: str | None = None) -> list[dict[str, Any]]:
    """Return the views of an experiment, or those of one page, with their addresses as seen from the first page."""
    where = {"table": f"experiments/{quote(experiment, safe='')}", "compare": "compare"}
    found = Views(workspace, experiment).all()
    return [{**asdict(view), "href": f"{where[view.page]}?{view.query}"} for view in found if page in (None, view.page)]
