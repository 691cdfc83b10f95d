"""Pictures as bodies: PNG and JPEG, turned into rows as the version's signature says."""

from typing import Final, get_args
from urllib.parse import parse_qs

from app.errors import AppError, FieldError, Invalid, TooLarge, UnsupportedMediaType, shortened
from app.serving.loaded import Array, LoadedVersion
from models.decoding.images import ImageError, decode
from models.decoding.polarity import Invert

_MAGIC: Final = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg"}
IMAGE_TYPES: Final = frozenset(_MAGIC.values())
_INVERT: Final[dict[str, Invert]] = {choice: choice for choice in get_args(Invert)}


def image_type(body: bytes) -> str | None:
    """Return the media type of a body that begins as a picture; no JSON does."""
    return next((media_type for magic, media_type in _MAGIC.items() if body.startswith(magic)), None)


def read_picture(
    body: bytes, media_type: str, version: LoadedVersion, query_string: bytes, max_pixels: int
) -> Array:
    """Return ``float32[1, height, width, channels]``.

    Raises :class:`~app.errors.UnsupportedMediaType`, :class:`~app.errors.TooLarge` or
    :class:`~app.errors.Invalid`, as the body or the query deserves.
    """
    image = version.signature.image
    if image is None:
        raise UnsupportedMediaType(
            f"Model {shortened(version.model)} takes rows of numbers as JSON, not pictures.",
            headers={"Accept-Post": "application/json"},
        )
    invert = _invert(query_string)
    tensor = version.role.inputs[0]
    try:
        row = decode(body, media_type, tensor, image, invert=invert, max_pixels=max_pixels)
    except ImageError as error:
        raise _refused(error) from None
    return row[None]


def _invert(query_string: bytes) -> Invert:
    given = parse_qs(query_string.decode("latin-1"), keep_blank_values=True).get("invert", ["auto"])[-1]
    if given in _INVERT:
        return _INVERT[given]
    message = f"Expected one of {', '.join(_INVERT)}, got {shortened(given)}."
    raise Invalid(f"invert: {message}", errors=[FieldError("invert", "not_a_choice", message)])


def _refused(error: ImageError) -> AppError:
    match error.code:
        case "image_too_large":
            return TooLarge(error.message, code=error.code)
        case "image_broken":
            return Invalid(error.message, code=error.code)
        case _:
            accepted = {"Accept-Post": ", ".join(sorted(IMAGE_TYPES))}
            return UnsupportedMediaType(error.message, code=error.code, headers=accepted)
