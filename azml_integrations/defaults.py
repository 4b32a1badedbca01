"""The core's own plugin: it comes through the same entry points as a stranger's."""

from pathlib import Path
from typing import TYPE_CHECKING

from .hookspecs import hookimpl
from .records import Launcher, RunStore

if TYPE_CHECKING:
    from .core.run import Run
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
def azml_launcher(target: str, workspace: "Workspace") -> Launcher:
    """Have scripts run on this machine, under whatever name."""
    from .launch.local import LocalLauncher

    return LocalLauncher(workspace.queue(target), workspace._index_url)  # noqa: SLF001 - family


@hookimpl
def azml_run_types() -> dict[str, str]:
    """Name the classes of our own rooms."""
    return {
        "azureml.scriptrun": "azml_integrations.core.script_run:ScriptRun",
        "hyperdrive": "azml_integrations.sweeps.run:HyperDriveRun",
    }


@hookimpl
def azml_run_started(run: "Run") -> None:
    """Have the run followed by the mirrors, where any are installed."""
    from .plugins import plugins

    if plugins().listen("azml_mirrors"):
        from . import mirroring

        mirroring.follow(run)


@hookimpl(trylast=True)
def azml_run_document(run: "Run") -> str | None:
    """Draw any run."""
    from . import report

    return report.page(report.account(run))


@hookimpl(trylast=True)
def azml_portal_url(path: str, workspace: "Workspace", start: bool) -> str | None:
    """Answer with the running studio of the workspace; where one may be started, a person at a prompt has it so."""
    from .portal import serving

    return serving.address_of(path, workspace, may_start=start)
