"""Settings under fixed names, written in snake case here and in camelCase in files."""

import dataclasses
import functools
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

from .. import errors


class Section:
    """A group of settings; a name that it does not have is refused, since it would be a typing error without effect.

    A subclass is a dataclass. The metadata of a field may name its ``key`` in files, and the section that the
    values of a dict are (``of``).
    """

    __dataclass_fields__: "ClassVar[dict[str, dataclasses.Field[Any]]]"

    def __setattr__(self, name: str, value: object) -> None:
        """Set a field or a property.

        Raises
        ------
        FieldError
            If there is none of that name.
        """
        if name not in self.__dataclass_fields__ and not isinstance(getattr(type(self), name, None), property):
            raise errors.FieldError(type(self).__name__, name, self._names())
        object.__setattr__(self, name, value)

    @classmethod
    def _names(cls) -> list[str]:
        properties = (name for name in dir(cls) if isinstance(getattr(cls, name, None), property))
        return sorted({*cls.__dataclass_fields__, *properties})

    def as_definition(self) -> dict[str, Any]:
        """Return the settings as JSON can hold them, under their names in files."""
        return {_key(field): plain(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @classmethod
    def from_definition(cls, definition: Mapping[str, Any], where: str = "the definition") -> Self:
        """Return the settings that a file holds; what it does not name keeps its default.

        Parameters
        ----------
        definition : dict
            Names as in files; snake case is understood too.
        where : str
            What to call the file when it is wrong.

        Raises
        ------
        SpecificationError
            If a part of it is no mapping, or a name is nearly one that there is.

        Warns
        -----
        SubmissionWarning
            When there are names that mean nothing here; they are left out.
        """
        section = cls()
        section._take(definition, where)
        return section

    def _take(self, definition: Mapping[str, Any], where: str) -> None:
        if not isinstance(definition, Mapping):
            raise errors.SpecificationError(
                where, f"holds {errors.a(definition)} for a {type(self).__name__}", "a mapping of names to values"
            )
        fields = {_key(field): field for field in self.__dataclass_fields__.values()}
        unknown = []
        for name, value in definition.items():
            field = fields.get(camel(str(name)))
            if field is None:
                unknown.append(str(name))
            else:
                setattr(self, field.name, self._read(field, value, where))
        _refuse_misspelt(unknown, list(fields), where)

    def _read(self, field: "dataclasses.Field[Any]", value: Any, where: str) -> Any:
        """Return a field's value from what a file holds for it."""
        kind = field.metadata.get("of")
        if kind is not None:
            return {
                str(name): kind.from_definition(part, f"{where}, {name}") for name, part in dict(value or {}).items()
            }
        present = getattr(self, field.name)
        if isinstance(present, Section) and value is not None:
            return type(present).from_definition(value, f"{where}, {_key(field)}")
        return value


@functools.cache
def camel(name: str) -> str:
    """Return a name as files write it: ``node_count`` as ``nodeCount``."""
    return re.sub(r"_+([a-z0-9])", lambda found: found[1].upper(), name)


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it; what it cannot is told by its definition, or else in words."""
    if value is None or type(value) in _AS_THEY_ARE:
        return value
    for kind, convert in _PLAIN:
        if isinstance(value, kind):
            return convert(value)
    as_definition = getattr(value, "as_definition", None)
    return plain(as_definition()) if callable(as_definition) else str(value)


_AS_THEY_ARE = frozenset({bool, int, float, str})
_PLAIN: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (int, int),
    (float, float),  # numpy's float64 is a float that no YAML knows
    (str, str.__str__),  # of an enum that is a string, the string
    (Mapping, lambda value: {str(name): plain(part) for name, part in value.items()}),
    ((list, tuple, set, frozenset), lambda value: [plain(part) for part in value]),
    (os.PathLike, os.fspath),
)


def read_yaml(path: "str | os.PathLike[str]", wanted: str) -> dict[str, Any]:
    """Return the mapping that a YAML file holds; nothing that the file says is ever executed.

    Raises
    ------
    SourceNotFoundError
        If the file is not there.
    SpecificationError
        If it is no YAML, or no mapping.
    """
    import yaml

    try:
        with open(path, encoding="utf-8-sig") as file:  # noqa: PTH123 - a path of any kind
            found = yaml.safe_load(file)
    except FileNotFoundError:
        raise errors.SourceNotFoundError(os.fspath(path), f"a file with {wanted}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise errors.SpecificationError(os.fspath(path), f"cannot be read: {error}", wanted) from error
    if not isinstance(found, dict):
        raise errors.SpecificationError(os.fspath(path), f"holds {errors.a(found)}", wanted)
    return found


def to_yaml(content: Mapping[str, Any]) -> str:
    """Return a mapping as YAML, in its own order."""
    import yaml

    text: str = yaml.safe_dump(plain(content), sort_keys=False, allow_unicode=True, default_flow_style=False)
    return text


def _key(field: "dataclasses.Field[Any]") -> str:
    key: str = field.metadata.get("key") or camel(field.name)
    return key


def _refuse_misspelt(unknown: list[str], there: list[str], where: str) -> None:
    for name in unknown:
        if meant := errors.guess(name, there):
            raise errors.SpecificationError(where, f"has {name!r}{meant}", errors.few(there, 40))
    if unknown:
        errors.warn_outside(
            f"{where} has {errors.few(unknown)}, which means nothing here and is left out", errors.SubmissionWarning
        )
