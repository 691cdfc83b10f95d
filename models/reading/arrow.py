"""Columns as Arrow reads them, whether from text or from Parquet, to numbers and categories."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.reading.columns import Values, check_names, table_source
from models.reading.errors import BadData, shown
from models.reading.limits import MAX_FIELD_BYTES, MAX_TABLE_ROWS
from models.reading.options import ReadingOptions
from models.reading.source import Source

_DAY = 86_400.0

Make = Callable[[Sequence[Values], ReadingOptions, Sequence[str]], Source]
"""Makes rows of columns, given the options and warnings so far: those of a table, or sequences."""


def check_counts(rows: int, columns: int, max_bytes: int) -> None:
    """Refuse a table that would be too large in memory, from what it says of itself."""
    if rows > MAX_TABLE_ROWS:
        raise BadData(
            f"The table has {rows:,} rows; at most {MAX_TABLE_ROWS:,} are read.", "Send fewer rows."
        )
    # A value is eight bytes while it is read.
    if rows * columns * 8 > max_bytes:
        raise BadData(
            f"The table has {rows:,} rows of {columns:,} columns; at most {max_bytes // 8:,} values fit.",
            "Send fewer rows, or fewer columns.",
        )


def arrow_source(table: pa.Table, options: ReadingOptions, make: Make = table_source) -> Source:
    """Return the rows of a table; columns of a type that no network can take are :class:`BadData`."""
    names = list(table.column_names)
    check_names(names, options)
    if not table.num_rows:
        raise BadData("The table has no rows, only the names of its columns.")
    ignored = set(options.ignore or ())
    kept = [name for name in names if name not in ignored]
    dates = [name for name in kept if pa.types.is_temporal(table.column(name).type)]
    columns = [_values(name, table.column(name)) for name in kept]
    # What is left out is left out already; its names are right, for they were checked.
    chosen = options.model_copy(update={"ignore": None})
    warnings = [f"{shown(name)} holds dates: they are read as days since 1970-01-01." for name in dates]
    return make(columns, chosen, warnings)


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a column of this type holds text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _values(name: str, column: pa.ChunkedArray) -> Values:
    kind = column.type
    if pa.types.is_dictionary(kind) and is_text(kind.value_type):
        return _texts(name, column)
    if is_text(kind) or pa.types.is_null(kind):
        return _texts(name, column.cast(pa.string())) if is_text(kind) else _numbers(name, column, False)
    whole = pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    if whole or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numbers(name, column, bool(whole))
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        seconds = column.cast(pa.timestamp("s"), safe=False).cast(pa.int64())
        days = _numbers(name, seconds, False)
        return Values(name, days.numbers / _DAY)
    if pa.types.is_binary(kind):
        raise _no_text(name)
    raise BadData(
        f"The column {shown(name)} holds {shown(str(kind))}; numbers, text, truth values or dates"
        " were expected.",
        "Convert it, or leave it out with options.ignore.",
        name,
    )


def _no_text(name: str) -> BadData:
    return BadData(
        f"The column {shown(name)} holds bytes that are no UTF-8 text.",
        "Save it as UTF-8, or leave the column out with options.ignore.",
        name,
    )


def _numbers(name: str, column: pa.ChunkedArray, whole: bool) -> Values:
    numbers = column.cast(pa.float64(), safe=False).to_numpy().astype(np.float64)
    return Values(name, numbers, whole=whole)


def _texts(name: str, column: pa.ChunkedArray) -> Values:
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    whole = encoded.unify_dictionaries().combine_chunks()
    whole = whole.combine_chunks() if isinstance(whole, pa.ChunkedArray) else whole
    longest = pc.max(pc.binary_length(whole.dictionary)).as_py() or 0
    if longest > MAX_FIELD_BYTES:
        raise BadData(
            f"The column {shown(name)} holds a text of {longest:,} bytes; at most {MAX_FIELD_BYTES:,}.",
            "Leave it out with options.ignore; texts are for datasets of the kind text.",
            name,
        )
    try:
        texts = whole.dictionary.to_pylist()
    except UnicodeDecodeError:
        raise _no_text(name) from None
    numbers = whole.indices.cast(pa.float64()).to_numpy(zero_copy_only=False).copy()
    for nothing in (index for index, text in enumerate(texts) if not text):
        numbers[numbers == nothing] = np.nan
    return Values(name, numbers, [text or "" for text in texts])
