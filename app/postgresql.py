"""Connections to PostgreSQL that wait for an answer, but not for ever."""

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

T = TypeVar("T")


class Connection(psycopg.Connection[Any]):
    """A connection that is closed, and raises, when its server says nothing for ``answer_seconds``, if any.

    The server ends a statement that takes long by itself, and the kernel notices a machine that is gone. A
    server that is stopped, or whose disk hangs, does neither, and its machine still takes what is sent.
    """

    answer_seconds: float | None = 15.0

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait until a statement is done; the driver does so through this method alone.

        Raises:
            psycopg.OperationalError: there was no answer in time; whether the statement was done is unknown.
        """
        if timeout is not None or self.answer_seconds is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.answer_seconds)
        except psycopg.errors._WaitTimeout:
            # The driver leaves it to its callers to convert.
            self.close()
            raise psycopg.OperationalError(
                f"the database said nothing for {self.answer_seconds:g} seconds"
            ) from None
