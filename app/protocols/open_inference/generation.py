"""Text as Triton's generate extension has it: a JSON object in, one out, or one for each piece of text."""

import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError
from starlette.types import Receive, Send

from app.errors import AppError, BadRequest
from app.protocols.generate import EVENTS_TYPE, GenerateParameters, begun
from app.protocols.open_inference.envelope import document_of, id_of
from app.protocols.parameters import LARGEST_SEED
from app.protocols.replies import Header, reply
from app.protocols.streams import deltas_of, stream, taken, watched
from app.serving.execution import Execution
from app.serving.generation import Language
from app.serving.role import LoadedRole

_KNOWN = GenerateParameters.model_fields.keys() - {"prompt", "stream"}
_EVENTS: Header = (b"content-type", f"{EVENTS_TYPE}; charset=utf-8".encode())
_UNBUFFERED: Header = (b"x-accel-buffering", b"no")


class Writer(NamedTuple):
    """What is kept ready to write text with a version; ``head`` are the members that name it."""

    role: LoadedRole
    language: Language
    head: Mapping[str, Any]
    headers: list[Header]

    async def respond(
        self, body: bytes, execution: Execution, receive: Receive, send: Send, *, streamed: bool
    ) -> None:
        """Answer one request; if the client leaves, the text ends with the next token."""
        head, asked = read(body, self.head)
        seed = secrets.randbelow(LARGEST_SEED + 1) if asked.seed is None else asked.seed
        try:
            generation = begun(self.language, self.role, asked, seed)
        except AppError as error:
            raise BadRequest(error.detail) from None
        with execution.place() as place:
            async with watched(receive) as gone:
                deltas = deltas_of(generation, place, gone)
                if streamed:
                    await stream(send, [_EVENTS, _UNBUFFERED, *self.headers[1:]], _events(deltas, head))
                    await taken(send, {"type": "http.response.body", "body": b""})
                    return
                async for _ in deltas:
                    pass
                await reply(send, self.headers, orjson.dumps({**head, "text_output": generation.text}))


def read(body: bytes, head: Mapping[str, Any]) -> tuple[dict[str, Any], GenerateParameters]:
    """Return the members that begin every answer, and what is to be written.

    Parameters stand under ``parameters`` or beside it; those that mean nothing here are passed over. Raises
    :class:`~app.errors.BadRequest`.
    """
    document = document_of(body)
    asked_id, parameters = id_of(document), document.get("parameters") or {}
    if not isinstance(document.get("text_input"), str):
        raise BadRequest("Expected 'text_input', the text to be continued.")
    if not isinstance(parameters, dict):
        raise BadRequest("'parameters' must be an object.")
    sent = {name: value for name, value in {**document, **parameters}.items() if name in _KNOWN}
    try:
        asked = GenerateParameters.model_validate({**sent, "prompt": document["text_input"]})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = "text_input" if first["loc"][0] == "prompt" else first["loc"][0]
        raise BadRequest(f"{name}: {first['msg']}, got {str(first['input'])[:60]!r}.") from None
    return ({} if asked_id is None else {"id": asked_id}) | {**head}, asked


async def _events(deltas: AsyncIterator[str], head: Mapping[str, Any]) -> AsyncIterator[bytes]:
    """Yield an event for each piece; what goes wrong after the first one is an event too."""
    is_begun = False
    try:
        async for delta in deltas:
            is_begun = is_begun or bool(delta)
            yield _event({**head, "text_output": delta}) if delta else b""
    except AppError as error:
        if not is_begun:
            raise
        yield _event({"error": error.detail})


def _event(content: Mapping[str, Any]) -> bytes:
    return b"data: %b\n\n" % orjson.dumps(content)
