"""``azml plugin``: new."""

import click

from .plugin_writing import new


@click.group()
def plugin() -> None:
    """Write plugins: adapters for frameworks, and whatever else extends azml."""


plugin.add_command(new)
