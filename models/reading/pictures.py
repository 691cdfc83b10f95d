"""Zipped pictures, one folder for each class: PNG and JPEG of any size and mode become equal rows."""

import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, ImageOps

from models.decoding.transparency import flattened
from models.reading.errors import BadData, shown
from models.reading.folders import Entry, Folders, open_folders
from models.reading.limits import DEFAULT_SIDE, MAX_PIXELS
from models.reading.options import ReadingOptions
from models.reading.rows import write_rows
from models.reading.source import Part, Source
from models.reading.upload import Report, Upload

ENDINGS = (".png", ".jpg", ".jpeg")
_FORMATS = ("PNG", "JPEG")
# EXIF orientations that lay a picture on its side.
_TURNED = (5, 6, 7, 8)
_GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N")
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError, AttributeError,
           OverflowError, RuntimeError, struct.error, zlib.error,
           zipfile.BadZipFile)  # fmt: skip

# Pillow only warns of a large picture up to twice its own limit.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


@dataclass(frozen=True)
class _Header:
    """What a picture says of itself, upright."""

    height: int
    width: int
    grey: bool


def read_pictures(upload: Upload, options: ReadingOptions) -> Source:
    """Read a row from each picture of a zip archive; the folder that holds it names its class.

    All headers are looked at before any pixel is decoded. Rows are uint8, grey if all pictures are, else
    RGB, turned as EXIF says and brought to one size. Raises :class:`BadData`.
    """
    with open_folders(upload.path, upload.max_bytes, ENDINGS) as folders:
        entries = folders.entries
        headers = []
        for number, entry in enumerate(entries):
            upload.report(number, 2 * len(entries))
            headers.append(_header(folders, entry))
        height, width = options.size or _usual_size(headers)
        grey = all(header.grey for header in headers)
        shape = (len(entries), height, width, 1 if grey else 3)
        _check_bytes(shape, upload.max_bytes)
        pixels = write_rows(
            lambda: _decoded(folders, shape, upload.report),
            shape,
            np.dtype(np.uint8),
            upload.scratch / "pictures.npy",
        )
        told = folders.warnings + _resized(headers, height, width)
    return _source(pixels, entries, told)


def _decoded(folders: Folders, shape: tuple[int, ...], report: Report) -> Iterator[np.ndarray]:
    for number, entry in enumerate(folders.entries):
        report(shape[0] + number, 2 * shape[0])
        yield _pixels(folders, entry, shape)[None]


def _source(pixels: np.ndarray, entries: Sequence[Entry], told: tuple[str, ...]) -> Source:
    labels = None if entries[0].label is None else np.array([entry.label for entry in entries])
    train = sum(not entry.is_test for entry in entries)
    parts = [
        Part(pixels[part], None if labels is None else labels[part], "the pictures", "the folders")
        for part in ((slice(train), slice(train, None)) if train < len(entries) else (slice(None),))
    ]
    return Source(parts[0], parts[1] if len(parts) > 1 else None, range=(0.0, 255.0), warnings=told)


def _header(folders: Folders, entry: Entry) -> _Header:
    with _opened(folders, entry) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise _refused(
                entry, f"has {picture.width} by {picture.height} pixels; at most {MAX_PIXELS:,} are decoded"
            )
        turned = _orientation(picture) in _TURNED
        height, width = (picture.width, picture.height) if turned else (picture.height, picture.width)
        return _Header(height, width, picture.mode in _GREY_MODES)


def _orientation(picture: Image.Image) -> int | None:
    # Where the header holds no EXIF, a PNG would be decoded in search of some.
    found = picture.getexif().get(ExifTags.Base.Orientation) if "exif" in picture.info else None
    return found if isinstance(found, int) else None


def _pixels(folders: Folders, entry: Entry, shape: tuple[int, ...]) -> np.ndarray:
    _, height, width, channels = shape
    with _opened(folders, entry) as picture:
        # JPEG only: lets the decoder shrink by 2, 4 or 8 while it is at it.
        picture.draft(None, (4 * max(width, height), 4 * max(width, height)))
        upright = ImageOps.exif_transpose(picture)
        flat = flattened(upright, "L" if channels == 1 else "RGB")
        # As a picture is resized that is sent for a prediction.
        small = flat.resize((width, height), Image.Resampling.BOX)
        return np.asarray(small, np.uint8).reshape(shape[1:])


@contextmanager
def _opened(folders: Folders, entry: Entry) -> Iterator[Image.Image]:
    """Open a picture, of which only the header is read at first; whatever is wrong is :class:`BadData`."""
    try:
        with folders.archive.open(entry.name) as file, Image.open(file, formats=_FORMATS) as picture:
            yield picture
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _refused(entry, f"has more than {MAX_PIXELS:,} pixels") from None
    except _BROKEN:
        raise _refused(entry, "is not a whole PNG or JPEG picture: it is damaged or was cut off") from None


def _usual_size(headers: Sequence[_Header]) -> tuple[int, int]:
    """Return the medians of heights and widths, which most pictures have if most are alike; but no giants."""
    height = float(np.median([header.height for header in headers]))
    width = float(np.median([header.width for header in headers]))
    factor = min(1.0, DEFAULT_SIDE / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))


def _resized(headers: Sequence[_Header], height: int, width: int) -> tuple[str, ...]:
    others = sum((header.height, header.width) != (height, width) for header in headers)
    if not others:
        return ()
    return (f"Brought to {height}x{width}: {others:,} of {len(headers):,} pictures had another size.",)


def _check_bytes(shape: tuple[int, ...], max_bytes: int) -> None:
    rows, height, width, channels = shape
    if rows * height * width * channels > max_bytes:
        raise BadData(
            f"{rows:,} pictures of {height}x{width}, {channels} channels each, are more than {max_bytes:,}"
            " bytes.",
            "Give a smaller options.size, or send fewer pictures.",
            "options.size",
        )


def _refused(entry: Entry, why: str) -> BadData:
    return BadData(f"{shown(entry.name)} {why}.", "Replace the file, or leave it out.", entry.name[:100])
