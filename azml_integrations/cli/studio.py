"""``azml studio``: the pages of a workspace in a browser."""

import click

from .choices import shared, workspace


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8484, show_default=True, help="0 takes a free one.")
@click.option(
    "--host",
    "name",
    default="127.0.0.1",
    show_default=True,
    metavar="NAME",
    help="Where to listen. Everywhere, only who has the link comes in; it is not encrypted.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME[:PORT]",
    help="A further name that browsers reach it by, as behind a proxy. Repeatable.",
)
@click.option("--browser/--no-browser", default=True, help="Whether to open a browser.")
@click.option("--until-closed", is_flag=True, hidden=True, help="End when the standard input does.")
@shared
def studio(port: int, name: str, hosts: tuple[str, ...], browser: bool, until_closed: bool) -> None:
    """Show the runs of a workspace in a browser, on this machine alone."""
    from ..portal import serving

    def told(said: serving.Announcement) -> None:
        link = serving.link(said)
        click.echo(f"the studio of {space.root} is at\n\n    {link}\n\nCtrl-C ends it")
        if browser:
            click.launch(link)

    space = workspace()
    serving.serve(space, name=name, port=port, hosts=hosts, until_closed=until_closed, told=told)
