"""Uploads: each is opened by what its first bytes tell it to be, as far as its dataset's kind reads that."""

from collections.abc import Callable
from functools import partial

from models.reading.archive import FOLDERS, open_archive
from models.reading.columns import table_source
from models.reading.errors import BadData, shown
from models.reading.idx import NAME, read_idx, read_idx_archive
from models.reading.npz import read_npy, read_npz
from models.reading.options import ReadingOptions
from models.reading.pictures import ENDINGS, read_pictures
from models.reading.series import series_source
from models.reading.source import Source
from models.reading.text_files import read_json_lines, read_text_file, read_text_folders
from models.reading.upload import Upload
from models.schema import Kind

_JSON_LINES = (".jsonl", ".ndjson")
_NPY, _ZIP, _PARQUET, _IDX, _GZIP = b"\x93NUMPY", b"PK", b"PAR1", b"\0\0", b"\x1f\x8b"


def open_upload(kind: Kind, upload: Upload, options: ReadingOptions) -> Source:
    """Return the rows of an upload for a dataset of ``kind``.

    Raises :class:`BadData` for a file that cannot be read as one.
    """
    with upload.path.open("rb") as file:
        start = file.read(8)
    match kind:
        case "table":
            return _open_table(start, upload, options)
        case "text":
            return _open_text(start, upload, options)
        case "images":
            return _open_images(start, upload, options)
        case "sequences":
            return _open_sequences(start, upload, options)
        case "vectors":
            return _open_arrays(kind, start, upload, options)


def _open_table(start: bytes, upload: Upload, options: ReadingOptions) -> Source:
    if start.startswith((_NPY, _ZIP)):
        raise BadData(
            f"A table, .csv, .tsv or .parquet, was expected; the file begins with {shown(start)}.",
            "Send arrays to a dataset of the kind vectors.",
        )
    return _read_table(start, upload, options, table_source)


def _open_sequences(start: bytes, upload: Upload, options: ReadingOptions) -> Source:
    if start.startswith((_NPY, _ZIP)):
        return _open_arrays("sequences", start, upload, options)
    return _read_table(start, upload, options, partial(series_source, max_bytes=upload.max_bytes))


def _read_table(start: bytes, upload: Upload, options: ReadingOptions, make: Callable[..., Source]) -> Source:
    # Arrow takes a while to load, and only tables need it.
    from models.reading.delimited import read_delimited  # noqa: PLC0415
    from models.reading.parquet import read_parquet  # noqa: PLC0415

    return (read_parquet if start.startswith(_PARQUET) else read_delimited)(upload, options, make)


def _open_text(start: bytes, upload: Upload, options: ReadingOptions) -> Source:
    if start.startswith(_ZIP):
        return read_text_folders(upload, options)
    if upload.ending in _JSON_LINES or (upload.ending != ".txt" and start.lstrip().startswith(b"{")):
        return read_json_lines(upload, options)
    return read_text_file(upload, options)


def _open_images(start: bytes, upload: Upload, options: ReadingOptions) -> Source:
    if start.startswith((_IDX, _GZIP)):
        return read_idx(upload)
    if not start.startswith(_ZIP):
        return _open_arrays("images", start, upload, options)
    with open_archive(upload.path, upload.max_bytes, FOLDERS) as archive:
        names = archive.namelist()
    if any(NAME.fullmatch(name) for name in names):
        return read_idx_archive(upload)
    if any(name.lower().endswith(ENDINGS) for name in names):
        return read_pictures(upload, options)
    if not any(name.endswith(".npy") for name in names):
        found = ", ".join(shown(name) for name in names[:3]) + (", …" if len(names) > 3 else "") or "nothing"
        raise BadData(
            f"Pictures (.png, .jpg), IDX files or arrays (.npy) were expected; the archive holds {found}.",
            "Zip a folder that holds one folder of pictures for each class.",
        )
    return _open_arrays("images", start, upload, options)


def _open_arrays(kind: Kind, start: bytes, upload: Upload, options: ReadingOptions) -> Source:
    if start.startswith(_NPY):
        return read_npy(upload.path, kind)
    return read_npz(upload.path, upload.scratch, upload.max_bytes, kind, options.weight)
