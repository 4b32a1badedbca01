"""The root of the command line: global options, and what becomes of errors."""

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from .. import errors
from .._version import __version__
from . import submitting
from .checking import check
from .choices import shared
from .computes import compute
from .datasets import dataset
from .diagnosis import doctor
from .experiments import experiment
from .mirrors import mirror
from .models import model
from .offered import offers
from .plugins import plugin
from .runs import run
from .studio import studio
from .sweeps import sweep
from .trash import trash
from .words import visible

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

NOT_FOUND, INTERRUPTED = 3, 130


class Root(click.Group):
    """A group that ends as the command line promises: one line for an error of ours, and a code that tells.

    Its own commands are listed; those of plugins are found when their name is asked for, or help is.
    """

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command of ours, else one of a plugin, which is imported now."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        offer = offers(self.commands).get(cmd_name)
        return None if offer is None else offer.command()

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a traceback out of a plugin's names the plugin."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            name = ctx.invoked_subcommand
            if name is not None and name not in self.commands and (offer := offers(self.commands).get(name)):
                error.add_note(f"the command {name!r} comes from plugin {offer.plugin!r}")
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List our commands, and after them those of plugins by name; nothing of theirs is imported for that."""
        super().format_commands(ctx, formatter)
        added = [
            (offer.name, f"from plugin {offer.plugin}") for offer in sorted(offers(self.commands).values(), key=str)
        ]
        if added:
            with formatter.section("Commands of plugins"):
                formatter.write_dl(added)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Complete the names of plugins' commands, too."""
        from click.shell_completion import CompletionItem

        added = (offer for offer in offers(self.commands).values() if offer.name.startswith(incomplete))
        several = [CompletionItem(offer.name, help=f"from plugin {offer.plugin}") for offer in added]
        return super().shell_complete(ctx, incomplete) + several

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command and leave with its code."""
        run: Callable[[], Any] = partial(super().main, args, prog_name, complete_var, standalone_mode=False, **extra)
        if not standalone_mode:
            return run()
        try:
            with _warnings_in_a_line():
                answer = run()
                sys.stdout.flush()
        except (click.Abort, click.ClickException, KeyboardInterrupt, errors.AzmlError, OSError) as error:
            sys.exit(_told(error))
        sys.exit(answer if isinstance(answer, int) else 0)


def _told(error: BaseException) -> int:
    """Tell the user of an error in one line and return the code that says the same."""
    match error:
        case click.Abort() | KeyboardInterrupt():
            line, code = "interrupted", INTERRUPTED
        case click.UsageError():
            error.show()
            return error.exit_code
        case click.ClickException():
            line, code = f"error: {visible(error.message)}", error.exit_code
        case errors.AzmlError():
            line = f"error: {visible(error.message)}"
            code = NOT_FOUND if isinstance(error, (KeyError, FileNotFoundError)) else 1
        case BrokenPipeError():
            _forget_stdout()
            return 1
        case _:
            line, code = f"error: {visible(str(error))}", 1
    _say(line)
    return code


def _say(line: str) -> None:
    with contextlib.suppress(OSError):
        click.echo(line, err=True)


def _forget_stdout() -> None:
    """Whoever read our output has seen enough; the interpreter must not stumble over it at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def _warnings_in_a_line() -> Iterator[None]:
    """Show our warnings as one line each on stderr, without the place in our code where they arose."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", errors.AzmlWarning)
        before, told = warnings.showwarning, set[str]()

        def show(message: Warning | str, category: type[Warning], *place: Any) -> None:
            if not issubclass(category, errors.AzmlWarning):
                before(message, category, *place)
            elif str(message) not in told:
                told.add(str(message))
                _say(f"warning: {visible(str(message))}")

        warnings.showwarning = show  # type: ignore[assignment]
        yield


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="azml_integrations %(version)s")
@shared
def azml() -> None:
    """Run scripts; read, and repair, the runs that they have recorded.

    An ID is a run's id, a beginning of it that no other run has, EXPERIMENT/NUMBER, @latest or EXPERIMENT/@latest.

    Exit codes: 0 well, 1 an error, or something found by doctor or check, 2 wrong usage, 3 not found, 130 interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal's encoding lacks


for verb in (submitting.stream, submitting.wait, submitting.cancel):
    run.add_command(verb)
azml.add_command(submitting.submit)
azml.add_command(run)
azml.add_command(compute)
azml.add_command(experiment)
azml.add_command(mirror)
azml.add_command(model)
azml.add_command(plugin)
azml.add_command(dataset)
azml.add_command(studio)
azml.add_command(doctor)
azml.add_command(check)
azml.add_command(sweep)
azml.add_command(trash)
