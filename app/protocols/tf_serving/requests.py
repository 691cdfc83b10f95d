"""Bodies of predict, classify and regress: which signature, in rows or in columns, and the tensors."""

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from app.errors import AppError, BadRequest
from app.protocols.instances import described, require_room
from app.protocols.ports import Array, Port, PortError
from app.protocols.tf_serving.signatures import Signature, chosen
from app.protocols.tf_serving.values import bytes_of, tensor_of

ROWS, COLUMNS = "instances", "inputs"


class Question(NamedTuple):
    """What is asked: tensors for a signature, and whether the answer is to be in rows."""

    signature: Signature
    inputs: dict[str, Array]
    in_rows: bool


def document_of(body: bytes) -> dict[str, Any]:
    """Return the object that a body begins with; what follows it is not looked at, as there."""
    if not body.strip():
        raise BadRequest("JSON Parse error: The document is empty")
    try:
        text = body.decode()
        # Reads NaN and Infinity too, and numbers beyond all bounds as infinite.
        found, _ = json.JSONDecoder().raw_decode(text, len(text) - len(text.lstrip()))
    except UnicodeDecodeError as error:
        raise BadRequest(f"JSON Parse error: Invalid encoding in string. at offset: {error.start}") from None
    except json.JSONDecodeError as error:
        raise BadRequest(
            f"JSON Parse error: Invalid value. {error.msg} at offset: {error.pos}. "
            f"The body begins with {text[:40]!r}."
        ) from None
    except (RecursionError, ValueError):
        raise BadRequest(
            "JSON Parse error: Invalid value: nested too deeply, or a number too long."
        ) from None
    if not isinstance(found, dict):
        raise BadRequest(f"JSON Value: {str(found)[:40]} Is not object")
    return found


def question_of(body: bytes, signatures: Mapping[str, Signature]) -> Question:
    """Return what a body of ``:predict`` asks; raise :class:`~app.errors.BadRequest`."""
    require_little(body, signatures)
    document = document_of(body)
    signature = chosen(signatures, document)
    max_rows = signature.role.max_rows
    if ROWS in document and COLUMNS in document:
        raise BadRequest(
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist"
        )
    if ROWS in document:
        return Question(signature, _of_rows(document[ROWS], signature, max_rows), in_rows=True)
    if COLUMNS in document:
        return Question(signature, _of_columns(document[COLUMNS], signature, max_rows), in_rows=False)
    raise BadRequest("Missing 'inputs' or 'instances' key")


def require_little(body: bytes, signatures: Mapping[str, Signature]) -> None:
    """Bound what a large body may become in memory by the largest request that could be right."""
    roles = [signature.role for signature in signatures.values()]
    values = max(sum(math.prod(tensor.shape) for tensor in role.inputs) for role in roles)
    most = max(role.max_rows for role in roles)
    try:
        require_room(body, ROWS, most, lists=1 + values, values=1 + values, strings=True)
    except AppError as error:
        raise BadRequest(error.detail) from None


def _of_rows(rows: Any, signature: Signature, max_rows: int) -> dict[str, Array]:
    if not isinstance(rows, list):
        raise BadRequest(f"Expecting 'instances' to be an list/array, got {described(rows)}.")
    if not rows:
        raise BadRequest("No values in 'instances' array")
    _require_rows(len(rows), max_rows)
    named = _named_rows(rows, signature)
    return {
        port.name: _taken(port, _stacked([row[port.name] for row in named], port, signature))
        for port in signature.ports
    }


def _named_rows(rows: list[Any], signature: Signature) -> list[dict[str, Any]]:
    """Return each row as an object by input."""
    names = signature.names
    by_name = _is_named(rows[0])
    if not by_name and len(names) > 1:
        raise BadRequest(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as "
            f"per tensorinfo_map: {', '.join(names)}"
        )
    for number, row in enumerate(rows):
        if _is_named(row) != by_name:
            expected, got = ("object", "list") if by_name else ("value/list", "object")
            raise _row_error(number, None, f"Expecting {expected} but got {got} at index {number}")
        if by_name and row.keys() != set(names):
            raise _row_error(
                number, None, f"keys must be equal to: {','.join(names)}, got {','.join(row)[:100]}"
            )
    return rows if by_name else [{names[0]: row} for row in rows]


