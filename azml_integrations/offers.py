"""What a plugin can offer, as facts made of strings: what stands behind an address is imported when it is used."""

from collections.abc import Sequence
from typing import TypeAlias

import msgspec


class Renderer(msgspec.Struct, frozen=True):
    """How `Run.log_image` draws figures of classes that the core does not know.

    Attributes
    ----------
    name : str
        What it draws, for messages: ``plotly``.
    classes : tuple of str
        Full names of classes, ``plotly.basedatatypes.BaseFigure``; subclasses are drawn too.
    draw : str
        ``"package.module:function"``; called with the figure, returns the bytes of a PNG, JPEG, GIF, WebP or SVG file.
    """

    name: str
    classes: tuple[str, ...]
    draw: str


class ModelFormat(msgspec.Struct, frozen=True, kw_only=True):
    """A way to keep models of some classes as files.

    Attributes
    ----------
    name : str
        Stands in each model's ``model.json``, and finds the format again: ``xgboost-ubj``. It never changes.
    classes : tuple of str
        Full names of the classes of models, ``xgboost.core.Booster``; subclasses count.
    save : str
        ``"package.module:function"``; called with the model, an empty folder as a ``Path``, and the user's options by
        name; writes one file or several there, none of them named ``model.json``.
    load : str
        ``"package.module:function"``; called with a folder that holds these files, as they were; returns the model. The
        folder is gone afterwards.
    runs_code : bool
        Whether loading runs code that the files bring along, as a pickle does. Such a model is loaded only by who asks
        for it with ``trust=True``. When in doubt, True.
    packages : tuple of str
        Distributions whose versions stand in ``model.json``.
    how : str
        How people load it without us.
    """

    name: str
    classes: tuple[str, ...]
    save: str
    load: str
    runs_code: bool
    packages: tuple[str, ...] = ()
    how: str = ""


class Panel(msgspec.Struct, frozen=True):
    """A section on the studio's page of a run.

    Attributes
    ----------
    name : str
        In addresses: small letters, digits and hyphens.
    title : str
        Its heading.
    draw : str
        ``"package.module:function"``; called with the `Run` each time that somebody looks at its page, returns `Text`,
        `Table`, `Picture` or `Links`, a list of them, or None where there is nothing to show. It reads only.
    needs : str
        Name of a metric, or key of a property or tag, without which a run has no such panel; empty for every run.
    """

    name: str
    title: str
    draw: str
    needs: str = ""


class Text(msgspec.Struct, frozen=True, tag="text"):
    """Words in a panel, shown as they are; a line stays a line.

    Attributes
    ----------
    words : str
        The text: never HTML.
    """

    words: str


class Table(msgspec.Struct, frozen=True, tag="table"):
    """A table in a panel.

    Attributes
    ----------
    columns : sequence of str
        Its head.
    rows : sequence of sequence
        Of length n_columns each: numbers, text, bool or None; anything else is shown as its text.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


class Picture(msgspec.Struct, frozen=True, tag="picture"):
    """An image in a panel.

    Attributes
    ----------
    content : bytes
        A PNG, JPEG, GIF, WebP or SVG file; a script in an SVG never runs.
    words : str
        What it shows, for who does not see it.
    """

    content: bytes
    words: str


class Links(msgspec.Struct, frozen=True, tag="links"):
    """Links in a panel.

    Attributes
    ----------
    addresses : dict of str to str
        By what they are called: addresses that begin with ``http://`` or ``https://``, or names of files of the run.
    """

    addresses: dict[str, str]


Part: TypeAlias = Text | Table | Picture | Links
"""What a panel may hold: the page writes the HTML, and escapes whatever stands in these."""


def suffix_of(content: object) -> str | None:
    """Return the suffix of an image that a browser shows, by its first bytes; None of anything else."""
    if not isinstance(content, (bytes, bytearray, memoryview)):
        return None
    head = bytes(content[:1024])
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return ".webp"
    found = next((suffix for begin, suffix in _SUFFIXES.items() if head.startswith(begin)), None)
    return ".svg" if found is None and b"<svg" in head else found


_SUFFIXES = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif"}


def is_one_of(value: object, classes: Sequence[str]) -> bool:
    """Tell whether the class of a value, or one that it derives from, has one of these full names.

    The classes are compared by name, so that nobody has to import them.
    """
    wanted = (classes,) if isinstance(classes, str) else classes
    return any(f"{one.__module__}.{one.__qualname__}" in wanted for one in type(value).__mro__)
