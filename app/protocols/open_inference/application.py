"""The Open Inference Protocol, version 2, over our engine, as plain ASGI: its clients work as they are.

Wire format: the protocol's REST specification, and Triton's extensions for binary tensors, classification and
the configuration of models.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from app.edge.headers import header
from app.errors import BadRequest, NotFound
from app.protocols.body import INLINE_BODY_BYTES, read_body
from app.protocols.compressed import IDENTITY, inflated
from app.protocols.inputs import JSON_TYPE
from app.protocols.open_inference import documents, envelope
from app.protocols.open_inference.addresses import asked, unknown
from app.protocols.open_inference.inputs import read_inputs
from app.protocols.open_inference.outputs import Wanted, answer_of, wanted_of
from app.protocols.open_inference.raw import read_raw
from app.protocols.ports import Array, Port, main_role, ports_of
from app.protocols.replies import Header, headers_of, reply
from app.serving.engine import Engine
from app.serving.loaded import LoadedVersion
from app.serving.role import LoadedRole
from app.serving.snapshot import CHAMPION, Target
from app.settings import Settings

LIVE, READY = "GET /v2/health/live", "GET /v2/health/ready"
INDEX = "POST /v2/repository/index"
SERVER = ("GET /v2", "GET /v2/")
MODELS = "GET /v2/models"
ABOUT_A_MODEL = ("GET /v2/models/{rest:path}", "POST /v2/models/{rest:path}")
ROUTES = (LIVE, READY, INDEX, *SERVER, MODELS, *ABOUT_A_MODEL)
_JSON: list[Header] = [(b"content-type", JSON_TYPE.encode())]


class OpenInference:
    """ASGI application that answers :data:`ROUTES` and passes everything else on.

    It raises :class:`~app.errors.AppError`, which the outermost edge renders as ``{"error": text}``.
    """

    def __init__(self, app: ASGIApp, *, engine: Engine, settings: Settings) -> None:
        self._app = app
        self._engine = engine
        self._settings = settings
        self._prepared: WeakKeyDictionary[LoadedVersion, _Prepared] = WeakKeyDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        route = scope["state"]["route"] if scope["type"] == "http" else None
        if route not in ROUTES:
            await self._app(scope, receive, send)
        elif route in ABOUT_A_MODEL:
            await self._of_model(scope, receive, send)
        else:
            status, document = await self._of_server(route, scope["state"]["principal"].owner)
            body = orjson.dumps(document)
            await send({"type": "http.response.start", "status": status, "headers": _JSON})
            await send({"type": "http.response.body", "body": body})

    async def _of_server(self, route: str, owner: str) -> tuple[int, Any]:
        if route == LIVE:
            return 200, {"live": True}
        if route == READY:
            ready = self._engine.ready
            return (200 if ready else 503), {"live": True, "ready": ready}
        if route in SERVER:
            return 200, documents.server()
        targets = await self._engine.targets(owner)
        if route == INDEX:
            return 200, documents.index(targets)
        return 200, {"models": sorted({target.name for target in targets})}

    async def _of_model(self, scope: Scope, receive: Receive, send: Send) -> None:
        target, question = asked(scope["state"]["principal"].owner, scope["method"], scope["path"])
        scope["state"]["route"] = f"{scope['method']} /v2/models/{{name}}/{question}"
        version = await self._version(target)
        prepared = self._prepared.get(version)
        if prepared is None:
            prepared = self._prepared[version] = _Prepared.of(version, self._settings)
        if question == "infer":
            await self._infer(prepared, scope, receive, send)
            return
        documented: Mapping[str, Any] = prepared.documents
        body = documented[question]
        if question == "metadata":
            numbers = await self._engine.numbers(target._replace(which=CHAMPION))
            body = {**body, "versions": [str(number) for number in numbers]}
        await reply(send, prepared.headers, orjson.dumps(body))

    async def _version(self, target: Target) -> LoadedVersion:
        try:
            return self._engine.lookup(target) or await self._engine.obtain(target)
        except NotFound:
            raise unknown(target) from None

    async def _infer(self, prepared: "_Prepared", scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        encoding = header(scope, b"content-encoding") or IDENTITY
        length = header(scope, envelope.HEADER)
        wants_json = JSON_TYPE.encode() in (header(scope, b"accept") or b"")
        limit = self._settings.predict_body_bytes

        def read() -> _Request:
            return prepared.read(inflated(body, encoding, limit), length, wants_json=wants_json)

        run = self._engine.execution.run
        if len(body) > INLINE_BODY_BYTES or encoding != IDENTITY:
            answer, json_length = await run(lambda: prepared.answer(read()))
        else:
            request = read()
            rows = len(next(iter(request.inputs.values())))
            answer, json_length = await run(
                lambda: prepared.answer(request), prepared.role.row_seconds * rows
            )
        headers = prepared.headers
        if json_length is not None:
            binary = [(b"content-type", b"application/octet-stream"), (envelope.HEADER, b"%d" % json_length)]
            headers = [*binary, *headers[1:]]
        await reply(send, headers, answer)


class _Request(NamedTuple):
    id: str | None
    inputs: dict[str, Array]
    wanted: list[Wanted]


class _Prepared(NamedTuple):
    """What is kept ready of a version, but not the version itself."""

    role: LoadedRole
    ports: list[Port]
    labels: tuple[str, ...]
    head: dict[str, Any]
    headers: list[Header]
    documents: dict[str, Any]

    @classmethod
    def of(cls, version: LoadedVersion, settings: Settings) -> "_Prepared":
        role = main_role(version)
        ports = ports_of(version, role, max_pixels=settings.image_pixels)
        return cls(
            role,
            ports,
            version.signature.labels,
            {"model_name": version.model, "model_version": str(version.number)},
            headers_of(version, JSON_TYPE),
            {
                "ready": {"name": version.model, "ready": True},
                "metadata": documents.metadata(version, role, ports),
                "config": documents.config(version, role, ports),
            },
        )

    def read(self, body: bytes, length: bytes | None, *, wants_json: bool) -> _Request:
        """Return what a body asks for; raise :class:`~app.errors.BadRequest` for what is wrong with it."""
        json_length = envelope.json_length(length, body)
        if json_length == 0:
            wanted = [Wanted(name, not wants_json) for name in self.role.names]
            return _Request(None, read_raw(body, self.ports), wanted)
        document = envelope.document_of(body[:json_length])
        binary = memoryview(body)[len(body) if json_length is None else json_length :]
        asked_id = document.get("id")
        if asked_id is not None and not isinstance(asked_id, str):
            raise BadRequest("'id' must be a string.")
        inputs = read_inputs(document, binary, self.ports, self.role.max_rows)
        return _Request(asked_id, inputs, wanted_of(document, self.role.names))

    def answer(self, request: _Request) -> tuple[bytes, int | None]:
        """Return the body of the answer, and the length of its JSON part where bytes follow."""
        names = list(dict.fromkeys(wanted.name for wanted in request.wanted))
        outputs = self._run(request.inputs, names)
        head = self.head if request.id is None else {**self.head, "id": request.id}
        return answer_of(head, outputs, request.wanted, self.labels)

    def _run(self, inputs: dict[str, Array], names: list[str]) -> dict[str, Array]:
        if not len(next(iter(inputs.values()))):
            # Graphs need not know what to do with no row at all.
            outputs = {tensor.name: tensor.shape for tensor in self.role.outputs}
            return {name: _empty(outputs[name]) for name in names}
        return self.role.run(inputs, names)


def _empty(shape: tuple[int, ...]) -> Array:
    return np.empty((0, *shape), np.float32)
