"""Many pictures as one body: a zip archive, each picture in it one row, in the archive's own order.

Nothing is written anywhere, and names are only looked at. How many members there are, and how large, is known
from the archive's directory before anything is unpacked; then one picture at a time is in memory.
"""

import io
import math
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image

from app.errors import AppError, Invalid, TooLarge, shortened
from app.protocols.json_exact import Array
from app.protocols.pictures import image_type
from models.reading.archive import Rules, chunks, open_archive
from models.reading.errors import BadData

ZIP_TYPE = "application/zip"
ZIP_MAGIC = b"PK\x03\x04"
# As browsers and Windows call it.
ZIP_TYPES = frozenset({ZIP_TYPE, "application/x-zip-compressed"})

# Pictures are packed already: what grows more than this holds something else.
RATIO, RATIO_FREE_BYTES = 20, 1024**2
# All pictures of a request together may have as many pixels as so many of the largest.
LARGEST_PICTURES = 4
_RULES = Rules(
    members=20_000,
    directory_bytes=4 * 1024**2,
    name=re.compile(r"[^\x00-\x1f\x7f\\]{1,1000}"),
    archive="zip archive",
    member="the name of a file",
    content="pictures",
    hint="Zip PNG or JPEG files.",
)

# Turns one picture of a media type into one row with a batch axis.
See = Callable[[bytes, str], Array]


def read_archive(
    body: bytes, see: See, shape: tuple[int, ...], *, max_rows: int, max_bytes: int, max_pixels: int
) -> tuple[Array, list[str]]:
    """Return ``float32[pictures, *shape]`` and the pictures' names.

    Folders, and what operating systems put beside pictures, are passed over. ``max_bytes`` bounds what is
    unpacked, ``max_pixels`` one picture. Raises :class:`~app.errors.Invalid` and
    :class:`~app.errors.TooLarge`; what is wrong with a picture names it.
    """
    most_bytes = min(max_bytes, max(RATIO_FREE_BYTES, RATIO * len(body)))
    try:
        with open_archive(io.BytesIO(body), most_bytes, _RULES) as archive:
            names = [member.filename for member in archive.infolist() if not _is_nothing(member)]
            # An array takes no more memory than that of the largest body of numbers in JSON.
            _require_few(len(names), min(max_rows, max(1, max_bytes // 2 // math.prod(shape))))
            rows = np.empty((len(names), *shape), np.float32)
            left = LARGEST_PICTURES * max_pixels
            for place, name in enumerate(names):
                picture = b"".join(chunks(archive, name))
                rows[place] = _seen(name, picture, see)
                left -= _pixels(picture)
                if left < 0:
                    raise TooLarge(
                        f"The pictures up to {shortened(name)} have more than "
                        f"{LARGEST_PICTURES * max_pixels:,} pixels together. Send them in parts.",
                        code="image_too_large",
                    )
    except BadData as error:
        raise Invalid(" ".join(filter(None, (error.message, error.hint))), code="zip_invalid") from None
    return rows, names


def _is_nothing(member: zipfile.ZipInfo) -> bool:
    parts = set(member.filename.split("/")) - {".", ".."}
    return member.is_dir() or any(part.startswith(".") or part == "__MACOSX" for part in parts)


def _require_few(count: int, most: int) -> None:
    if count == 0:
        raise Invalid("Expected at least one PNG or JPEG in the archive, got none.", code="zip_invalid")
    if count > most:
        raise Invalid(
            f"Expected at most {most} pictures in the archive, got {count}. Send them in parts.",
            code="too_many_rows",
        )


def _seen(name: str, picture: bytes, see: See) -> Array:
    media_type = image_type(picture)
    if media_type is None:
        raise Invalid(
            f"Expected nothing but PNG and JPEG files in the archive, got {shortened(name)}.",
            code="zip_invalid",
        )
    try:
        row: Array = see(picture, media_type)[0]
    except AppError as error:
        raise replace(error, detail=f"{shortened(name)}: {error.detail}") from None
    return row


def _pixels(picture: bytes) -> int:
    """Return the size of a picture that was decoded already."""
    with Image.open(io.BytesIO(picture), formats=("PNG", "JPEG")) as opened:
        return opened.width * opened.height
