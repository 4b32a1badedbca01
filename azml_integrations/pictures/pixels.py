"""Pixels as a PNG: of an array or tensor, or of several of them side by side."""

import math
import struct
import zlib
from typing import TYPE_CHECKING, Any

from ..arrays import array_of, is_tensor
from ..errors import MetricError

if TYPE_CHECKING:
    from .page import Array

CHANNELS = {1: 0, 3: 2, 4: 6}
"""Kinds of PNG: grey, RGB and RGBA, by the number of channels."""
BETWEEN = 2
"""Between the pictures of a grid [px]."""
ROUNDING = 1e-3
"""Numbers that miss 0 or 1 by so much are taken for it."""
MOST_PIXELS = 1 << 26
"""Of one picture."""
FLAT, SINGLE, SEVERAL = 2, 3, 4
"""Axes of grey pixels, of a picture with channels, and of a stack of those."""


def png_of(name: str, values: Any) -> bytes:
    """Return a picture, or a grid of several, as PNG.

    Parameters
    ----------
    name : str
        What it is logged as, for errors.
    values : array or tensor
        Of a tensor, shape (channels, height, width), as frameworks have it; of an array (height, width, channels), as
        image files have it. Either may be (height, width), and have a first axis for several pictures. Channels are 1,
        3 or 4; values whole numbers from 0 to 255, floats from 0 to 1, or truth values.

    Raises
    ------
    MetricError
        If it is of another shape, or its values lie elsewhere.
    """
    array = array_of(values)
    if array.ndim not in (FLAT, SINGLE, SEVERAL) or 0 in array.shape:
        raise MetricError(name, values, f"{_wanted(values)}, not of shape {array.shape}")
    stacked = array[None, ..., None] if array.ndim == FLAT else array[None] if array.ndim == SINGLE else array
    if is_tensor(values) and array.ndim != FLAT:
        stacked = stacked.transpose(0, 2, 3, 1)
    if stacked.shape[-1] not in CHANNELS:
        raise MetricError(name, values, f"{_wanted(values)}, not of shape {array.shape}")
    if stacked.size // stacked.shape[-1] > MOST_PIXELS:
        raise MetricError(name, values, f"at most {MOST_PIXELS:,} pixels; images[:64] takes the first ones")
    return encoded(_grid(_bytes(name, values, stacked)))


def opaque(rgba: "Array") -> bytes:
    """Return what a canvas holds, bytes of shape (height, width, 4), as a PNG file without its last channel."""
    import numpy as np

    pixels = np.empty((*rgba.shape[:2], 3), np.uint8)
    for channel in range(3):  # one by one: three times as fast as all at once
        pixels[:, :, channel] = rgba[:, :, channel]
    return encoded(pixels)


def encoded(pixels: "Array") -> bytes:
    """Return bytes of shape (height, width, channels) as a PNG file.

    Each row is told by what differs from the row above it, which is little in a diagram: faster, and smaller, than a
    general writer's search for the best way of each row.
    """
    import numpy as np

    height, width, channels = pixels.shape
    flat = pixels.reshape(height, -1)
    rows = np.empty((height, 1 + flat.shape[1]), np.uint8)
    rows[:, 0] = 2  # PNG's filter "up"
    rows[0, 1:] = flat[0]
    np.subtract(flat[1:], flat[:-1], out=rows[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 8, CHANNELS[channels], 0, 0, 0)  # eight bits
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(rows.data, 1)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


def _wanted(values: Any) -> str:
    shape = "(channels, height, width)" if is_tensor(values) else "(height, width, channels)"
    return f"pixels of shape {shape} with 1, 3 or 4 channels, of (height, width), or several of them"


def _bytes(name: str, values: Any, array: "Array") -> "Array":
    import numpy as np

    if array.dtype.kind not in "buif":
        raise MetricError(name, values, f"numbers, not {array.dtype}")
    top, room = (1, ROUNDING) if array.dtype.kind in "bf" else (255, 0)
    low, high = array.min(), array.max()
    if not (low >= -room and high <= top + room):  # NaN neither
        raise MetricError(name, values, f"floats from 0 to 1 or whole numbers from 0 to 255, not from {low} to {high}")
    if top == 1:
        array = np.round(array.astype(np.float32).clip(0, 1) * 255)
    return array.astype(np.uint8)


def _grid(stacked: "Array") -> "Array":
    """Put pictures of shape (n, height, width, channels) side by side, in about as many rows as columns."""
    import numpy as np

    many, height, width, channels = stacked.shape
    if many == 1:
        return np.ascontiguousarray(stacked[0])
    columns = math.ceil(math.sqrt(many))
    rows = math.ceil(many / columns)
    down, across = height + BETWEEN, width + BETWEEN
    sheet = np.full((rows * down - BETWEEN, columns * across - BETWEEN, channels), 255, np.uint8)
    for place, picture in enumerate(stacked):
        top, left = place // columns * down, place % columns * across
        sheet[top : top + height, left : left + width] = picture
    return sheet
