import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.datasets.uploads import receive
from app.errors import BadRequest


def test_a_line_that_breaks_leaves_nothing(tmp_path: Path, npz: bytes) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield npz[:2000]
        raise BadRequest("gone")

    with pytest.raises(BadRequest):
        asyncio.run(receive(broken(), tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_request_that_is_cancelled_leaves_nothing(tmp_path: Path, npz: bytes) -> None:
    async def cancelled() -> None:
        begun = asyncio.Event()

        async def stuck() -> AsyncIterator[bytes]:
            yield npz[:2000]
            begun.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(receive(stuck(), tmp_path))
        await begun.wait()
        assert len(list(tmp_path.iterdir())) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert list(tmp_path.iterdir()) == []
