"""Whatever people want to see, as PNG."""

import io
import os
import struct
import zlib
from typing import Any

from .errors import PictureError

_COLOURS = {1: 0, 3: 2, 4: 6}
"""PNG's word for a number of channels."""


class NamedStream(io.BytesIO):
    """A picture in memory, with the name that it gets in the run.

    Parameters
    ----------
    content : bytes
        The picture.
    name : str
        A relative path.
    """

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name


def is_stored_elsewhere(image: object) -> bool:
    """Tell whether it is a figure or a path, which a run takes as it is."""
    return hasattr(image, "savefig") or isinstance(image, (str, os.PathLike))


def png(name: str, image: Any) -> bytes:
    """Return an array, a tensor or a PIL image as PNG.

    Parameters
    ----------
    name : str
        For messages.
    image : array-like
        Of shape (h, w), (channels, h, w) or (h, w, channels); floats from 0 to 1, or bytes.

    Raises
    ------
    PictureError
        If it is of another shape or kind.
    """
    import numpy as np

    is_tensor = hasattr(image, "detach")
    if is_tensor:
        image = image.detach().cpu()
        image = (image.float() if image.is_floating_point() else image).numpy()  # numpy knows no bfloat16
    pixels = np.asarray(image)
    flat, deep = 2, 3
    if pixels.dtype.kind not in "fuib" or not pixels.size:
        raise PictureError(name, f"{type(image).__name__} of {pixels.dtype}")
    if pixels.ndim == flat:
        pixels = pixels[:, :, None]
    elif pixels.ndim == deep and pixels.shape[0] in _COLOURS and (is_tensor or pixels.shape[2] not in _COLOURS):
        pixels = np.moveaxis(pixels, 0, 2)
    if pixels.ndim != deep or pixels.shape[2] not in _COLOURS:
        raise PictureError(name, f"shape {pixels.shape}")
    return _encoded(_as_bytes(pixels))


def _as_bytes(pixels: Any) -> Any:
    import numpy as np

    if pixels.dtype.kind == "f":
        return (np.nan_to_num(pixels).clip(0, 1) * 255).round().astype(np.uint8)
    if pixels.dtype.kind == "b":
        return pixels.astype(np.uint8) * 255
    return pixels.clip(0, 255).astype(np.uint8)


def _encoded(pixels: Any) -> bytes:
    import numpy as np

    height, width, channels = pixels.shape
    rows = np.zeros((height, 1 + width * channels), dtype=np.uint8)  # each row begins with 0: not filtered
    rows[:, 1:] = pixels.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOURS[channels], 0, 0, 0)
    chunks = (b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
