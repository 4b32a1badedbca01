"""Looking up registered models: what a search asks for, in SDK v1's shapes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import asdict

from .. import errors, names
from ..records import ModelRecord
from ..store.registry import Registry

if TYPE_CHECKING:
    from .workspace import Workspace


class Wanted(msgspec.Struct, frozen=True):
    """What a search asks for."""

    tags: dict[str, str | None] = {}
    properties: dict[str, str | None] = {}
    run_id: str | None = None
    framework: str | None = None
    dataset_id: str | None = None
    version: int | None = None

    def fits(self, record: ModelRecord) -> bool:
        """Tell whether a model is among what is asked for."""
        return (
            _has(record.tags, self.tags)
            and _has(record.properties, self.properties)
            and self.run_id in (None, record.run_id)
            and self.framework in (None, record.framework)
            and self.version in (None, record.version)
            and (self.dataset_id is None or any(use.id == self.dataset_id for use in record.datasets))
        )


def _has(there: Mapping[str, str | None], wanted: Mapping[str, str | None]) -> bool:
    return all(key in there and value in (None, there[key]) for key, value in wanted.items())


def pairs(what: str, given: object) -> dict[str, str | None]:
    """Return filters of SDK v1's shapes: keys and pairs in a list, or a dict, or one key."""
    if given is None:
        return {}
    if isinstance(given, str):
        return {given: None}
    if isinstance(given, Mapping):
        return {str(key): None if value is None else str(value) for key, value in given.items()}
    found: dict[str, str | None] = {}
    for one in given if isinstance(given, (list, tuple, set, frozenset)) else [given]:
        match one:
            case str():
                found[one] = None
            case [str() as key, value]:
                found[key] = None if value is None else str(value)
            case _:
                raise errors.OptionError(
                    f"{what} got {one!r}; expected a list of keys and pairs, as ['stage', ['area', 'diabetes']]"
                )
    return found


def asked(name: object, id: object, version: object) -> tuple[str | None, int | None]:
    """Return the name and the version that a look-up asks for."""
    if id is not None:
        own, colon, last = str(id).rpartition(":")
        if not colon:
            raise errors.WebserviceException(f"the id of a model is name:version, not {id!r}")
        name, version = own, last
    return None if name is None else names.model(name), None if version is None else number_of(version)


def number_of(version: object) -> int:
    """Return a version as a number.

    Raises
    ------
    WebserviceException
        If it is none.
    """
    try:
        found = int(str(version))
    except ValueError:
        found = 0
    if found < 1:
        raise errors.WebserviceException(f"the version of a model is a whole number from 1 on, not {version!r}")
    return found


def newest_first(record: ModelRecord) -> tuple[float, str, int]:
    """Return a key to sort models by: those that were registered last first."""
    return -record.at, record.name, -record.version


def not_found(
    workspace: "Workspace", shelf: Registry, name: str | None, version: int | None, wanted: Wanted
) -> errors.RegisteredModelNotFoundError:
    """Return the error that says what was asked for, and what there is in its place."""
    told = "" if name is None else name if version is None else f"{name}:{version}"
    given = {key: value for key, value in asdict(wanted).items() if value and (key != "version" or name is None)}
    if given:
        told += " with " + ", ".join(f"{key} {value}" for key, value in given.items())
    return errors.RegisteredModelNotFoundError(told.strip(), workspace.name, there_is(shelf, name))


def there_is(shelf: Registry, name: str | None) -> list[str]:
    """Return what there is in place of what was asked for: the versions of the name, or the names."""
    if name is not None and (versions := shelf.versions(name)):
        return [f"{name}:{version}" for version in versions]
    return sorted({record.name for record in shelf.records()})
