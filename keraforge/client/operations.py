"""Operations: methods that are written once and called in either colour."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from keraforge.client.requests import Steps
from keraforge.client.transports import Awaiting, Blocking

P = ParamSpec("P")
T = TypeVar("T")
TransportT = TypeVar("TransportT", bound="Blocking | Awaiting")


class Resource(Generic[TransportT]):
    """A group of operations over one transport."""

    def __init__(self, transport: TransportT) -> None:
        self._transport = transport


class Operation(Generic[P, T]):
    """A method whose body is steps: it returns ``T`` over one transport, awaits to it over the other."""

    def __init__(self, steps: Callable[Concatenate[Any, P], Steps[T]]) -> None:
        self._steps = steps
        self.__doc__ = steps.__doc__

    @overload
    def __get__(self, resource: None, owner: type) -> Operation[P, T]: ...
    @overload
    def __get__(self, resource: Resource[Blocking], owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, resource: Resource[Awaiting], owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, resource: Any, owner: type) -> Any:
        """Bind to a resource, as functions do."""
        if resource is None:
            return self

        @wraps(self._steps)
        def call(*args: P.args, **options: P.kwargs) -> Any:
            return resource._transport.run(self._steps(resource, *args, **options))

        return call


operation = Operation
