"""The core's own plugin: it comes through the same entry points as a stranger's."""

from pathlib import Path
from typing import TYPE_CHECKING

from .hookspecs import hookimpl
from .records import RunStore

if TYPE_CHECKING:
    from .core.workspace import Workspace

SCHEME = "sqlite:///"


@hookimpl(trylast=True)
def azml_open_store(url: str) -> RunStore | None:
    """Open ``sqlite:///path/to/index.db``."""
    if not url.startswith(SCHEME):
        return None
    from .store.sqlite import SqliteStore

    return SqliteStore(Path(url.removeprefix(SCHEME)).expanduser())


@hookimpl(trylast=True)
def azml_portal_url(path: str, workspace: "Workspace") -> str | None:
    """Answer with the running studio of the workspace; a person at a prompt has one started."""
    from .portal import serving

    return serving.address_of(path, workspace)
