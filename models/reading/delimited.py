"""Tables as text: ``.csv``, ``.tsv``, and with semicolons, the first line naming the columns."""

import csv
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from models.reading.arrow import Make, arrow_source, check_counts
from models.reading.columns import check_names, table_source
from models.reading.errors import BadData, shown
from models.reading.limits import CHUNK_BYTES, MAX_COLUMNS, MAX_LABEL_CHARACTERS
from models.reading.options import ReadingOptions
from models.reading.source import Source
from models.reading.upload import Upload

_HINT = "Save it as UTF-8 text, a line for each row, the columns' names in the first."
_DELIMITERS = (",", "\t", ";")
_HEADER_BYTES = MAX_COLUMNS * (MAX_LABEL_CHARACTERS + 3)
_MARK = b"\xef\xbb\xbf"


def read_delimited(upload: Upload, options: ReadingOptions, make: Make = table_source) -> Source:
    """Read a table from text; lines that do not fit the first one are :class:`BadData`."""
    rows = _check_text(upload.path)
    header = _header(upload.path)
    delimiter = "\t" if upload.ending == ".tsv" else max(_DELIMITERS, key=header.count)
    try:
        names = next(csv.reader([header], delimiter=delimiter), [])
    except csv.Error as error:
        raise BadData(f"The first line cannot be read: {error}.", _HINT) from None
    if not names:
        raise BadData("The first line is empty; it should name the columns.", _HINT)
    check_names(names, options)
    check_counts(rows, len(names), upload.max_bytes)
    try:
        table = pa.csv.read_csv(
            upload.path,
            # One thread, for only then is a wrong line named.
            read_options=pa.csv.ReadOptions(use_threads=False, block_size=CHUNK_BYTES),
            parse_options=pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(
                strings_can_be_null=True,
                column_types={name: pa.string() for name in options.categories or ()},
            ),
        )
    except (pa.ArrowException, ValueError) as error:
        raise BadData(f"The table cannot be read: {_told(str(error))}", _HINT) from None
    return arrow_source(table, options, make)


def _check_text(path: Path) -> int:
    """Return how many lines there are; refuse what is not text."""
    lines = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            if b"\0" in chunk:
                raise BadData("The file holds zero bytes, so that it is no UTF-8 text.", _HINT)
            lines += chunk.count(b"\n") + chunk.count(b"\r") - chunk.count(b"\r\n")
    return lines


def _header(path: Path) -> str:
    with path.open("rb") as file:
        start = file.readline(_HEADER_BYTES)
    # Arrow takes a carriage return alone for the end of a line as well.
    line = start.partition(b"\r")[0]
    if len(line) == _HEADER_BYTES:
        raise BadData(f"The first line is longer than {_HEADER_BYTES:,} bytes.", _HINT)
    try:
        return line.removeprefix(_MARK).decode().rstrip("\n")
    except UnicodeDecodeError:
        raise BadData("The first line is not UTF-8 text.", _HINT) from None


def _told(message: str) -> str:
    """Return an error of Arrow's in a sentence that fits a message; it may quote a whole line."""
    if "straddling" in message:
        return f"a line is longer than {CHUNK_BYTES:,} bytes, or a quote is never closed."
    wrong = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", message)
    if wrong:
        line, expected, got = wrong.groups()
        return f"line {line} has {got} columns; {expected} were expected."
    return shown(message.partition(": ")[2] or message)
