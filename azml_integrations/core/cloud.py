"""The verbs of SDK v1 that need the cloud: they are there, and say what to do instead."""

from typing import NoReturn

from ..errors import NeedsCloudError


def verb(kind: str, name: str) -> "staticmethod[..., NoReturn]":
    """Return a verb for a class, which takes anything and refuses.

    Parameters
    ----------
    kind, name : str
        The class and the verb. What to do instead stands in the table that `azml check` reads, and is looked up when
        somebody calls.
    """

    def refuse(*_: object, **__: object) -> NoReturn:
        from ..checking import member

        found = member(kind, name)
        raise NeedsCloudError(f"{kind}.{name}", found[1].why if found is not None else "")

    refuse.__name__, refuse.__qualname__ = name, f"{kind}.{name}"
    refuse.__doc__ = "Refuse: this needs the cloud."
    return staticmethod(refuse)
