import asyncio

import pytest

from keraforge.up.readiness import ready


def test_ready_waits_until_the_service_says_so() -> None:
    asked: list[bytes] = []
    answers = [b"", b"HTTP/1.1 503 Service Unavailable\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answers[len(asked) - 1])
        writer.close()

    async def scenario() -> str:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        async with server:
            await asyncio.wait_for(ready(f"http://{host}:{port}"), 20)
        return f"{host}:{port}"

    address = asyncio.run(scenario())
    assert len(asked) == 3
    assert asked[0].startswith(f"GET /readyz HTTP/1.1\r\nHost: {address}\r\n".encode())


def test_ready_goes_on_asking_where_nobody_listens() -> None:
    async def scenario() -> None:
        server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        await asyncio.wait_for(ready(f"http://127.0.0.1:{port}"), 0.3)

    with pytest.raises(TimeoutError):
        asyncio.run(scenario())
