"""Waiting until the service answers."""

import asyncio
from urllib.parse import urlsplit

PAUSE = 0.1
READY = b" 200 "


async def ready(url: str) -> None:
    """Return when the service at ``url`` says that it is ready.

    A connection made before the web process has started waits in the listening socket until it has.
    """
    while not await _says_ready(url):
        await asyncio.sleep(PAUSE)


async def _says_ready(url: str) -> bool:
    address = urlsplit(url)
    try:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
    except OSError:
        return False
    try:
        writer.write(f"GET /readyz HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n\r\n".encode())
        return READY in await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()
