import asyncio

import pytest

from app.protocols.streams import together

pytestmark = pytest.mark.anyio


async def test_pieces_are_told_as_they_come():
    heard = asyncio.Event()

    async def waits():
        yield "a"
        await heard.wait()
        yield "b"

    async def goes_on():
        yield "1"
        yield "2"
        yield "3"

    told = []
    async for number, piece in together([waits(), goes_on()]):
        told.append((number, piece))
        if piece == "3":
            heard.set()
    assert [piece for number, piece in told if number == 0] == ["a", "b", None]
    assert [piece for number, piece in told if number == 1] == ["1", "2", "3", None]
    assert told.index((1, "3")) < told.index((0, "b"))


async def test_no_text_goes_on_while_nobody_reads():
    made = []

    async def endless(name):
        while True:
            made.append(name)
            yield name

    texts = together([endless(name) for name in "ab"])
    await anext(texts)
    for _ in range(20):
        await asyncio.sleep(0)
    assert sorted(made) == ["a", "b"]
    await texts.aclose()


async def test_what_ends_one_ends_all():
    closed = []

    async def endless():
        try:
            while True:
                await asyncio.sleep(0)
                yield "a"
        finally:
            closed.append(True)

    async def breaks():
        yield "b"
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        async for _ in together([endless(), breaks()]):
            pass
    assert closed == [True]
