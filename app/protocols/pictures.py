"""Pictures as bodies: PNG and JPEG, turned into rows as the version's signature says."""

from typing import Final, get_args

from app.errors import AppError, Invalid, TooLarge, UnsupportedMediaType
from app.protocols.json_exact import Array
from app.protocols.query import chosen, parameter
from models.decoding.images import ImageError, decode
from models.decoding.polarity import Invert
from models.schema import ImageSchema
from models.signature import TensorSignature

_MAGIC: Final = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg"}
IMAGE_TYPES: Final = frozenset(_MAGIC.values())
_INVERT: Final[dict[str, Invert]] = {choice: choice for choice in get_args(Invert)}


def image_type(body: bytes) -> str | None:
    """Return the media type of a body that begins as a picture; no JSON does."""
    return next((media_type for magic, media_type in _MAGIC.items() if body.startswith(magic)), None)


def read_picture(
    body: bytes,
    media_type: str,
    tensor: TensorSignature,
    image: ImageSchema,
    *,
    query_string: bytes,
    max_pixels: int,
) -> Array:
    """Return ``float32[1, height, width, channels]``.

    Raises :class:`~app.errors.UnsupportedMediaType`, :class:`~app.errors.TooLarge` or
    :class:`~app.errors.Invalid`, as the body or the query deserves.
    """
    invert = _invert(query_string)
    try:
        row = decode(body, media_type, tensor, image, invert=invert, max_pixels=max_pixels)
    except ImageError as error:
        raise _refused(error) from None
    return row[None]


def _invert(query_string: bytes) -> Invert:
    given = parameter(query_string, "invert")
    return "auto" if given is None else _INVERT[chosen("invert", given, _INVERT)]


def _refused(error: ImageError) -> AppError:
    match error.code:
        case "image_too_large":
            return TooLarge(error.message, code=error.code)
        case "image_broken":
            return Invalid(error.message, code=error.code)
        case _:
            accepted = {"Accept-Post": ", ".join(sorted(IMAGE_TYPES))}
            return UnsupportedMediaType(error.message, code=error.code, headers=accepted)
