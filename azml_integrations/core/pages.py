"""What notebooks show of a run: small tables, links and a name made of words."""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .. import names

if TYPE_CHECKING:
    from .workspace import Workspace

STUDIO = "http://127.0.0.1:8484"
"""Where `azml studio` serves when nothing else is asked for."""

DOCS = "https://learn.microsoft.com/python/api/azureml-core/azureml.core.run.run"
"""Where the API that this package speaks is documented by those who designed it."""


def served(path: str, workspace: "Workspace", *, start: bool) -> str | None:
    """Return a link to a page of the studio that lets its reader in, or None where nothing serves it.

    Parameters
    ----------
    path : str
        ``runs/<id>``.
    workspace : Workspace
        Whose page it is.
    start : bool
        Whether a studio may be started for it: only where a user has asked for the address.
    """
    from .. import plugins

    answer = plugins.plugins().call("azml_portal_url", path=path, workspace=workspace, start=start)
    return answer if isinstance(answer, str) else None


def address(path: str, workspace: "Workspace") -> str:
    """Return where a page is, without what lets somebody in: notebooks, logs and files are given away.

    No studio is started for the question.
    """
    known = served(path, workspace, start=False) or f"{STUDIO}/{path}"
    return urlsplit(known)._replace(query="", fragment="").geturl()


def escape(text: str) -> str:
    """Return a text that HTML shows as it is."""
    import html

    return html.escape(text)


def table_html(row: Mapping[str, str]) -> str:
    """Return a table of one row; the cells are HTML already."""
    head = "".join(f"<th>{escape(name)}</th>" for name in row)
    cells = "".join(f"<td>{cell}</td>" for cell in row.values())
    return f'<table style="width:100%"><tr>{head}</tr><tr>{cells}</tr></table>'


def link_html(address: str, words: str) -> str:
    """Return a link that opens beside the notebook."""
    return f'<a href="{escape(address)}" target="_blank" rel="noopener">{escape(words)}</a>'


_COLOURS = ("amber", "azure", "coral", "cyan", "golden", "green", "indigo", "ivory", "jade", "lime", "olive", "plum",
            "ruby", "sandy", "silver", "teal")  # fmt: skip
_THINGS = ("anchor", "basket", "bridge", "candle", "clover", "feather", "garden", "harbor", "kettle", "lantern",
           "meadow", "needle", "orchard", "pebble", "ribbon", "willow")  # fmt: skip


def made_up_name(run_id: str) -> str:
    """Return two words and a suffix for a run that nobody named, always the same for the same id."""
    digest = bytes.fromhex(names.digest(run_id))
    return f"{_COLOURS[digest[0] % 16]}_{_THINGS[digest[1] % 16]}_{digest[2:6].hex()}"
