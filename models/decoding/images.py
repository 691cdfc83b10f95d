"""PNG and JPEG bodies to the array that a network takes, as the signature says. Pillow and NumPy only."""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

from models.decoding.polarity import Invert, must_invert
from models.decoding.transparency import flattened
from models.schema import ImageSchema
from models.signature import TensorSignature

ImageErrorCode = Literal["unsupported_media_type", "media_type_mismatch", "image_too_large", "image_broken"]

_WHITE = 255.0
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG"}
_MAGIC = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff"}
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError, AttributeError,
           OverflowError, struct.error, zlib.error)  # fmt: skip

# Pillow only warns of a large picture up to twice its own limit. A filter set once for the process, for
# `warnings.catch_warnings` is not safe among threads.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


@dataclass
class ImageError(Exception):
    """A body that is not the picture it should be; ``message`` is for the caller."""

    code: ImageErrorCode
    message: str

    def __str__(self) -> str:
        return self.message


def decode(
    body: bytes,
    media_type: str,
    tensor: TensorSignature,
    image: ImageSchema,
    *,
    invert: Invert = "auto",
    max_pixels: int,
) -> np.ndarray:
    """Return one row for ``tensor``: ``float32[height, width, channels]``, black at ``image.low``.

    The picture is turned as its EXIF says, made grey or RGB, resized by area, and inverted if asked or,
    with ``auto``, if its border tells that its polarity is not that of the training rows. Of an animation
    the first frame counts. Raises :class:`ImageError`; the size is checked before pixels are decoded.
    """
    height, width, channels = tensor.shape
    picture_format = _format(body, media_type)
    try:
        with Image.open(io.BytesIO(body), formats=[picture_format]) as picture:
            _check_pixels(picture, max_pixels)
            # JPEG only: lets the decoder shrink by 2, 4 or 8 while it is at it.
            picture.draft(None, (4 * max(width, height), 4 * max(width, height)))
            upright = ImageOps.exif_transpose(picture)
            flat = flattened(upright, "L" if channels == 1 else "RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large("more pixels than can be decoded", max_pixels) from None
    except _BROKEN:
        raise ImageError(
            "image_broken", f"The body is not a whole {picture_format} picture: it is damaged or was cut off."
        ) from None
    small = flat.resize((width, height), Image.Resampling.BOX)
    if must_invert(small, image, invert):
        small = ImageOps.invert(small)
    pixels = np.asarray(small, np.float32).reshape(tensor.shape)
    return image.low + pixels * np.float32((image.high - image.low) / _WHITE)


def _format(body: bytes, media_type: str) -> str:
    expected = _FORMATS.get(media_type)
    if expected is None:
        raise ImageError(
            "unsupported_media_type",
            f"Pictures are read as {' or '.join(_FORMATS)}, not as {media_type[:64]!r}.",
        )
    if not body.startswith(_MAGIC[expected]):
        found = next((name for name, magic in _MAGIC.items() if body.startswith(magic)), None)
        raise ImageError(
            "media_type_mismatch",
            f"The body was announced as {media_type} but "
            + (f"is a {found}." if found else "does not begin as one."),
        )
    return expected


def _check_pixels(picture: Image.Image, max_pixels: int) -> None:
    if picture.width * picture.height > max_pixels:
        raise _too_large(f"{picture.width} by {picture.height} pixels", max_pixels)


def _too_large(size: str, max_pixels: int) -> ImageError:
    return ImageError(
        "image_too_large",
        f"The picture has {size}; at most {max_pixels:,} pixels are decoded. Send a smaller one.",
    )
