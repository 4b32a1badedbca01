"""The whole contract between the core and its plugins.

A plugin is a module (or object) named by an entry point of the group ``azml_integrations``. It marks functions with
`hookimpl`, and takes only the arguments that it wants. These laws hold for every hook:

1. **Never block.** A hook runs in the user's thread. What takes longer than its budget (`budget`) is measured and
   named.
2. **Never raise.** An error becomes one `PluginWarning` and a note in the run, and all else goes on.
3. **Leave the user's exception as it is.** Who stands around a call of the user's re-raises the very object.
4. **Undo everything.** What was patched, registered or opened is put back when autolog is switched off.
5. **Import no framework at the top of the entry module.** It is loaded as soon as anybody asks for plugins.
6. **Change no argument.** Records are each plugin's own copy; a `run` is a live handle, to be used by its verbs.

A plugin that breaks a law three times in one run is left out for the rest of that run. No plugin code ever runs
inside `Run.log`.

An entry module may say ``requires_azml = ">=0.1,<2"``: it is not used with another version of azml_integrations, and
the reason stands in ``azml plugin list``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import pluggy

from .records import Adapter, RunRecord, RunStore

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
