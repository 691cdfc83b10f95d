"""Uploads: streamed to the staging folder, hashed and counted on the way; a broken one leaves nothing."""

import asyncio
import hashlib
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from app.errors import FieldError, Invalid, UnsupportedMediaType, shortened
from app.identifiers import new_id
from app.storage import Store, Stored

# Large enough that handing a piece to a thread costs little beside writing it.
PIECE_BYTES = 1024**2
ZIP_MAGIC = b"PK\x03\x04"


@dataclass(frozen=True)
class Upload:
    """A whole upload in the staging folder."""

    path: Path
    sha256: str
    bytes: int


async def receive(chunks: AsyncIterator[bytes], folder: Path) -> Upload:
    """Write a body into ``folder``.

    What is not a zip archive is refused at its first bytes, one whose end is missing at the end. Whatever
    ends the upload early, such as ``chunks`` raising that it is too large, no file is left.
    """
    path = folder / new_id("upload")
    try:
        return await _write(chunks, path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def keep(upload: Upload, store: Store) -> Stored:
    """Move an upload into the store, or leave nothing of it."""
    try:
        return store.adopt(upload.path, upload.sha256)
    finally:
        upload.path.unlink(missing_ok=True)


async def _write(chunks: AsyncIterator[bytes], path: Path) -> Upload:
    digest, size = hashlib.sha256(), 0
    with await asyncio.to_thread(path.open, "xb") as file:
        async for piece in _pieces(chunks):
            if size == 0:
                _require_zip(piece)
            size += len(piece)
            await asyncio.to_thread(file.write, piece)
            await asyncio.to_thread(digest.update, piece)
    if size == 0:
        raise Invalid("The body is empty. Send the .npz file as the body, for example with curl -T FILE.")
    if not await asyncio.to_thread(zipfile.is_zipfile, path):
        raise Invalid(
            f"The archive is cut off: {size} bytes came, without its directory. Send the whole file again.",
            errors=[FieldError("", "truncated", "the end of the archive is missing")],
        )
    return Upload(path, digest.hexdigest(), size)


async def _pieces(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the body in large pieces, but the first as soon as it tells what the file is."""
    piece, enough = bytearray(), len(ZIP_MAGIC)
    async for chunk in chunks:
        piece += chunk
        if len(piece) >= enough:
            yield bytes(piece)
            piece, enough = bytearray(), PIECE_BYTES
    if piece:
        yield bytes(piece)


def _require_zip(start: bytes) -> None:
    if not start.startswith(ZIP_MAGIC):
        raise UnsupportedMediaType(
            "Expected an .npz file as NumPy writes it (a zip archive, which begins with PK), "
            f"got a file that begins with {shortened(start[:8])}."
        )
