"""Commands that plugins add: known by name, imported when they are asked for."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Collection

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class Offer:
    """A command that a plugin adds.

    Attributes
    ----------
    name : str
        As it is typed.
    plugin : str
        Who adds it.
    address : str
        ``package.module:command``.
    """

    name: str
    plugin: str
    address: str

    def command(self) -> click.Command:
        """Import the command.

        Raises
        ------
        ClickException
            If it cannot be had.
        """
        from ..plugins import reach

        try:
            found = reach(self.address)
            if not isinstance(found, click.Command):
                raise TypeError(f"{self.address} is a {type(found).__name__}, no click.Command")  # noqa: TRY301 - told as the others
        except (Exception, SystemExit) as error:
            told = f"{type(error).__name__}: {error}"
            raise click.ClickException(
                f"the command {self.name!r} of plugin {self.plugin!r} cannot be had: {told}; "
                f"AZML_DISABLE_PLUGINS={self.plugin} leaves the plugin out"
            ) from error
        return found


def offers(ours: "Collection[str]") -> dict[str, Offer]:
    """Return the commands of all plugins by name; nothing of theirs is imported but their entry modules.

    Parameters
    ----------
    ours : collection of str
        Names that are taken.

    Warns
    -----
    PluginWarning
        For a command that cannot be added: it has the name of another one, or is no name and address.
    """
    from ..plugins import plugins

    found: dict[str, Offer] = {}
    for plugin, answer in plugins().offers("azml_commands"):
        for name, address in answer.items() if isinstance(answer, dict) else [(answer, None)]:
            why = _why_not(name, address, ours, found)
            if why:
                plugins().blame(plugin, f"command {name!r}", why)
            else:
                found[name] = Offer(name, plugin, str(address))
    return found


def _why_not(name: object, address: object, ours: "Collection[str]", found: dict[str, Offer]) -> str:
    """Return why a command is not added, or nothing."""
    if not isinstance(name, str) or not isinstance(address, str):
        return 'it is left out; expected a dict such as {"upload": "package.module:command"}'
    if not _NAME.fullmatch(name):
        return "it is left out; a name has small letters, digits and hyphens"
    if name in ours:
        return "it is left out; azml has a command of that name"
    if name in found:
        return f"it is left out; plugin {found[name].plugin!r} has a command of that name"
    return ""
