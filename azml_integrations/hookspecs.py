"""The whole contract between the core and its plugins.

A plugin is a module (or object) named by an entry point of the group ``azml_integrations``. It marks functions with
`hookimpl`, and takes only the arguments that it wants. These laws hold for every hook:

1. **Never block.** A hook runs in the user's thread. What takes longer than its budget (`budget`) is measured and
   named; what wants to wait for a network is an `azml_mirrors`.
2. **Never raise.** An error becomes one `PluginWarning` and a note in the run, and all else goes on.
3. **Leave the user's exception as it is.** Who stands around a call of the user's re-raises the very object.
4. **Undo everything.** What was patched, registered or opened is put back when autolog is switched off.
5. **Import no framework at the top of the entry module.** It is loaded as soon as anybody asks for plugins.
6. **Change no argument.** Records are each plugin's own copy; a `run` is a live handle, to be used by its verbs.
7. **Leave the process as it is**: generators of random numbers, warning filters, working directory, standard output.
   Training goes on in it, and programs read what `azml` prints.

A plugin that breaks a law three times in one run is left out for the rest of that run. No plugin code ever runs
inside `Run.log`.

An entry module may say ``requires_azml = ">=0.1,<2"``: it is not used with another version of azml_integrations, and
the reason stands in ``azml plugin list``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import pluggy

from .offers import ModelFormat, Panel, Renderer
from .records import Adapter, Launcher, Mirror, RunRecord, RunStore

if TYPE_CHECKING:
    from .core.run import Run
    from .core.workspace import Workspace

PROJECT = "azml_integrations"

Function = TypeVar("Function", bound=Callable[..., object])

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

BUDGET = 0.25
"""Time after which a hook counts as slow, where its specification says nothing else [s]."""


def budget(seconds: float) -> Callable[[Function], Function]:
    """Mark the specification of a hook that may take longer than others before it counts as slow.

    Parameters
    ----------
    seconds : float
        How long [s]; infinite for one that a user waits for.
    """

    def mark(function: Function) -> Function:
        function.azml_budget = seconds  # type: ignore[attr-defined]  # read by `Plugins`
        return function

    return mark


@dataclass(frozen=True)
class Deprecation:
    """What is going to leave the contract, and what stands in its place.

    Attributes
    ----------
    since : str
        Minor version that deprecates it.
    gone : str
        Version that no longer has it: the next minor one at the earliest.
    hook : str or None
        The hook whose old name this is; its implementations are called as those of that hook.
    arguments : dict of str to str
        New names of arguments by their old ones; who asks for an old one gets the value of the new one.
    """

    since: str
    gone: str
    hook: str | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)


def deprecated(
    *, since: str, gone: str, hook: str | None = None, arguments: Mapping[str, str] | None = None
) -> Callable[[Function], Function]:
    """Mark a specification that is on its way out; plugins that use it go on to work, and are warned.

    Parameters
    ----------
    since, gone, hook, arguments
        As `Deprecation` has them.

    Examples
    --------
    A hook that was renamed keeps its old specification, and one whose argument was renamed takes both names::

        @deprecated(since="0.3", gone="0.4", hook="azml_run_ended")
        @hookspec
        def azml_run_finished(record): ...


        @deprecated(since="0.3", gone="0.4", arguments={"rec": "record"})
        @hookspec
        def azml_run_ended(record, rec): ...
    """

    def mark(function: Function) -> Function:
        function.azml_deprecation = Deprecation(since, gone, hook, dict(arguments or {}))  # type: ignore[attr-defined]
        return function

    return mark


# -- what a plugin offers ----------------------------------------------------------------------------


@hookspec
def azml_adapters() -> list[Adapter]:  # type: ignore[empty-body]
    """Offer frameworks to `autolog`: return one `Adapter` for each, made of strings only.

    Returns
    -------
    adapters : list of Adapter
        Nothing of them is imported before the framework is.

    Examples
    --------
    >>> from azml_integrations import Adapter, hookimpl
    >>> @hookimpl
    ... def azml_adapters():
    ...     return [Adapter("toy", import_name="toy", activate="azml_toy.observers:activate", versions=">=1,<3")]
    """


@hookspec
def azml_mirrors() -> list[Mirror]:  # type: ignore[empty-body]
    """Get every event of every run, off the user's thread: return one `Mirror` for each place they go to.

    A mirror is fed from the journals by a thread of its own, and again and again until it succeeds. One that is down
    costs the training nothing and loses nothing.

    Returns
    -------
    mirrors : list of Mirror
        Strings only; what they name is imported by the thread that feeds them.

    Examples
    --------
    >>> from azml_integrations import Mirror, hookimpl
    >>> @hookimpl
    ... def azml_mirrors():
    ...     return [Mirror("warehouse", activate="azml_warehouse.sending:activate")]
    """


@budget(float("inf"))
@hookspec(firstresult=True)
def azml_open_store(url: str) -> RunStore | None:
    """Keep the index somewhere else: return a store for a `url` scheme that is yours, or None.

    Parameters
    ----------
    url : str
        What the user wrote, ``postgresql://host/runs``.

    Returns
    -------
    store : RunStore or None
        None for a scheme of somebody else's.

    Examples
    --------
    >>> from azml_integrations import hookimpl
    >>> @hookimpl
    ... def azml_open_store(url):
    ...     if not url.startswith("acme://"):
    ...         return None
    ...     from azml_acme.store import AcmeStore
    ...
    ...     return AcmeStore(url)
    """


@hookspec
def azml_run_types() -> dict[str, str]:  # type: ignore[empty-body]
    """Offer classes for types of run.

    The class is a subclass of `Run` and is imported when a run of that type is met. Where it cannot be had, the run is
    a plain `Run`, with a warning.

    Returns
    -------
    types : dict of str to str
        ``"package.module:Class"`` by type, strings only.

    Examples
    --------
    >>> from azml_integrations import hookimpl
    >>> @hookimpl
    ... def azml_run_types():
    ...     return {"acme.tuning": "azml_acme.tuning:TuningRun"}
    """


# -- the life of a run -------------------------------------------------------------------------------


@hookspec
def azml_run_started(run: "Run") -> None:
    """See a run begin: it has an id, a folder and the status Running.

    Parameters
    ----------
    run : Run
        The live handle; child runs begin here too.

    Examples
    --------
    >>> import os
    >>> from azml_integrations import hookimpl
    >>> @hookimpl
    ... def azml_run_started(run):
    ...     if "SLURM_JOB_ID" in os.environ:
    ...         run.tag("slurm_job", os.environ["SLURM_JOB_ID"])
    """


@budget(5.0)
@hookspec
def azml_run_ending(run: "Run") -> None:
    """Add to a run before it ends: it still takes every verb, and its final status is not set yet.

    Every child run ends here too, so look first whether the run is one of yours.

    Parameters
    ----------
    run : Run
        The live handle. Whoever ends it here ends it; the user's own verdict stands all the same.

    Examples
    --------
    >>> import resource
    >>> from azml_integrations import hookimpl
    >>> @hookimpl
    ... def azml_run_ending(run):
    ...     run.log("peak_memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    """


@hookspec
def azml_run_ended(record: RunRecord) -> None:
    """See a run end.

    Parameters
    ----------
    record : RunRecord
        The final status, error, tags and properties; a copy for each plugin.

    Examples
    --------
    >>> import sys
    >>> from azml_integrations import hookimpl
    >>> @hookimpl
    ... def azml_run_ended(record):
    ...     if record.status == "Failed":
    ...         print(f"run {record.run_id} failed: {record.error}", file=sys.stderr)
    """


# -- how a run is shown ------------------------------------------------------------------------------


@budget(float("inf"))
@hookspec(firstresult=True)
def azml_portal_url(path: str, workspace: "Workspace", start: bool) -> str | None:
    """Say where pages of a workspace are served.

    Parameters
    ----------
    path : str
        The page, ``runs/<id>``.
    workspace : Workspace
        Whose page it is.
    start : bool
        Whether a server may be started for it: only when a user has asked for the address.

    Returns
    -------
    address : str or None
        None where nothing serves it.

    Examples
    --------
    >>> import os
    >>> from azml_integrations import hookimpl
    >>> @hookimpl
    ... def azml_portal_url(path, workspace):
    ...     server = os.environ.get("ACME_STUDIO")
    ...     return f"{server}/{workspace.name}/{path}" if server else None
    """


@budget(float("inf"))
@hookspec(firstresult=True)
def azml_run_document(run: "Run") -> str | None:
    """Draw a run your own way: return it as one complete HTML document, or None.

    `Run.to_html` asks. The document has to show the run with no server and nothing from elsewhere, and to escape what
    users, logs and file names say.

    Parameters
    ----------
    run : Run
        Any run of the workspace, also one of another process.

    Returns
    -------
    document : str or None
        None leaves it to the next plugin, at last to the core.

    Examples
    --------
    >>> import html
    >>> from azml_integrations import hookimpl
    >>> @hookimpl
    ... def azml_run_document(run):
    ...     if run.type != "acme.tuning":
    ...         return None
    ...     return f"<!doctype html><title>{html.escape(run.id)}</title><h1>{html.escape(run.id)}</h1>"
    """


# -- what a plugin adds ------------------------------------------------------------------------------


@hookspec
def azml_commands() -> dict[str, str]:  # type: ignore[empty-body]
    """Add commands to `azml`: return ``{"upload": "package.module:command"}``, strings only.

    The module is imported when its command is asked for, and not before: `azml --help` names it from the string alone.
    A name that `azml` has itself stays its own.

    Returns
    -------
    commands : dict of str to str
        Name of the command, and the address of a ``click.Command`` or ``click.Group``. One decorated with
        ``azml_integrations.cli.shared`` takes ``--workspace`` and ``--output`` as every command does;
        ``azml_integrations.cli.workspace()`` and ``form()`` return what the user chose.

    Examples
    --------
    >>> from azml_integrations import hookimpl
    >>> @hookimpl
    ... def azml_commands():
    ...     return {"best": "azml_acme.commands:best"}
    """


@hookspec
def azml_figure_renderers() -> list[Renderer]:  # type: ignore[empty-body]
    """Draw figures of another library: return one `Renderer` for each kind, made of strings only.

    `Run.log_image` asks for a figure that it cannot draw itself; what has ``savefig`` and what is pixels, it can. Your
    function gets the figure and returns the bytes of an image. It leaves the figure, and the settings of its library,
    as they are. When it raises, so does the user's call: with one error that names the plugin, and yours as its cause.

    Returns
    -------
    renderers : list of Renderer
        Names of classes, and the address of the function that draws them.

    Examples
    --------
    >>> from azml_integrations import hookimpl
    >>> from azml_integrations.offers import Renderer
    >>> @hookimpl
    ... def azml_figure_renderers():
    ...     return [Renderer("plotly", ("plotly.basedatatypes.BaseFigure",), "azml_acme.drawing:png_of_plotly")]
    """


@hookspec
def azml_panels() -> list[Panel]:  # type: ignore[empty-body]
    """Add sections to the studio's page of a run: return one `Panel` for each, made of strings only.

    The page comes without waiting for them, and fetches each afterwards; without scripts it links to them. Your
    function runs in the studio's process, in a thread of its own, gets the `Run` and returns facts: text, tables,
    pictures, links. HTML it cannot return, so that nothing that a run says becomes a part of the page. When it raises,
    or takes longer than 5 seconds, one line says so in its place.

    Returns
    -------
    panels : list of Panel
        Name, title, and the address of the function.

    Examples
    --------
    >>> from azml_integrations import hookimpl
    >>> from azml_integrations.offers import Panel
    >>> @hookimpl
    ... def azml_panels():
    ...     return [Panel("lift", "Lift", "azml_acme.panels:lift", needs="lift")]
    """


@hookspec
def azml_model_formats() -> list[ModelFormat]:  # type: ignore[empty-body]
    """Keep models of your framework: return one `ModelFormat` for each way, made of strings only.

    `azml_integrations.save_model` finds the format by the class of the model, `load_model` by its name in the stored
    ``model.json``. The core keeps size and digest of every file, gives your function only files that are as they were,
    and refuses a format that runs code to whoever has not asked for it.

    Returns
    -------
    formats : list of ModelFormat
        Name, classes, the addresses of two functions, and whether loading runs code.

    Examples
    --------
    >>> from azml_integrations import hookimpl
    >>> from azml_integrations.offers import ModelFormat
    >>> @hookimpl
    ... def azml_model_formats():
    ...     return [
    ...         ModelFormat(
    ...             name="xgboost-ubj",
    ...             classes=("xgboost.core.Booster",),
    ...             save="azml_acme.models:save",
    ...             load="azml_acme.models:load",
    ...             runs_code=False,
    ...         )
    ...     ]
    """


@budget(float("inf"))
@hookspec(firstresult=True)
def azml_launcher(target: str, workspace: "Workspace") -> Launcher | None:
    """Run submitted scripts somewhere else: return a launcher for a compute target that is yours, or None.

    ``ScriptRunConfig(..., compute_target="cluster")`` sends a script to the target ``cluster``. Every name that no
    plugin takes is this machine, and ``local`` always is: for that one nobody is asked.

    Parameters
    ----------
    target : str
        Name of the compute target, as the user typed it.
    workspace : Workspace
        Whose run it is.

    Returns
    -------
    launcher : Launcher or None
        What has its scripts run; None leaves the target to others.

    Examples
    --------
    >>> from azml_integrations import hookimpl
    >>> @hookimpl
    ... def azml_launcher(target, workspace):
    ...     if target == "cluster":
    ...         from azml_acme.cluster import Cluster
    ...
    ...         return Cluster(workspace, target)
    """
