"""Images along their steps: one step for all that stand on a page."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from starlette.requests import Request

Image = Mapping[str, Any]
"""``file``, ``step``, ``stepped`` (whether the step was logged, or is a place in the order) and ``at``."""


def every(galleries: Iterable[Sequence[Image]]) -> list[int]:
    """Return the steps of some galleries, rising; images that were logged without a step have none."""
    return sorted({image["step"] for gallery in galleries for image in gallery if image["stepped"]})


def asked(request: Request) -> int | None:
    """Return the step that an address names, or None."""
    try:
        return int(request.query_params.get("step", ""))
    except ValueError:
        return None


def nearest(gallery: Sequence[Image], step: int | None) -> list[Image]:
    """Return the images of the nearest step at or before one; all of a gallery without steps, or without a wish."""
    if step is None or not moves(gallery):
        return list(gallery)
    found = max((image["step"] for image in gallery if image["step"] <= step), default=None)
    return [image for image in gallery if image["step"] == found]


def moves(gallery: Sequence[Image]) -> bool:
    """Tell whether a gallery goes along with the step of its page."""
    return bool(gallery) and all(image["stepped"] for image in gallery)
