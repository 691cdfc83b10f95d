"""The client in both colours, so that every test holds for either."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import httpx
import pytest

import keraforge

URL = "http://service.test"
KEY = "kf_test"


class Either:
    """Runs one expression on a client of one colour, and awaits what must be awaited."""

    def __init__(self, colour: str, service: Any) -> None:
        self._colour = colour
        self._service = service

    def __call__(self, expression: Callable[[Any], Any]) -> Any:
        """Return what ``expression(client)`` returns; events of a stream come as a list."""
        if self._colour == "blocking":
            with keraforge.Client(URL, KEY, transport=httpx.MockTransport(self._service)) as client:
                result = expression(client)
                return list(result) if isinstance(result, Iterator) else result
        return asyncio.run(self._awaited(expression))

    async def _awaited(self, expression: Callable[[Any], Any]) -> Any:
        transport = httpx.MockTransport(self._service.awaited)
        async with keraforge.AsyncClient(URL, KEY, transport=transport) as client:
            result = expression(client)
            if isinstance(result, AsyncIterator):
                return [event async for event in result]
            assert isinstance(result, Coroutine)
            return await result


@pytest.fixture(params=["blocking", "awaiting"])
def call(request: pytest.FixtureRequest, service: Any) -> Either:
    """The client of the fake service, once in each colour."""
    return Either(request.param, service)
