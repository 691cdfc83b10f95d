"""OpenAI's completions and list of models over our engine, as plain ASGI: its clients work as they are.

Wire format: OpenAI's API reference, completions and models.
"""

import contextlib
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from app.edge.problems import answer
from app.errors import AppError, BadRequest, NotFound, shortened
from app.identifiers import new_id
from app.protocols.body import read_body
from app.protocols.generate import EVENTS_TYPE, MOST_TOKENS
from app.protocols.inputs import JSON_TYPE
from app.protocols.openai.completions import CompletionParameters, Logprobs, choice, usage_of
from app.protocols.parameters import LARGEST_SEED, parameters_of
from app.protocols.replies import VERSION, Header, headers_of, reply
from app.protocols.streams import complete, deltas_of, stream, taken, together, watched
from app.serving.engine import Engine
from app.serving.generation import Generation, Language
from app.serving.loaded import LoadedVersion
from app.serving.role import LoadedRole
from app.serving.sampling import Choice, Chooser
from app.serving.snapshot import CHAMPION, Target

_PATH = "/v1/completions"
COMPLETIONS = (f"POST {_PATH}", f"POST /openai{_PATH}")
LISTS = ("GET /v1/models", "GET /openai/v1/models")
MODEL = "GET /openai/v1/models/{name}"
ROUTES = (*COMPLETIONS, *LISTS, MODEL)
_JSON: list[Header] = [(b"content-type", JSON_TYPE.encode())]
_MOST_DIGITS = 9


