"""The whole contract between the core and its plugins.

A plugin is a module (or object) named by an entry point of the group ``azml_integrations``. It marks
functions with `hookimpl`, and takes only the arguments it wants. Five laws hold for every hook: never
block; never raise; leave the user's exception as it is; be able to undo everything; import no framework
at the top of the entry module. No plugin code ever runs inside `Run.log`.
"""

from typing import TYPE_CHECKING

import pluggy

from .offers import ModelFormat, Panel, Renderer
from .records import Adapter, RunRecord, RunStore

if TYPE_CHECKING:
    from .core.run import Run
    from .core.workspace import Workspace

PROJECT = "azml_integrations"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def azml_adapters() -> list[Adapter]:  # type: ignore[empty-body]
    """Offer frameworks to `autolog`: return one `Adapter` for each, made of strings only."""


@hookspec(firstresult=True)
def azml_open_store(url: str) -> RunStore | None:
    """Keep the index somewhere else: return a store for a `url` scheme that is yours, or None."""


@hookspec
def azml_run_started(run: "Run") -> None:
    """See a run begin: it has an id, a folder and the status Running."""


@hookspec
def azml_run_ending(run: "Run") -> None:
    """Add to a run before it ends: it still takes every verb, and its final status is not set yet.

    Every child run ends here too, so look first whether the run is one of yours.
    """


@hookspec
def azml_run_ended(record: RunRecord) -> None:
    """See a run end: its record with the final status, error, tags and properties."""


@hookspec
def azml_run_types() -> dict[str, str]:  # type: ignore[empty-body]
    """Offer classes for types of run: return ``{"hyperdrive": "package.module:Class"}``, strings only.

    The class is a subclass of `Run` and is imported when a run of that type is met. Where it cannot be had, the run is
    a plain `Run`, with a warning.
    """


@hookspec(firstresult=True)
def azml_portal_url(path: str, workspace: "Workspace", start: bool) -> str | None:
    """Say where pages of a workspace are served: return the address of `path` (``runs/<id>``), or None.

    Only with `start`, when a user has asked for the address, may a server be started for it.
    """


@hookspec(firstresult=True)
def azml_run_document(run: "Run") -> str | None:
    """Draw a run your own way: return it as one complete HTML document, or None.

    `Run.to_html` asks. The document has to show the run with no server and nothing from elsewhere, and to escape what
    users, logs and file names say.
    """


@hookspec
def azml_commands() -> dict[str, str]:  # type: ignore[empty-body]
    """Add commands to `azml`: return ``{"upload": "package.module:command"}``, strings only.

    The module is imported when its command is asked for, and not before: `azml --help` names it from the string alone.
    A name that `azml` has itself stays its own.

    Returns
    -------
    dict of str to str
        Name of the command, and the address of a ``click.Command`` or ``click.Group``. One decorated with
        ``azml_integrations.cli.shared`` takes ``--workspace`` and ``--output`` as every command does;
        ``azml_integrations.cli.workspace()`` and ``form()`` return what the user chose.

    Examples
    --------
    >>> from azml_integrations.hookspecs import hookimpl
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
    list of Renderer
        Names of classes, and the address of the function that draws them.

    Examples
    --------
    >>> from azml_integrations.hookspecs import Renderer, hookimpl
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
    list of Panel
        Name, title, and the address of the function.

    Examples
    --------
    >>> from azml_integrations.hookspecs import Panel, hookimpl
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
    list of ModelFormat
        Name, classes, the addresses of two functions, and whether loading runs code.

    Examples
    --------
    >>> from azml_integrations.hookspecs import ModelFormat, hookimpl
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
