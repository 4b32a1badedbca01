"""Where a workspace's index lies, and who keeps it."""

from hashlib import sha256
from pathlib import Path

from .. import host
from ..errors import OptionError
from ..records import RunStore
from .sqlite import SqliteStore
from .view import View


def open_view(root: Path, index: str | None = None) -> View:
    """Return what can be asked about the runs of a workspace.

    Parameters
    ----------
    root : Path
        The workspace's folder; where it cannot be written to, runs are folded into memory.
    index : str, default=None
        Address of an index that a plugin keeps elsewhere.

    Raises
    ------
    OptionError
        If no plugin opens `index`.
    """
    return View(root / "runs", open_index(root, index) if host.writable(root) else None)


def open_index(root: Path, index: str | None) -> RunStore:
    """Return a workspace's index, opened on first use.

    Raises
    ------
    OptionError
        If no plugin opens `index`.
    """
    if index is None:
        return SqliteStore(index_path(root))
    from ..plugins import plugins  # with the entry points of all distributions behind it

    store: RunStore | None = plugins().call("azml_open_store", url=index)
    if store is None:
        raise OptionError(f"no plugin opens {index!r}; install the one that does, or use a path")
    return store


def index_path(root: Path) -> Path:
    """Return where a workspace's index lies: in it, or in the user's cache where it is on a network."""
    if not host.on_network(root):
        return root / "index.db"
    from platformdirs import user_cache_path

    folder = user_cache_path("azml_integrations", appauthor=False, ensure_exists=True)
    return folder / f"index-{sha256(str(root).encode()).hexdigest()[:16]}.db"
