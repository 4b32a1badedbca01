"""``azml plugin new``: a distribution that passes its own tests, for its author to go on with."""

import keyword
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

import click

from .._version import __version__
from .choices import shared

_NAME = re.compile(r"[a-z](?:[a-z0-9]|[-_.](?=[a-z0-9]))*", re.IGNORECASE)
_LONGEST = 80
_RESERVED = frozenset({"integrations", "plugins"})
"""``azml_integrations`` is the core, and ``azml_plugins`` the file beside a script."""

_NEEDED = frozenset(
    {
        *("click", "iniconfig", "matplotlib", "msgspec", "numpy", "packaging"),
        *("platformdirs", "pluggy", "pygments", "pytest", "rich", "yaml"),
    }
)
"""What the tests of a plugin import; a stand-in of that name, beside them, would take its place."""


@dataclass(frozen=True)
class Names:
    """What a plugin and its parts are called.

    Attributes
    ----------
    distribution : str
        What one installs, ``azml-my-framework``: in the form of PEP 503.
    package : str
        What Python imports, ``azml_my_framework``.
    framework : str
        What users import and give to `autolog`, ``my_framework``.
    """

    distribution: str
    package: str
    framework: str

    @classmethod
    def of(cls, name: str) -> "Names":
        """Return the names for a framework.

        Parameters
        ----------
        name : str
            Of the framework, as it is installed or imported; ``azml-`` before it says nothing new.

        Raises
        ------
        BadParameter
            If nothing can be installed, or imported, under that name.
        """
        short = re.sub(r"[-_.]+", "-", name).lower().removeprefix("azml-")
        framework = short.replace("-", "_")
        if len(name) > _LONGEST or not _NAME.fullmatch(name):
            raise click.BadParameter(
                f"{name!r} is no name for a plugin; expected that of a framework: a letter, then letters and digits, "
                f"with single - _ . between them, {_LONGEST} at most"
            )
        if not _NAME.fullmatch(short) or keyword.iskeyword(framework):
            raise click.BadParameter(f"{name!r} leads to {framework!r}, which Python cannot import")
        if framework in _RESERVED or framework in sys.stdlib_module_names:
            raise click.BadParameter(f"{name!r} is taken: {framework!r} belongs to Python, or to azml_integrations")
        if framework in _NEEDED:
            raise click.BadParameter(f"{name!r} is taken: the tests of a plugin need {framework!r} themselves")
        return cls(f"azml-{short}", f"azml_{framework}", framework)

    def paths(self) -> Mapping[str, str]:
        """Return the files of a distribution, each with the template that it is made of."""
        return {
            "pyproject.toml": "pyproject.toml.txt",
            "README.md": "README.md.txt",
            ".gitignore": "gitignore.txt",
            ".github/workflows/tests.yml": "tests.yml.txt",
            f"{self.package}/__init__.py": "entry_module.py.txt",
            f"{self.package}/observers.py": "observers.py.txt",
            f"tests/{self.framework}.py": "stand_in.py.txt",
            "tests/test_contract.py": "test_contract.py.txt",
        }


@click.command()
@click.argument("name", metavar="FRAMEWORK")
@click.option(
    "--into",
    type=click.Path(exists=True, file_okay=False, writable=True, path_type=Path),
    default=Path(),
    help="Folder to write it in; the current one by default.",
)
@shared
def new(name: str, into: Path) -> None:
    """Write a distribution that teaches azml another FRAMEWORK, and passes its own tests as it is.

    It lies in a folder of its own, azml-FRAMEWORK. Nothing that is there is overwritten.
    """
    names = Names.of(name)
    folder = write(names, into)
    click.echo(f"wrote {folder}; now: cd {folder} && python -m pip install -e . pytest && python -m pytest")


def write(names: Names, into: Path) -> Path:
    """Write a distribution, whole or not at all.

    Parameters
    ----------
    names : Names
        What it is called.
    into : Path
        Where its folder is made.

    Returns
    -------
    folder : Path
        The new folder.

    Raises
    ------
    ClickException
        If there is something of that name.
    OSError
        If the disk refuses.
    """
    folder = into / names.distribution
    try:
        folder.mkdir()
    except FileExistsError:
        raise click.ClickException(f"{folder} is there already; nothing was written") from None
    try:
        for path, content in _contents(names).items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8", newline="\n")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _contents(names: Names) -> dict[str, str]:
    """Return the text of each file by its path."""
    words = {
        "distribution": names.distribution,
        "package": names.package,
        "framework": names.framework,
        "version": ".".join(__version__.split(".")[:2]),
    }
    templates = files(__package__) / "plugin_template"
    return {
        path: Template((templates / template).read_text(encoding="utf-8")).substitute(words)
        for path, template in names.paths().items()
    }
