"""Texts as bodies, in JSON or plain, turned into ids as in training."""

from typing import Any

import numpy as np
import numpy.typing as npt

from app.errors import BadRequest, Invalid
from app.protocols.instances import FIELD, described, instances_of, invalid, parse, require_room
from app.serving.loaded import LoadedVersion
from models.decoding.text import encode, ids_of
from models.schema import PADDING, TextSchema

PLAIN_TYPE = "text/plain"


class TextsReader:
    """Reads texts for a version that takes them; of a longer one the first ``length`` tokens count."""

    def __init__(self, version: LoadedVersion, schema: TextSchema, length: int, max_rows: int) -> None:
        self._schema = schema
        self._ids = ids_of(version.vocabulary)
        self._length = length
        self._max_rows = max_rows

    def read(self, body: bytes, media_type: str) -> npt.NDArray[np.int32]:
        """Return ``int32[rows, length]``, padded with 0 at the end; a plain body is one row."""
        return self.ids(texts_of(body, media_type, self._max_rows), f"/{FIELD}")

    def ids(self, texts: list[str], place: str) -> npt.NDArray[np.int32]:
        """Return the ids of texts; raise :class:`~app.errors.Invalid` for one that has no token."""
        ids = encode(texts, self._ids, self._schema, self._length)
        empty = np.flatnonzero(ids[:, 0] == PADDING)
        if len(empty):
            kind = self._schema.tokens
            raise invalid(
                f"{place}/{empty[0]}", "empty", f"Expected at least one {kind}, got a text without."
            )
        return ids


def texts_of(body: bytes, media_type: str, max_rows: int) -> list[str]:
    """Return the texts of a body."""
    if media_type == PLAIN_TYPE:
        return [plain(body)]
    require_room(body, FIELD, max_rows, lists=0, values=1, strings=True)
    document, refusal = parse(body, FIELD)
    rows: list[Any] = instances_of(document, FIELD, max_rows)
    for number, row in enumerate(rows):
        if type(row) is not str:
            raise invalid(f"/{FIELD}/{number}", "wrong_type", f"Expected a text, got {described(row)}.")
    if refusal is not None:
        raise refusal
    return rows


def plain(body: bytes) -> str:
    """Return a body of text; raise :class:`~app.errors.BadRequest` if it is not UTF-8."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"Expected text in UTF-8; byte {error.start} is not.", code="invalid_encoding"
        ) from None
    if not text:
        raise Invalid("Expected a text, got an empty body.", code="empty")
    return text
