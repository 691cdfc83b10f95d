"""Rows of a table as bodies: objects by column in JSON, or CSV with the columns' names in its first line."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from app.errors import Invalid, shortened
from app.protocols.instances import FIELD, described, escaped, instances_of, invalid, parse, require_room
from app.protocols.json_exact import Array
from app.protocols.texts import plain
from models.decoding.columns import Cell, CellError, cell_of_text, cell_reader
from models.schema import Column

CSV_TYPE = "text/csv"
_SHOWN_COLUMNS = 10


class TablesReader:
    """Reads bodies for the columns of a version; a column that a row does not name is missing there."""

    def __init__(self, columns: tuple[Column, ...], max_rows: int) -> None:
        self._columns = {column.name: column for column in columns}
        self._readers = {column.name: cell_reader(column) for column in columns}
        self._missing = np.array([self._readers[name](None) for name in self._columns])
        self._places = {name: place for place, name in enumerate(self._columns)}
        self._max_rows = max_rows

    def read(self, body: bytes, media_type: str) -> dict[str, Array]:
        """Return ``float32[rows]`` for each column; errors name the row, from 0, and the column."""
        rows = self._of_csv(body) if media_type == CSV_TYPE else self._of_json(body)
        return {name: np.ascontiguousarray(rows[:, place]) for name, place in self._places.items()}

    def _of_json(self, body: bytes) -> Array:
        require_room(body, FIELD, self._max_rows, lists=1, values=len(self._columns), strings=True)
        document, refusal = parse(body, FIELD)
        rows = instances_of(document, FIELD, self._max_rows)
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                expected = f"Expected an object with the columns as names, got {described(row)}."
                raise invalid(f"/{FIELD}/{number}", "wrong_type", expected)
        read = self._matrix(rows)
        if refusal is not None:
            raise refusal
        return read

    def _of_csv(self, body: bytes) -> Array:
        lines = csv.reader(io.StringIO(plain(body), newline=""))
        try:
            names = next(lines, [])
            self._check_names(names)
            return self._matrix(list(self._cells(lines, names)))
        except csv.Error as error:
            raise Invalid(f"Line {lines.line_num} is not CSV: {error}.", code="csv_invalid") from None

    def _check_names(self, names: list[str]) -> None:
        for name in names:
            if name not in self._columns:
                raise self._unknown(name, "the first line", "")
        if not names or len(set(names)) < len(names):
            raise Invalid(
                "The first line should name the columns, each once; " + self._known(), code="csv_invalid"
            )

    def _cells(self, lines: Iterable[list[str]], names: list[str]) -> Iterator[dict[str, Cell]]:
        columns = [self._columns[name] for name in names]
        rows = 0
        for cells in lines:
            if not cells:
                continue
            if rows == self._max_rows:
                raise invalid(
                    "", "too_many_rows", f"Expected at most {rows} rows, got more. Send them in parts."
                )
            if len(cells) != len(names):
                raise invalid(
                    f"/{FIELD}/{rows}",
                    "wrong_length",
                    f"Row {rows} has {len(cells)} cells; {len(names)} were expected, as in the first line.",
                )
            rows += 1
            yield {
                column.name: cell_of_text(cell, column) for column, cell in zip(columns, cells, strict=True)
            }
        if rows == 0:
            raise invalid("", "empty", "Expected at least one row below the columns' names, got none.")

    def _matrix(self, rows: list[Mapping[str, Any]]) -> Array:
        read = np.tile(self._missing, (len(rows), 1))
        for number, row in enumerate(rows):
            for name, value in row.items():
                reader = self._readers.get(name)
                if reader is None:
                    raise self._unknown(name, f"row {number}", f"/{FIELD}/{number}/{escaped(name)}")
                try:
                    read[number, self._places[name]] = reader(value)
                except CellError as error:
                    pointer = f"/{FIELD}/{number}/{escaped(name)}"
                    message = f"Row {number}, column {shortened(name)}: {error}"
                    raise invalid(pointer, "wrong_value", message) from None
        return read.astype(np.float32)

    def _unknown(self, name: str, where: str, pointer: str) -> Invalid:
        message = f"There is no column {shortened(name)}, which {where} names; {self._known()}"
        return invalid(pointer, "unknown_column", message)

    def _known(self) -> str:
        names = [shortened(name) for name in self._columns]
        more = ", …" if len(names) > _SHOWN_COLUMNS else ""
        return f"the columns are {', '.join(names[:_SHOWN_COLUMNS])}{more}."