class OpenAi:
    """ASGI application that answers :data:`ROUTES` and passes everything else on.

    It raises :class:`~app.errors.AppError`, which the outermost edge renders as OpenAI's error object.
    """

    def __init__(self, app: ASGIApp, *, engine: Engine) -> None:
        self._app = app
        self._engine = engine
        self._languages: WeakKeyDictionary[LoadedVersion, Language] = WeakKeyDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        route = scope["state"]["route"] if scope["type"] == "http" else None
        if route not in ROUTES:
            await self._app(scope, receive, send)
            return
        owner: str = scope["state"]["principal"].owner
        if route in COMPLETIONS:
            await self._complete(scope, receive, send)
        elif route in LISTS:
            models = await self._engine.models(owner)
            found = [_model(name, made) for name, made in models.items()]
            await reply(send, _JSON, orjson.dumps({"object": "list", "data": found, "models": list(models)}))
        else:
            name = scope["path_params"]["name"]
            one = (await self._engine.models(owner)).get(name)
            if one is None:
                raise NotFound(f"The model {shortened(name)} does not exist.", code="model_not_found")
            await reply(send, _JSON, orjson.dumps(_model(name, one)))

    async def _complete(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        execution = self._engine.execution
        asked = await parameters_of(body, CompletionParameters, execution)
        target = _target(scope["state"]["principal"].owner, asked.model)
        version = scope["state"][VERSION] = self._engine.lookup(target) or await self._engine.obtain(target)
        texts = _begun(asked, version, self._language(version))
        head = {
            "id": new_id("cmpl").replace("_", "-"),
            "object": "text_completion",
            "created": int(time.time()),
        }
        head["model"] = asked.model
        with execution.place() as place:
            async with watched(receive) as gone:
                if asked.stream:
                    headers = [*headers_of(version, EVENTS_TYPE), (b"x-accel-buffering", b"no")]
                    deltas = together([deltas_of(text.generation, place, gone) for text in texts])
                    told = _told(asked, head, texts, deltas)
                    await stream(send, headers, told)
                    await taken(send, {"type": "http.response.body", "body": b"data: [DONE]\n\n"})
                    return
                await complete([text.generation for text in texts], place, gone)
                choices = [
                    choice(index, text.echo + text.generation.text, text.generation, text.logprobs)
                    for index, text in enumerate(texts)
                ]
                usage = usage_of([text.generation for text in texts], asked.n)
                whole = orjson.dumps({**head, "choices": choices, "usage": usage})
                await reply(send, headers_of(version, JSON_TYPE), whole)

    def _language(self, version: LoadedVersion) -> Language:
        schema = version.signature.text
        if schema is None or "step" not in version.roles:
            raise BadRequest(
                f"The model {shortened(version.model)} does not write text; "
                f"it was trained for {version.signature.task}.",
                code="role_not_served",
            )
        if version not in self._languages:
            self._languages[version] = Language(version, schema)
        return self._languages[version]


class _Text(NamedTuple):
    """One of the texts that were asked for; ``echo`` is what stands before it."""

    generation: Generation
    logprobs: Logprobs | None
    echo: str


def _model(name: str, made: datetime) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": int(made.timestamp()), "owned_by": "keraforge"}


def _target(owner: str, model: str) -> Target:
    name, _, which = model.partition("@")
    if not which:
        return Target(owner, name, CHAMPION)
    return Target(owner, name, int(which) if which.isdecimal() and len(which) <= _MOST_DIGITS else which)


def _begun(asked: CompletionParameters, version: LoadedVersion, language: Language) -> list[_Text]:
    wanted = [prompt for prompt in asked.prompt for _ in range(asked.n)]
    if len(wanted) * asked.max_tokens > MOST_TOKENS:
        raise BadRequest(
            f"Expected at most {MOST_TOKENS} tokens in all choices together, "
            f"got {len(wanted)} choices of {asked.max_tokens}.",
            code="too_many_tokens",
        )
    seed = secrets.randbelow(LARGEST_SEED + 1) if asked.seed is None else asked.seed
    role = version.roles["step"]
    return [
        _text(asked, prompt, (seed + number) % (LARGEST_SEED + 1), language, role)
        for number, prompt in enumerate(wanted)
    ]


def _text(asked: CompletionParameters, prompt: str, seed: int, language: Language, role: LoadedRole) -> _Text:
    ids = language.ids(prompt)
    if not ids:
        raise BadRequest("The prompt has no token in it.", code="empty")
    logprobs = None if asked.logprobs is None else Logprobs(language.vocabulary, asked.logprobs)
    generation = Generation(
        language,
        role,
        ids,
        Chooser(Choice(asked.temperature, None, asked.top_p, seed)),
        max_tokens=asked.max_tokens,
        stop=asked.stop or (),
        told=logprobs.tell if logprobs else None,
    )
    return _Text(generation, logprobs, prompt if asked.echo else "")


async def _told(
    asked: CompletionParameters,
    head: dict[str, Any],
    texts: list[_Text],
    deltas: AsyncGenerator[tuple[int, str | None]],
) -> AsyncIterator[bytes]:
    """Yield the events of all texts as they come; ``deltas`` are their pieces, by their numbers.

    What goes wrong after the first event is an event too.
    """
    with_usage = bool(asked.stream_options and asked.stream_options.include_usage)
    more: dict[str, Any] = {"usage": None} if with_usage else {}
    is_begun = False
    try:
        async with contextlib.aclosing(_choices(texts, deltas)) as choices:
            async for each in choices:
                is_begun = True
                yield _event({**head, "choices": [each], **more})
    except AppError as error:
        if not is_begun:
            raise
        yield b"data: %b\n\n" % answer(error, _PATH, "")[2]
        return
    if with_usage:
        usage = usage_of([text.generation for text in texts], asked.n)
        yield _event({**head, "choices": [], "usage": usage})


async def _choices(
    texts: list[_Text], deltas: AsyncGenerator[tuple[int, str | None]]
) -> AsyncGenerator[dict[str, Any]]:
    """Yield the pieces of all texts, what stands before them first."""
    for index, text in enumerate(texts):
        if text.echo:
            yield choice(index, text.echo, None, None)
    async with contextlib.aclosing(deltas):
        async for index, delta in deltas:
            if delta is None:
                yield choice(index, "", texts[index].generation, texts[index].logprobs)
            elif delta:
                yield choice(index, delta, None, None)


def _event(content: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % orjson.dumps(content)
