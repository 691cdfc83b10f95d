"""The Open Inference Protocol, version 2, over our engine, as plain ASGI: its clients work as they are.

Wire format: the protocol's REST specification, and Triton's extensions for binary tensors, classification and
the configuration of models.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from app.edge.headers import header
from app.errors import BadRequest, NotFound, shortened
from app.protocols.body import INLINE_BODY_BYTES, left, read_body
from app.protocols.compressed import IDENTITY, inflated, wished
from app.protocols.inputs import JSON_TYPE
from app.protocols.open_inference import documents, envelope, repository, statistics
from app.protocols.open_inference.addresses import asked, unknown
from app.protocols.open_inference.prepared import Prepared
from app.protocols.open_inference.repeated import Request
from app.protocols.parameters import MAX_BYTES
from app.protocols.ports import Array
from app.protocols.quick import Answer, Asking, head_of
from app.protocols.replies import VERSION, Header, reply
from app.serving.engine import Engine
from app.serving.execution import is_quick
from app.serving.loaded import LoadedVersion
from app.serving.snapshot import CHAMPION, Target
from app.serving.statistics import VersionStatistics
from app.serving.turns import Ready
from app.settings import Settings

LIVE, READY = "GET /v2/health/live", "GET /v2/health/ready"
SERVER = ("GET /v2", "GET /v2/")
MODELS = "GET /v2/models"
ABOUT_A_MODEL = ("GET /v2/models/{rest:path}", "POST /v2/models/{rest:path}")
ROUTES = (LIVE, READY, *repository.ROUTES, *SERVER, MODELS, *ABOUT_A_MODEL)
_JSON: list[Header] = [(b"content-type", JSON_TYPE.encode())]


class OpenInference:
    """ASGI application that answers :data:`ROUTES` and passes everything else on.

    It raises :class:`~app.errors.AppError`, which the outermost edge renders as ``{"error": text}``.
    """

    def __init__(self, app: ASGIApp, *, engine: Engine, settings: Settings) -> None:
        self._app = app
        self._engine = engine
        self._settings = settings
        self._prepared: WeakKeyDictionary[LoadedVersion, Prepared] = WeakKeyDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        route = scope["state"]["route"] if scope["type"] == "http" else None
        if route not in ROUTES:
            await self._app(scope, receive, send)
        elif route in ABOUT_A_MODEL:
            await self._of_model(scope, receive, send)
        else:
            status, document = await self._of_server(route, scope, receive)
            body, headers = (
                orjson.dumps(document),
                _JSON if status == 200 else [*_JSON, (b"retry-after", b"1")],
            )
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    def prepare(self, asking: Asking) -> Ready[Answer] | None:
        """Return what answers an inference that takes next to no time, None for every other request."""
        target, question = asked(asking.owner, "POST", asking.path)
        version, headers = self._engine.lookup(target), asking.headers
        asking.version, asking.route = version, _counted("POST", question)
        if version is None or question != "infer" or wished(headers.get(b"accept-encoding")) is not None:
            return None
        prepared = self._of(version)
        self._engine.execution.require_room(prepared.role)
        wants_json = JSON_TYPE.encode() in headers.get(b"accept", b"")
        request = prepared.read(asking.body, headers.get(envelope.HEADER), wants_json=wants_json)
        if not is_quick(prepared.role, request.inputs):
            return None

        def write(outputs: Mapping[str, Array]) -> Answer:
            body, length = prepared.answer(request, None, outputs)
            return Answer(head_of(prepared.headers_of(length)), body)

        return Ready(prepared.role, request.inputs, request.names, write)

    async def _of_server(self, route: str, scope: Scope, receive: Receive) -> tuple[int, Any]:
        if route == LIVE:
            return 200, {"live": True}
        if route == READY:
            ready = self._engine.ready
            return (200 if ready else 503), {"live": True, "ready": ready}
        if route in SERVER:
            return 200, documents.server()
        owner: str = scope["state"]["principal"].owner
        if route in (repository.LOAD, repository.UNLOAD):
            target = Target(owner, scope["path_params"]["name"])
            return 200, await repository.move(self._engine, target, route, await read_body(receive))
        if route == repository.INDEX:
            return 200, await repository.index(self._engine, owner, await read_body(receive))
        targets = await self._engine.targets(owner)
        return 200, {"models": sorted({target.name for target in targets})}

    async def _of_model(self, scope: Scope, receive: Receive, send: Send) -> None:
        target, question = asked(scope["state"]["principal"].owner, scope["method"], scope["path"])
        scope["state"]["route"] = _counted(scope["method"], question)
        if question in ("ready", "stats", "all_stats"):
            await reply(send, _JSON, orjson.dumps(await self._told(target, question)))
            return
        version = scope["state"][VERSION] = await self._version(target)
        prepared = self._of(version)
        match question:
            case "infer":
                await self._infer(prepared, scope, receive, send)
            case "generate" | "generate_stream":
                await self._generate(version, scope, receive, send)
            case _:
                await self._describe(prepared, target, question, send)

    def _of(self, version: LoadedVersion) -> Prepared:
        prepared = self._prepared.get(version)
        if prepared is None:
            prepared = self._prepared[version] = Prepared.of(version, self._settings)
        return prepared

    async def _told(self, target: Target, question: str) -> Mapping[str, Any]:
        """Return what is told of versions without loading them."""
        if question == "ready":
            return await repository.readiness(self._engine, target)
        known = [each for each in self._engine.statistics if each.owner == target.owner]
        if question == "all_stats":
            return statistics.document_of(known)
        numbers = await self._engine.numbers(target)
        if not numbers:
            raise unknown(target)
        counted = {each.number: each for each in known if each.model == target.name}
        nothing = (VersionStatistics(target.owner, target.name, number) for number in numbers)
        return statistics.document_of(counted.get(each.number, each) for each in nothing)

    async def _describe(self, prepared: Prepared, target: Target, question: str, send: Send) -> None:
        body: Mapping[str, Any] = prepared.documents[question]
        if question == "metadata":
            numbers = await self._engine.numbers(target._replace(which=CHAMPION))
            body = {**body, "versions": [str(number) for number in numbers]}
        await reply(send, prepared.headers, orjson.dumps(body))

    async def _version(self, target: Target) -> LoadedVersion:
        try:
            return self._engine.lookup(target) or await self._engine.obtain(target)
        except NotFound:
            raise unknown(target) from None

    async def _generate(self, version: LoadedVersion, scope: Scope, receive: Receive, send: Send) -> None:
        writer = self._prepared[version].writer
        if writer is None:
            raise BadRequest(
                f"The model {shortened(version.model)} does not write text; ask it with POST …/infer."
            )
        encoding = header(scope, b"content-encoding") or IDENTITY
        body = inflated(await read_body(receive), encoding, MAX_BYTES)
        streamed = scope["path"].endswith("generate_stream")
        await writer.respond(body, self._engine.execution, receive, send, streamed=streamed)

    async def _infer(self, prepared: Prepared, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        encoding = header(scope, b"content-encoding") or IDENTITY
        length = header(scope, envelope.HEADER)
        wants_json = JSON_TYPE.encode() in (header(scope, b"accept") or b"")
        limit = self._settings.predict_body_bytes

        def read() -> Request:
            return prepared.read(inflated(body, encoding, limit), length, wants_json=wants_json)

        packing = wished(header(scope, b"accept-encoding"))
        execution = self._engine.execution
        is_slow = len(body) > INLINE_BODY_BYTES or encoding != IDENTITY
        request = await execution.run(read) if is_slow else read()
        answer, json_length = await execution.ask(
            prepared.role,
            request.inputs,
            request.names,
            partial(prepared.answer, request, packing),
            left=partial(left, receive),
            seconds=request.seconds,
            away=packing is not None,
        )
        headers = prepared.headers_of(json_length)
        if packing is not None:
            headers = [*headers, (b"content-encoding", packing)]
        await reply(send, headers, answer)


def _counted(method: str, question: str) -> str:
    """Return what requests with a question about a model are counted as."""
    return f"{method} /v2/models/{{name}}/{question}"
