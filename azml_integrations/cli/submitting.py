"""``azml submit``, and what follows it: ``azml run stream|wait|cancel``."""

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..records import TERMINAL, RunStatus
from . import words
from .choices import (
    NotFoundError,
    complete_experiment,
    complete_run,
    form,
    found,
    pairs,
    shared,
    workspace,
)

if TYPE_CHECKING:
    from ..core import Run, Workspace
    from ..core.environment import Environment
    from ..core.runconfig import PyTorchConfiguration

FAILED = 1
"""Exit code when the run that was waited for has failed or was canceled."""


@click.command()
@click.argument("script", required=False, type=click.Path(path_type=Path))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- ARGUMENT...]")
@click.option("--source", type=click.Path(path_type=Path), help="Folder to run in a copy of; by default the script's.")
@click.option("--command", metavar="LINE", help="A line for the shell instead of a script.")
@click.option("--experiment", metavar="NAME", shell_complete=complete_experiment, help="By default the script's name.")
@click.option("--target", default="local", show_default=True, help="Compute target whose queue it joins.")
@click.option("--environment", metavar="NAME[:VERSION]", help="A registered environment.")
@click.option("--python", type=click.Path(path_type=Path), help="Interpreter; by default the one that runs `azml`.")
@click.option("--build-env", is_flag=True, help="Build the environment that it asks for, once, with pip.")
@click.option("--processes", type=click.IntRange(1), default=1, show_default=True, help="Ranks of one PyTorch run.")
@click.option("--max-seconds", type=click.FloatRange(0, min_open=True), help="Cancel it when it takes longer.")
@click.option("--tag", "tags", multiple=True, metavar="KEY[=VALUE]", help="Repeatable.")
@click.option("--stream", is_flag=True, help="Follow it to its end; then the exit code tells how it ended.")
@shared
def submit(
    script: Path | None,
    arguments: tuple[str, ...],
    source: Path | None,
    command: str | None,
    experiment: str | None,
    target: str,
    environment: str | None,
    python: Path | None,
    build_env: bool,
    processes: int,
    max_seconds: float | None,
    tags: tuple[str, ...],
    stream: bool,
) -> None:
    """Run a script in the background, in a copy of its folder, and print its run's id.

    What stands behind -- goes to the script as it is.
    """
    from ..core import Experiment, Workspace
    from ..core.runconfig import LONGEST
    from ..core.script_run_config import ScriptRunConfig

    if (script is None) == (command is None):
        raise click.UsageError("give either a script or --command LINE")
    try:
        space = workspace()
    except NotFoundError:
        space = Workspace.from_config()  # as a script that logs makes it
    folder = _folder(script, source)
    config = ScriptRunConfig(
        folder,
        None if script is None else str(_inside(script, folder)),
        list(arguments),
        compute_target=target,
        environment=_environment(space, environment, python),
        distributed_job_config=_ranks(processes),
        command=command,
        max_run_duration_seconds=LONGEST if max_seconds is None else max_seconds,
    )
    name = experiment or _experiment(script)
    run = Experiment(space, name).submit(config, pairs(tags), build=build_env or None)
    if stream:
        run.wait_for_completion(show_output=True, raise_on_error=False)
        _leave(run)
    elif form() == "json":
        words.document({"run_id": run.id, "experiment": name, "status": run.get_status()})
    else:
        click.echo(run.id)


def _folder(script: Path | None, source: Path | None) -> Path:
    """Return the source folder: the one named, else the working folder if the script lies in it, else the script's."""
    if source is not None:
        return source
    here = Path.cwd()
    if script is None or script.resolve().is_relative_to(here):
        return here if script is None or script.parent == Path() else script.resolve().parent
    return script.resolve().parent


def _inside(script: Path, folder: Path) -> Path:
    """Return the script's path as the source folder has it."""
    if (folder / script).exists():
        return script
    return script.resolve()


def _experiment(script: Path | None) -> str:
    from ..core.facts import named_like

    return named_like(Path.cwd().name if script is None else script.stem)


def _environment(space: "Workspace", named: str | None, python: Path | None) -> "Environment | None":
    from ..core.environment import Environment

    if named is not None:
        name, _, version = named.partition(":")
        environment = Environment.get(space, name, version or None)
    elif python is not None:
        environment = Environment("user-managed")
        environment.python.user_managed_dependencies = True
    else:
        return None
    if python is not None:
        environment.python.interpreter_path = str(python)
    return environment


def _ranks(processes: int) -> "PyTorchConfiguration | None":
    from ..core.runconfig import PyTorchConfiguration

    return None if processes == 1 else PyTorchConfiguration("Gloo", process_count=processes)


# -- a run that was submitted ------------------------------------------------------------------------


@click.command()
@click.argument("id", shell_complete=complete_run)
@shared
def stream(id: str) -> None:
    """Print what a run prints until it has ended; then the exit code tells how it ended."""
    run = _run(id)
    run.wait_for_completion(show_output=True, raise_on_error=False)
    _leave(run)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("id", shell_complete=complete_run)
@click.option("--then", is_flag=True, help="Then run the command behind it, however the run has ended.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[COMMAND [ARGUMENT...]]")
@shared
def wait(id: str, then: bool, command: tuple[str, ...]) -> None:
    """Wait until a run has ended, and say how.

    With --then, the command behind it is started without a shell; {id} and {status} in its words are filled in. Its
    exit code is this one's.
    """
    if then != bool(command):
        raise click.UsageError("--then wants a command behind it, as in: azml run wait ID --then notify-send {id}")
    run = _run(id)
    status = run.wait_for_completion(raise_on_error=False)["status"]
    click.echo(f"{run.id} {status}")
    if then:
        filled = [word.replace("{id}", run.id).replace("{status}", status) for word in command]
        try:
            code = subprocess.run(filled, check=False).returncode  # noqa: S603 - the user's own command
        except OSError as error:
            raise click.ClickException(f"{filled[0]} cannot be started: {error.strerror or error}") from error
        click.get_current_context().exit(code if code >= 0 else 128 - code)
    _leave(run)


@click.command()
@click.argument("ids", nargs=-1, required=True, shell_complete=complete_run, metavar="ID...")
@click.option("--wait", "wait_", is_flag=True, help="Return when they have ended.")
@shared
def cancel(ids: tuple[str, ...], wait_: bool) -> None:
    """End runs early, with all processes that they have started; one that waits never starts."""
    runs = [_run(text) for text in ids]
    for run in runs:
        if run.get_status() in TERMINAL:
            click.echo(f"{run.id} is {run.get_status()} already", err=True)
        else:
            run.cancel()
    for run in runs if wait_ else ():
        run.wait_for_completion(raise_on_error=False)
    for run in runs:
        click.echo(f"{run.id} {run.get_status()}")


def _run(id: str) -> "Run":
    space = workspace()
    return space.get_run(found(space, id).run_id)


def _leave(run: "Run") -> None:
    if run.get_status() != RunStatus.COMPLETED:
        click.get_current_context().exit(FAILED)
