"""Rows in, answers out: what predict, encode, decode, reconstruct and anomalies have in common."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from starlette.types import Receive, Scope, Send

from app.protocols.body import INLINE_BODY_BYTES, read_body
from app.protocols.inputs import Inputs, Tensors
from app.protocols.pictures import IMAGE_TYPES
from app.protocols.replies import Header, reply
from app.serving.execution import Execution
from app.serving.role import LoadedRole


class Writing(NamedTuple):
    """How one request is answered: which outputs it needs, what is written of them, under which headers.

    ``slow`` says that writing takes longer than most networks do.
    """

    names: Sequence[str]
    write: Callable[[Tensors], bytes]
    headers: list[Header]
    slow: bool = False


class Writer(Protocol):
    """Writes the answers of one role of one version."""

    def choose(self, scope: Scope) -> Writing:
        """Return how this request is answered; raise what is wrong with its query or its ``Accept``."""


class Rows:
    """Answers requests that carry rows; made once for a version, it must not hold that itself."""

    def __init__(self, role: LoadedRole, inputs: Inputs, writer: Writer, execution: Execution) -> None:
        self._role = role
        self._inputs = inputs
        self._writer = writer
        self._run = execution.run

    async def respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        writing = self._writer.choose(scope)
        body = await read_body(receive)
        read, query = self._inputs.read, scope["query_string"]
        sort = self._inputs.media_type(scope, body)
        if len(body) > INLINE_BODY_BYTES or sort in IMAGE_TYPES or writing.slow:
            answer = await self._run(lambda: self._answer(read(body, sort, query), writing))
        else:
            tensors = read(body, sort, query)
            rows = len(next(iter(tensors.values())))
            answer = await self._run(lambda: self._answer(tensors, writing), self._role.row_seconds * rows)
        await reply(send, writing.headers, answer)

    def _answer(self, tensors: Tensors, writing: Writing) -> bytes:
        return writing.write(self._role.run(tensors, writing.names))
