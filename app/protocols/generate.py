"""Text generation: the whole text at once, or piece by piece while it comes into being."""

import secrets
from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from pydantic import Field
from starlette.types import Receive, Scope, Send

from app.protocols.body import read_body
from app.protocols.inputs import JSON_TYPE, require_json
from app.protocols.instances import invalid
from app.protocols.negotiation import negotiated
from app.protocols.parameters import LARGEST_SEED, Parameters, Seed, one_or_more, parameters_of
from app.protocols.replies import Header, headers_of, lineage, reply
from app.protocols.streams import deltas_of, stream, taken, watched
from app.protocols.texts import PLAIN_TYPE
from app.serving.execution import Execution
from app.serving.generation import Generation, Language
from app.serving.loaded import LoadedVersion
from app.serving.role import LoadedRole
from app.serving.sampling import Choice, Chooser
from models.schema import TextSchema

EVENTS_TYPE = "text/event-stream"
MOST_TOKENS = 4096
LONGEST_PROMPT = 65_536
_MEDIA_TYPES = {JSON_TYPE: JSON_TYPE, EVENTS_TYPE: EVENTS_TYPE, PLAIN_TYPE: f"{PLAIN_TYPE}; charset=utf-8"}

Stop = Annotated[str, Field(min_length=1, max_length=100)]
Stops = Annotated[list[Stop], Field(max_length=16), one_or_more(str | list[str])]


class GenerateParameters(Parameters):
    """What to write: a text that continues ``prompt``."""

    prompt: str = Field(min_length=1, max_length=LONGEST_PROMPT, examples=["Once upon"])
    max_tokens: int = Field(200, ge=1, le=MOST_TOKENS, description="Tokens: characters, or words and signs.")
    temperature: float = Field(1.0, ge=0, le=100, description="0 takes the likeliest token each time.")
    top_k: int | None = Field(None, ge=1, description="Draw from so many of the likeliest tokens only.")
    top_p: float = Field(
        1.0, gt=0, le=1, description="Draw from the fewest likeliest tokens that make up this probability."
    )
    seed: Seed | None = None
    stop: Stops | None = Field(None, description="Texts that end the answer, which leaves them out.")
    stream: bool = Field(False, description="Answer with server-sent events while the text comes into being.")


class Generate:
    """Answers requests for text; made once for a version, it must not hold that itself."""

    def __init__(
        self, version: LoadedVersion, role: LoadedRole, schema: TextSchema, execution: Execution
    ) -> None:
        self._role = role
        self._language = Language(version, schema)
        self._execution = execution
        self._lineage = lineage(version)
        self._headers = {name: headers_of(version, shown) for name, shown in _MEDIA_TYPES.items()}

    async def respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; if the client leaves, the text ends with the next token."""
        media_type = negotiated(scope, list(self._headers))
        body = await read_body(receive)
        require_json(scope)
        asked = await parameters_of(body, GenerateParameters, self._execution)
        if asked.stream and media_type == JSON_TYPE:
            media_type = EVENTS_TYPE
        seed = secrets.randbelow(LARGEST_SEED + 1) if asked.seed is None else asked.seed
        generation = begun(self._language, self._role, asked, seed)
        headers: list[Header] = [*self._headers[media_type], (b"x-keraforge-seed", b"%d" % seed)]
        with self._execution.place() as place:
            async with watched(receive) as gone:
                deltas = deltas_of(generation, place, gone)
                if media_type == JSON_TYPE:
                    async for _ in deltas:
                        pass
                    await reply(send, headers, orjson.dumps(self._whole(generation, seed)))
                    return
                written = _events(deltas) if media_type == EVENTS_TYPE else _plain(deltas)
                await stream(send, headers, written)
                last = _event(self._whole(generation, seed)) if media_type == EVENTS_TYPE else b""
                await taken(send, {"type": "http.response.body", "body": last})

    def _whole(self, generation: Generation, seed: int) -> dict[str, Any]:
        usage = {
            "prompt_tokens": generation.prompt_tokens,
            "completion_tokens": generation.completion_tokens,
            "total_tokens": generation.prompt_tokens + generation.completion_tokens,
        }
        ended = {"text": generation.text, "finish_reason": generation.finish_reason}
        return {**self._lineage, **ended, "seed": seed, "usage": usage}


def begun(language: Language, role: LoadedRole, asked: GenerateParameters, seed: int) -> Generation:
    """Return a text that is to be written; raise :class:`~app.errors.Invalid` for a prompt without token."""
    prompt = language.ids(asked.prompt)
    if not prompt:
        raise invalid(
            "/prompt", "empty", f"Expected at least one {language.schema.tokens}, got a text without."
        )
    chooser = Chooser(Choice(asked.temperature, asked.top_k, asked.top_p, seed))
    return Generation(language, role, prompt, chooser, max_tokens=asked.max_tokens, stop=asked.stop or ())


async def _events(deltas: AsyncIterator[str]) -> AsyncIterator[bytes]:
    async for delta in deltas:
        yield _event({"delta": delta}) if delta else b""


async def _plain(deltas: AsyncIterator[str]) -> AsyncIterator[bytes]:
    async for delta in deltas:
        yield delta.encode()


def _event(content: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % orjson.dumps(content)
