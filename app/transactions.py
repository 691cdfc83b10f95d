"""The transaction of a request: begun and ended in the one call of a thread that runs the endpoint."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from fastapi.routing import APIRoute
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Transaction:
    """What an endpoint that asks for a session is handed in its place, until it runs."""

    begin: Callable[[], AbstractContextManager[Session]]


class TransactionRoute(APIRoute):
    """A route whose endpoint, a plain function, runs inside of the transactions that it asks for.

    FastAPI ends what its own dependencies began only after it has checked the answer, for which it waits for
    a free thread. Enough requests at once hold all threads while they wait for that transaction, or for its
    connection: on SQLite 120 writers stood for 30 seconds and then failed.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        # A coroutine runs on the event loop, where no transaction may stand.
        super().__init__(path, endpoint if iscoroutinefunction(endpoint) else _inside(endpoint), **options)


def _inside(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(endpoint)
    def run(**arguments: Any) -> Any:
        with ExitStack() as stack:
            for name, value in arguments.items():
                if isinstance(value, Transaction):
                    arguments[name] = stack.enter_context(value.begin())
            return endpoint(**arguments)

    return run