def _is_named(row: Any) -> bool:
    return isinstance(row, dict) and row.keys() != {"b64"}


def row_of(value: Any, port: Port) -> Array:
    """Return the values of one row, which of an image may be ``{"b64": text}``, a PNG or JPEG.

    Raises :class:`~app.errors.BadRequest` and :class:`~app.protocols.ports.PortError`.
    """
    if port.see is not None and isinstance(value, dict):
        row: Array = port.see(bytes_of(value))[0]
        return row
    return tensor_of(value, port.sort)


def _stacked(values: list[Any], port: Port, signature: Signature) -> Array:
    key = port.name if len(signature.ports) > 1 else None
    rows: list[Array] = []
    for number, value in enumerate(values):
        try:
            row = row_of(value, port)
        except (BadRequest, PortError) as error:
            raise _row_error(number, key, str(error)) from None
        if rows and row.shape != rows[0].shape and -1 not in port.shape:
            raise _row_error(number, key, f"Expecting shape {list(rows[0].shape)} but got: {list(row.shape)}")
        rows.append(row)
    if len({row.shape for row in rows}) > 1:
        return _of_many_lengths(rows, port)
    return np.stack(rows)


def _of_many_lengths(rows: list[Array], port: Port) -> Array:
    """Return sequences of different lengths as one array, padded with NaN at the end."""
    if any(row.ndim != 2 or row.shape[1] != port.shape[1] for row in rows):
        raise BadRequest(f"Expecting each row of {port.name} to have the shape {list(port.shape)}.")
    padded = np.full((len(rows), max(map(len, rows)), port.shape[1]), np.nan)
    for row, place in zip(rows, padded, strict=True):
        place[: len(row)] = row
    return padded


def _row_error(number: int, key: str | None, reason: str) -> BadRequest:
    where = f" key: {key}" if key else ""
    return BadRequest(f"Failed to process element: {number}{where} of 'instances' list. Error: {reason}")


def _of_columns(columns: Any, signature: Signature, max_rows: int) -> dict[str, Array]:
    named = _named_columns(columns, signature)
    found: dict[str, Array] = {}
    for port in signature.ports:
        column = named[port.name]
        if isinstance(column, list):
            _require_rows(len(column), max_rows)
        values = _column(column, port)
        if values.ndim == 0:
            raise BadRequest(f"Expecting a list of rows for {port.name}, got one value.")
        found[port.name] = _taken(port, values)
    if len({len(values) for values in found.values()}) > 1:
        raise BadRequest(
            "The inputs have different numbers of rows: "
            + ", ".join(f"{name} {len(values)}" for name, values in list(found.items())[:10])
        )
    return found


def _named_columns(columns: Any, signature: Signature) -> dict[str, Any]:
    """Return all columns as an object by input."""
    names = signature.names
    if not _is_named(columns):
        if len(names) > 1:
            raise BadRequest(
                f"'inputs' is a plain value/list, but expecting an object with {', '.join(names)}."
            )
        return {names[0]: columns}
    for name in names:
        if name not in columns:
            raise BadRequest(f"Missing named input: {name} in 'inputs' object.")
    found: dict[str, Any] = columns
    return found


def _column(value: Any, port: Port) -> Array:
    """Return the values of all rows, of which some may be pictures."""
    if value == []:
        # No row has a shape to tell; a length that may differ is 1 then.
        return tensor_of(value, port.sort).reshape(0, *map(abs, port.shape))
    if port.see is None or not isinstance(value, list) or not any(isinstance(row, dict) for row in value):
        return tensor_of(value, port.sort)
    rows: list[Array] = []
    for row in value:
        try:
            rows.append(row_of(row, port))
        except PortError as error:
            raise BadRequest(f"Input {port.name}: {error}.") from None
        if rows[-1].shape != rows[0].shape:
            raise BadRequest(f"Expecting shape {list(rows[0].shape)} but got: {list(rows[-1].shape)}")
    return np.stack(rows)


def _taken(port: Port, values: Array) -> Array:
    try:
        return port.take(values)
    except PortError as error:
        raise BadRequest(f"Input {port.name}: {error}.") from None


def _require_rows(rows: int, most: int) -> None:
    if rows > most:
        raise BadRequest(f"Expecting at most {most} rows, got {rows}. Send them in parts.")
