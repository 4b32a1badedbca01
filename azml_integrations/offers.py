"""What a plugin can offer, as facts made of strings: what stands behind an address is imported when it is used."""

from collections.abc import Sequence

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


def is_one_of(value: object, classes: Sequence[str]) -> bool:
    """Tell whether the class of a value, or one that it derives from, has one of these full names.

    The classes are compared by name, so that nobody has to import them.
    """
    wanted = (classes,) if isinstance(classes, str) else classes
    return any(f"{one.__module__}.{one.__qualname__}" in wanted for one in type(value).__mro__)
