"""The two colours: run an operation's steps blocking or awaiting, and follow a stream either way."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

from keraforge.address import Address, find, unreachable
from keraforge.client.deltas import Deltas
from keraforge.client.following import Following
from keraforge.client.requests import Answer, Broken, Pause, Request, Steps, checked

T = TypeVar("T")
EventT = TypeVar("EventT")


class _Transport:
    """What both colours know: the address, and how httpx is to be set up."""

    def __init__(self, url: str | None, key: str | None, data_dir: str | Path | None, timeout: float) -> None:
        self.address: Address = find(url, key, data_dir)
        self._timeout = timeout

    def _options(self) -> dict[str, Any]:
        headers = {"User-Agent": "keraforge-python"}
        if self.address.key:
            headers["Authorization"] = f"Bearer {self.address.key}"
        return {
            "base_url": self.address.url,
            "headers": headers,
            "timeout": self._timeout,
            # A proxy of the environment is never asked for the address of this very machine.
            "trust_env": not self.address.is_loopback,
        }

    def _broken(self, error: httpx.TransportError) -> Broken:
        reason = str(error) or type(error).__name__
        # Nobody listens, or whoever does had all the time that the caller gives.
        final = isinstance(error, httpx.ConnectError | httpx.TimeoutException)
        return Broken(unreachable(self.address, reason), final)


class Blocking(_Transport):
    """Runs steps in the calling thread."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        data_dir: str | Path | None = None,
        timeout: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        super().__init__(url, key, data_dir, timeout)
        self._http = httpx.Client(transport=transport, **self._options())

    def run(self, steps: Steps[T]) -> T:
        """Take all steps and return what they return."""
        answer: Answer = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as end:
                result: T = end.value
                return result
            answer = self._take(step)

    def _take(self, step: Request | Pause) -> Answer:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        try:
            return self._http.request(**step.arguments(awaiting=False))
        except httpx.TransportError as error:
            return self._broken(error)

    def follow(self, following: Following[EventT]) -> Iterator[EventT]:
        """Yield events until the stream has ended, connecting again wherever it breaks."""
        while not following.over():
            try:
                with self._http.stream(**following.request().arguments(awaiting=False)) as response:
                    if following.opens(response):
                        for line in response.iter_lines():
                            yield from following.take(line)
                            if following.over():
                                return
                    else:
                        response.read()
                        following.declined(response)
            except httpx.TransportError as error:
                following.broke(self._broken(error).error)
            if not following.over():
                time.sleep(following.pause)

    def stream(self, request: Request, deltas: Deltas) -> Iterator[str]:
        """Yield the pieces of an answer as they come; it is asked for but once."""
        try:
            with self._http.stream(**request.arguments(awaiting=False)) as response:
                if not response.is_success:
                    response.read()
                for content in checked(response).iter_bytes():
                    yield from deltas.take(content)
        except httpx.TransportError as error:
            raise self._broken(error).error from error
        deltas.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Awaiting(_Transport):
    """Runs steps in the calling coroutine."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        data_dir: str | Path | None = None,
        timeout: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(url, key, data_dir, timeout)
        self._http = httpx.AsyncClient(transport=transport, **self._options())

    async def run(self, steps: Steps[T]) -> T:
        """Take all steps and return what they return."""
        answer: Answer = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as end:
                result: T = end.value
                return result
            answer = await self._take(step)

    async def _take(self, step: Request | Pause) -> Answer:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        try:
            return await self._http.request(**step.arguments(awaiting=True))
        except httpx.TransportError as error:
            return self._broken(error)

    async def follow(self, following: Following[EventT]) -> AsyncIterator[EventT]:
        """Yield events until the stream has ended, connecting again wherever it breaks."""
        while not following.over():
            try:
                async with self._http.stream(**following.request().arguments(awaiting=True)) as response:
                    if following.opens(response):
                        async for line in response.aiter_lines():
                            for event in following.take(line):
                                yield event
                            if following.over():
                                return
                    else:
                        await response.aread()
                        following.declined(response)
            except httpx.TransportError as error:
                following.broke(self._broken(error).error)
            if not following.over():
                await asyncio.sleep(following.pause)

    async def stream(self, request: Request, deltas: Deltas) -> AsyncIterator[str]:
        """Yield the pieces of an answer as they come; it is asked for but once."""
        try:
            async with self._http.stream(**request.arguments(awaiting=True)) as response:
                if not response.is_success:
                    await response.aread()
                async for content in checked(response).aiter_bytes():
                    for piece in deltas.take(content):
                        yield piece
        except httpx.TransportError as error:
            raise self._broken(error).error from error
        deltas.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()
