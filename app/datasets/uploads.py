"""Uploads: streamed to the staging folder, hashed and counted on the way; a broken one leaves nothing."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from app.datasets.formats import MAGIC_BYTES, require_end, require_start
from app.errors import Invalid
from app.identifiers import new_id
from app.storage import Store, Stored
from models.schema import Kind

# Large enough that handing a piece to a thread costs little beside writing it.
PIECE_BYTES = 1024**2


@dataclass(frozen=True)
class Upload:
    """A whole upload in the staging folder."""

    path: Path
    sha256: str
    bytes: int


async def receive(chunks: AsyncIterator[bytes], folder: Path, kind: Kind = "images") -> Upload:
    """Write a body into ``folder``.

    What no dataset of ``kind`` reads is refused at its first bytes, an archive whose end is missing at the
    end. Whatever ends the upload early, such as ``chunks`` raising that it is too large, no file is left.
    """
    path = folder / new_id("upload")
    try:
        return await _write(chunks, path, kind)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def keep(upload: Upload, store: Store) -> Stored:
    """Move an upload into the store, or leave nothing of it."""
    try:
        return store.adopt(upload.path, upload.sha256)
    finally:
        upload.path.unlink(missing_ok=True)


async def _write(chunks: AsyncIterator[bytes], path: Path, kind: Kind) -> Upload:
    digest, size = hashlib.sha256(), 0
    with await asyncio.to_thread(path.open, "xb") as file:
        async for piece in _pieces(chunks):
            if size == 0:
                require_start(piece, kind)
            size += len(piece)
            await asyncio.to_thread(file.write, piece)
            await asyncio.to_thread(digest.update, piece)
    if size == 0:
        raise Invalid("The body is empty. Send the file as the body, for example with curl -T FILE.")
    await asyncio.to_thread(require_end, path, size)
    return Upload(path, digest.hexdigest(), size)


async def _pieces(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the body in large pieces, but the first as soon as it tells what the file is."""
    piece, enough = bytearray(), MAGIC_BYTES
    async for chunk in chunks:
        piece += chunk
        if len(piece) >= enough:
            yield bytes(piece)
            piece, enough = bytearray(), PIECE_BYTES
    if piece:
        yield bytes(piece)
