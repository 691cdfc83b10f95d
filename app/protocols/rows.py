"""Rows in, answers out: what predict, encode, decode, reconstruct and anomalies have in common."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol

import orjson
from starlette.types import Receive, Scope, Send

from app.protocols.archives import ZIP_TYPE
from app.protocols.body import INLINE_BODY_BYTES, left, read_body
from app.protocols.inputs import JSON_TYPE, Inputs, Tensors
from app.protocols.negotiation import ANY_JSON
from app.protocols.pictures import IMAGE_TYPES
from app.protocols.quick import Answer, head_of
from app.protocols.replies import Header, reply
from app.serving.execution import Execution, is_quick
from app.serving.role import LoadedRole
from app.serving.turns import Ready

_JSON: Header = (b"content-type", JSON_TYPE.encode())
# Without a type of its own, as curl sends it, it is known by how it begins.
_AS_JSON = frozenset({_JSON[1], b"", b"application/x-www-form-urlencoded"})
_PLAIN: Scope = {"query_string": b""}
# Reading these takes longer than most networks do.
_SLOW_TYPES = IMAGE_TYPES | {ZIP_TYPE}


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
        self._run, self._ask = execution.run, execution.ask
        self._require_room = execution.require_room
        self._head: bytes | None = None

    async def respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        writing = self._writer.choose(scope)
        body = await read_body(receive)
        read, query = self._inputs.read, scope["query_string"]
        sort = self._inputs.media_type(scope, body)
        is_slow = len(body) > INLINE_BODY_BYTES or sort in _SLOW_TYPES
        taken = await self._run(lambda: read(body, sort, query)) if is_slow else read(body, sort, query)
        answer = await self._ask(
            self._role,
            taken.tensors,
            writing.names,
            partial(_with_files, taken.files, writing) if taken.files else writing.write,
            left=partial(left, receive),
            away=writing.slow,
        )
        await reply(send, writing.headers, answer)

    def prepare(self, headers: Mapping[bytes, bytes], body: bytes) -> Ready[Answer] | None:
        """Return what answers rows in JSON, if there is nothing to wait for, else None.

        Raises :class:`~app.errors.TooMany` if too much waits already.
        """
        self._require_room(self._role)
        if headers.get(b"content-type", b"") not in _AS_JSON or not body.startswith(b"{"):
            return None
        if headers.get(b"accept", b"") not in ANY_JSON:
            return None
        tensors = self._inputs.quick(body)
        if tensors is None or not is_quick(self._role, tensors):
            return None
        writing = self._writer.choose(_PLAIN)
        if self._head is None:
            self._head = head_of(writing.headers)
        head, write = self._head, writing.write
        return Ready(self._role, tensors, writing.names, lambda outputs: Answer(head, write(outputs)))


def _with_files(files: Sequence[str], writing: Writing, outputs: Tensors) -> bytes:
    answer = writing.write(outputs)
    if writing.headers[0] == _JSON:
        return b'{"files":%b,%b' % (orjson.dumps(files), answer[1:])
    return answer
