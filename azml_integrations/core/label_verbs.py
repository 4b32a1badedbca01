"""The verbs that label a run: tags, properties, names, description."""

import contextlib
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from .. import errors, names
from ..records import PropertiesAdded, RunDescribed, TagsRemoved, TagsSet
from .handle import RunHandle
from .pages import made_up_name

ARCHIVED = "azml.archived"
"""Tag of a run that was put away; its value is when."""


class LabelVerbs(RunHandle):
    """What a run is called, and what stands on it."""

    def tag(self, key: str, value: str | None = None) -> None:
        """Set a tag, or overwrite it.

        Parameters
        ----------
        key : str
            Name of the tag.
        value : str, default=None
            Anything else is stored as its string, with a warning.
        """
        self.set_tags({names.label("tag", key): value})

    def set_tags(self, tags: Mapping[str, str | None]) -> None:
        """Set several tags, or overwrite them.

        Parameters
        ----------
        tags : dict of str to str
            Values of other types are stored as their strings, with a warning.
        """
        self._append(TagsSet(self._texts("tag", tags, nothing=True), time.time()))
        self._fold()

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Take tags away.

        Parameters
        ----------
        tags : list of str
            Their names; unknown ones are no error.
        """
        keys = [tags] if isinstance(tags, str) else list(tags)
        self._append(TagsRemoved([names.label("tag", key) for key in keys], time.time()))
        self._fold()

    @property
    def tags(self) -> dict[str, str | None]:
        """Return the tags."""
        return dict(self._record().tags)

    def get_tags(self) -> dict[str, str | None]:
        """Return the tags."""
        return self.tags

    def add_properties(self, properties: Mapping[str, str]) -> None:
        """Add properties, which never change afterwards.

        Parameters
        ----------
        properties : dict of str to str
            Values of other types are stored as their strings. An empty dict does nothing.

        Raises
        ------
        PropertyError
            If one of them is there with another value; none is added then.
        """
        texts = self._texts("property", properties, nothing=False)
        if not texts:
            return
        there = self.properties
        for key, value in texts.items():
            if there.get(key, value) != value:
                raise errors.PropertyError(key, there[key], value)  # type: ignore[arg-type]  # `nothing` is off
        new = {key: value for key, value in texts.items() if key not in there}
        if self._known is not None:
            self._known.properties.update(new)  # type: ignore[arg-type]  # `nothing` is off
        self._append(PropertiesAdded(new, time.time()))  # type: ignore[arg-type]  # likewise

    @property
    def archived_time(self) -> datetime | None:
        """Return when the run was put away, or None."""
        when = self.tags.get(ARCHIVED)
        with contextlib.suppress(ValueError):
            return None if when is None else datetime.fromisoformat(when)
        return datetime.fromtimestamp(0, UTC)  # somebody wrote the tag by hand

    def archive(self) -> None:
        """Put the run away: lists of the studio leave it out; nothing is lost, and nothing freed.

        It is the tag ``azml.archived``.
        """
        if self.archived_time is None:
            self.tag(ARCHIVED, datetime.now(UTC).isoformat(timespec="seconds"))

    def reactivate(self) -> None:
        """Take the run out of the archive; harmless where it is not there."""
        if ARCHIVED in self.tags:
            self.remove_tags([ARCHIVED])

    @property
    def properties(self) -> dict[str, str]:
        """Return the properties."""
        known = self._alone()
        return dict(self._record().properties if known is None else known.properties)

    def get_properties(self) -> dict[str, str]:
        """Return the properties."""
        return self.properties

    def _texts(self, what: str, pairs: Mapping[str, object], *, nothing: bool) -> dict[str, str | None]:
        if not isinstance(pairs, Mapping):
            raise errors.OptionError(f"expected a dict of {what} names to strings, got {errors.a(pairs)}")
        return {names.label(what, key): self._text(what, key, value, nothing=nothing) for key, value in pairs.items()}

    def _text(self, what: str, key: str, value: object, *, nothing: bool) -> str | None:
        if value is None and nothing:
            return None
        if not isinstance(value, str) and what == "tag":
            self._warn_once(key, f"tag {key!r} got {errors.a(value)}; its string is stored", errors.AzmlWarning)
        return names.text(what, str(value))

    @property
    def display_name(self) -> str:
        """Name shown on pages; words made from the id where nobody gave one."""
        return self._record().display_name or made_up_name(self.id)

    @display_name.setter
    def display_name(self, value: str) -> None:
        self._append(RunDescribed(time.time(), display_name=names.label("display name", value)))

    @property
    def description(self) -> str | None:
        """Text shown on the run's page."""
        return self._record().description

    @description.setter
    def description(self, value: str) -> None:
        self._append(RunDescribed(time.time(), description=names.text("description", str(value or ""))))

    @property
    def name(self) -> str | None:
        """Return the name that the user gave."""
        return self._record().name

    @property
    def number(self) -> int:
        """Return the run's number in its experiment, counted from 1."""
        return self._record().number

    @property
    def type(self) -> str | None:
        """Return the kind of run; None for an interactive one."""
        return self._record().type
