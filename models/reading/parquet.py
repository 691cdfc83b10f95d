"""Tables as Parquet: everything is checked from the footer before a page is read."""

import pyarrow as pa
import pyarrow.parquet

from models.reading.arrow import Make, arrow_source, check_counts, is_text
from models.reading.columns import check_names, table_source
from models.reading.errors import BadData, shown
from models.reading.options import ReadingOptions
from models.reading.source import Source
from models.reading.upload import Upload

_FOOTER_BYTES = 16 * 1024**2
_HINT = "Write it again, for example with pyarrow.parquet.write_table or pandas' to_parquet."


def read_parquet(upload: Upload, options: ReadingOptions, make: Make = table_source) -> Source:
    """Read a table from a Parquet file; nested columns and what is too large are :class:`BadData`."""
    limits = {"thrift_string_size_limit": _FOOTER_BYTES, "thrift_container_size_limit": 1_000_000}
    try:
        footer = pa.parquet.read_metadata(upload.path)
        schema = footer.schema.to_arrow_schema()
        names = list(schema.names)
        check_names(names, options)
        check_counts(footer.num_rows, footer.num_columns, upload.max_bytes)
        _check_bytes(footer, upload.max_bytes)
        kept = [name for name in names if name not in (options.ignore or ())]
        _check_types(schema, kept)
        # Text is kept as positions among the distinct ones: equal texts cannot fill the memory.
        texts = [name for name in kept if is_text(schema.field(name).type)]
        with pa.parquet.ParquetFile(upload.path, read_dictionary=texts, **limits) as file:
            table = file.read(kept, use_threads=False)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadData(f"The Parquet file cannot be read: {shown(str(error))}", _HINT) from None
    return arrow_source(table, options.model_copy(update={"ignore": None}), make)


def _check_bytes(footer: pa.parquet.FileMetaData, max_bytes: int) -> None:
    declared = sum(footer.row_group(number).total_byte_size for number in range(footer.num_row_groups))
    if declared > max_bytes:
        raise BadData(
            f"The table is {declared:,} bytes unpacked; at most {max_bytes:,} are read.", "Send fewer rows."
        )


def _check_types(schema: pa.Schema, names: list[str]) -> None:
    for name in names:
        kind = schema.field(name).type
        if pa.types.is_nested(kind) or isinstance(kind, pa.BaseExtensionType):
            raise BadData(
                f"The column {shown(name)} holds {shown(str(kind))}; numbers, text, truth values or dates"
                " were expected.",
                "Convert it, or leave it out with options.ignore.",
                name,
            )
