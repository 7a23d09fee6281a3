"""Images and arrays in memory, sent as files: Pillow images, and arrays and tensors that hold an image.

No library is imported to check a value: if the caller has not loaded it, the value cannot be of its classes.
"""

from __future__ import annotations

import io
import struct
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from replicate._wording import harmless

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MODES = frozenset({"1", "L", "LA", "I;16", "P", "RGB", "RGBA"})
"""Pillow's pixel modes that PNG can store."""
CONVERTED: Mapping[str, str] = {"I;16B": "I", "I;16L": "I", "La": "LA", "PA": "RGBA", "RGBa": "RGBA", "RGBX": "RGB"}
"""Lossless conversions to another mode: a mode of PNG, or I, which PNG can store if the values fit in 16 bits."""
CHANNELS = (1, 3, 4)
COLOURS = {1: 0, 3: 2, 4: 6}
"""PNG's color types by number of channels."""


def of(module: str, kind: str, value: object) -> bool:
    """Return whether a value is an instance of a module's class. Does not import the module."""
    found = getattr(sys.modules.get(module), kind, None)
    return isinstance(found, type) and isinstance(value, found)


def is_image(value: object) -> bool:
    """Return whether a value is a Pillow image."""
    return of("PIL.Image", "Image", value)


def is_array(value: object) -> bool:
    """Return whether a value is a numpy array or a torch tensor."""
    return of("numpy", "ndarray", value) or of("torch", "Tensor", value)


def decoder(wanted_by: str) -> Callable[[bytes], Any]:
    """Return a function that makes a Pillow image from bytes. Raises ImportError without Pillow."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(f"{wanted_by} needs Pillow: pip install pillow") from error

    def decoded(content: bytes) -> Any:
        image = Image.open(io.BytesIO(content))
        image.load()
        return image

    return decoded


def file_of(value: Any, where: str) -> io.BytesIO:
    """Write an image, or an array that holds one, to a named file in memory. Raises TypeError, ValueError."""
    file = image_file(value, where) if is_image(value) else png_file(pixels(value, where))
    file.seek(0)
    return file


def image_file(image: Any, where: str) -> io.BytesIO:
    """Write a Pillow image as PNG, whatever its original format, with its orientation and its frames.

    The original file is not used, as the image may have been changed since. PNG keeps every pixel. Raises ValueError
    for an image that PNG cannot express.
    """
    written = io.BytesIO()
    try:
        options: dict[str, Any] = {"exif": exif} if (exif := image.getexif()) else {}
        if getattr(image, "is_animated", False):
            options["save_all"] = True
        expressed(image).save(written, "PNG", **options)
    except Exception as error:  # Pillow's codecs raise anything
        raise ValueError(harmless(f"{where} is an image that cannot be written as PNG: {error}")) from error
    written.name = f"{Path(str(getattr(image, 'filename', '') or 'image')).stem}.png"
    return written


def expressed(image: Any) -> Any:
    """Return an image in a mode of PNG. Raises ValueError if that would change its pixels."""
    mode = CONVERTED.get(image.mode, image.mode)
    found = image if mode == image.mode else image.convert(mode)
    if mode == "I":
        least, most = found.getextrema()
        if least >= 0 and most < 2**16:
            return found.convert("I;16")
    if mode not in MODES:
        raise ValueError(harmless(f'its pixels, of mode {mode}, would change: pass a file, or image.convert("RGB")'))
    return found


def pixels(array: Any, where: str) -> Any:
    """Return an array's image as bytes: height × width × channels, or height × width. Raises TypeError, ValueError."""
    if of("torch", "Tensor", array):
        array = array.detach().cpu()
        if array.is_floating_point():
            array = array.float()  # numpy has no bfloat16
        if array.ndim == 3 and array.shape[0] in CHANNELS and array.shape[2] not in CHANNELS:
            array = array.permute(1, 2, 0)
        array = array.numpy()
    shape = "×".join(map(str, array.shape))
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in CHANNELS) or not array.size:
        raise ValueError(f"{where} is an array of {shape}, and an image is one of height×width, or that ×1, ×3 or ×4")
    if array.dtype.kind == "f":
        if not (array.min() >= 0 and array.max() <= 1):  # also refuses NaN
            raise ValueError(f"{where} is an array of floats, which are an image if all are from 0 to 1")
        return (array * 255).round().astype("uint8")
    if array.dtype.kind == "b":
        return array.astype("uint8") * 255
    if array.dtype.name != "uint8":
        raise TypeError(
            harmless(f"{where} is an array of {array.dtype.name}, and an image is one of uint8, bool or floats")
        )
    return array


def png_file(array: Any) -> io.BytesIO:
    """Write pixels as PNG (RFC 2083), without filters."""
    height, width = array.shape[:2]
    depth = array.shape[2] if array.ndim == 3 else 1
    content, row = array.tobytes(), width * depth
    lines = b"".join(b"\0" + content[at : at + row] for at in range(0, len(content), row))
    written = io.BytesIO()
    written.name = "image.png"
    written.write(b"\x89PNG\r\n\x1a\n")
    for kind, data in (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, COLOURS[depth], 0, 0, 0)),
        (b"IDAT", zlib.compress(lines)),
        (b"IEND", b""),
    ):
        written.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
    return written
