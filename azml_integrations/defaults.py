"""The core's own plugin: it comes through the same entry points as a stranger's."""

from pathlib import Path

from .hookspecs import hookimpl
from .records import RunStore

SCHEME = "sqlite:///"


@hookimpl(trylast=True)
def azml_open_store(url: str) -> RunStore | None:
    """Open ``sqlite:///path/to/index.db``."""
    if not url.startswith(SCHEME):
        return None
    from .store.sqlite import SqliteStore

    return SqliteStore(Path(url.removeprefix(SCHEME)).expanduser())


@hookimpl
def azml_run_types() -> dict[str, str]:
    """Name the classes of our own rooms."""
    return {
        "azureml.scriptrun": "azml_integrations.core.script_run:ScriptRun",
        "hyperdrive": "azml_integrations.sweeps.run:HyperDriveRun",
    }
