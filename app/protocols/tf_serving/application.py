"""TensorFlow Serving's REST API over our engine, as plain ASGI: its clients work as they are.

Wire format: TensorFlow Serving's RESTful API, as its documentation and its tests have it.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple
from weakref import WeakKeyDictionary

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from app.edge.headers import header
from app.errors import NotFound
from app.protocols.body import INLINE_BODY_BYTES, left, read_body
from app.protocols.compressed import IDENTITY, inflated
from app.protocols.inputs import JSON_TYPE
from app.protocols.json_rows import RowsReader
from app.protocols.ports import Array
from app.protocols.quick import Answer, Asking, head_of
from app.protocols.replies import VERSION, Header, headers_of, reply
from app.protocols.tf_serving import addresses, examples, replies
from app.protocols.tf_serving.addresses import Asked, Verb
from app.protocols.tf_serving.refusals import no_version, not_servable
from app.protocols.tf_serving.requests import question_of
from app.protocols.tf_serving.signatures import DEFAULT, Signature, metadata, signatures_of
from app.serving.engine import Engine
from app.serving.execution import is_quick
from app.serving.loaded import LoadedVersion
from app.serving.role import LoadedRole
from app.serving.snapshot import CHAMPION, Target
from app.serving.turns import Ready
from app.settings import Settings

ROUTES = ("GET /v1/models/{rest:path}", "POST /v1/models/{rest:path}")
_JSON_HEADERS: list[Header] = [(b"content-type", JSON_TYPE.encode())]


class TfServing:
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
        if scope["type"] != "http" or scope["state"]["route"] not in ROUTES:
            await self._app(scope, receive, send)
            return
        asked = addresses.asked(scope["state"]["principal"].owner, scope["method"], scope["path"])
        scope["state"]["route"] = f"{scope['method']} /v1/models/{{name}}:{asked.verb}"
        match asked.verb:
            case "status":
                await reply(send, _JSON_HEADERS, orjson.dumps(await self._status(asked)))
            case "metadata":
                version = scope["state"][VERSION] = await self._version(asked.target)
                prepared = self._of(version)
                await reply(send, prepared.headers, orjson.dumps(metadata(version, prepared.signatures)))
            case verb:
                version = scope["state"][VERSION] = await self._version(asked.target)
                await self._answer(version, verb, scope, receive, send)

    def prepare(self, asking: Asking) -> Ready[Answer] | None:
        """Return what answers a prediction that takes next to no time, None for every other request."""
        target, verb, _ = addresses.asked(asking.owner, "POST", asking.path)
        version = asking.version = self._engine.lookup(target)
        if version is None or verb != "predict":
            return None
        asking.route = f"POST /v1/models/{{name}}:{verb}"
        prepared = self._of(version)
        self._engine.execution.require_room(prepared.signatures[DEFAULT].role)
        work = prepared.quick(asking.body)
        if work is None or not is_quick(work.role, work.inputs):
            return None
        head, write = prepared.head, work.write
        return Ready(work.role, work.inputs, None, lambda outputs: Answer(head, write(outputs)))

    async def _version(self, target: Target) -> LoadedVersion:
        try:
            return self._engine.lookup(target) or await self._engine.obtain(target)
        except NotFound:
            raise not_servable(target) from None

    async def _answer(
        self, version: LoadedVersion, verb: Verb, scope: Scope, receive: Receive, send: Send
    ) -> None:
        prepared = self._of(version)
        body = await read_body(receive)
        encoding = header(scope, b"content-encoding") or IDENTITY
        limit = self._settings.predict_body_bytes

        def read() -> _Work:
            return prepared.work(verb, inflated(body, encoding, limit))

        execution = self._engine.execution
        is_slow = len(body) > INLINE_BODY_BYTES or encoding != IDENTITY
        work = await execution.run(read) if is_slow else read()
        answer = await execution.ask(work.role, work.inputs, None, work.write, left=partial(left, receive))
        await reply(send, prepared.headers, answer)

    def _of(self, version: LoadedVersion) -> "_Prepared":
        prepared = self._prepared.get(version)
        if prepared is None:
            prepared = self._prepared[version] = _Prepared.of(version, self._settings)
        return prepared

    async def _status(self, asked: Asked) -> dict[str, object]:
        if asked.is_labelled and asked.target.which == CHAMPION:
            # As a target it means the whole model.
            versions = [(await self._version(asked.target)).number]
        else:
            versions = await self._engine.numbers(asked.target)
        if not versions:
            raise not_servable(asked.target) if asked.is_labelled else no_version(asked.target)
        status = {"error_code": "OK", "error_message": ""}
        return {
            "model_version_status": [
                {"version": str(number), "state": "AVAILABLE", "status": status} for number in versions
            ]
        }


class _Work(NamedTuple):
    """What is to be run, and what writes the answer."""

    role: LoadedRole
    inputs: Mapping[str, Array]
    write: Callable[[Mapping[str, Array]], bytes]


class _Prepared(NamedTuple):
    """What is kept ready of a version, but not the version itself."""

    signatures: Mapping[str, Signature]
    fast: RowsReader | None
    headers: list[Header]
    head: bytes

    @classmethod
    def of(cls, version: LoadedVersion, settings: Settings) -> "_Prepared":
        signatures = signatures_of(version, max_pixels=settings.image_pixels)
        main = signatures[DEFAULT]
        (first, *others) = main.role.inputs
        # A table of one column takes one number, which is no list.
        plain = not others and main.ports[0].sort == "float" and first.shape and -1 not in main.ports[0].shape
        fast = RowsReader(first, main.role.max_rows) if plain else None
        headers = headers_of(version, JSON_TYPE)
        return cls(signatures, fast, headers, head_of(headers))

    def work(self, verb: Verb, body: bytes) -> _Work:
        """Return what a body asks for; raise :class:`~app.errors.BadRequest` for what is wrong with it."""
        if verb == "predict":
            return self._predict(body)
        signature, inputs = examples.examples_of(body, self.signatures)

        role = signature.role

        def write(outputs: Mapping[str, Array]) -> bytes:
            if verb == "regress":
                found = examples.regressed(outputs)
                return replies.results(role.statistics, found, [found])
            pairs = examples.classified(signature, outputs)
            return replies.results(role.statistics, pairs, [outputs[examples.PROBABILITIES]])

        return _Work(role, inputs, write)

    def quick(self, body: bytes) -> _Work | None:
        """Return what a body of the common form asks of predict, None if it is of another, or wrong."""
        main = self.signatures[DEFAULT]
        rows = self.fast.read_fast(body) if self.fast else None
        if rows is None:
            return None
        return _Work(
            main.role, {main.ports[0].name: rows}, partial(replies.predictions, main.role.statistics)
        )

    def _predict(self, body: bytes) -> _Work:
        work = self.quick(body)
        if work is not None:
            return work
        question = question_of(body, self.signatures)
        write, role = replies.predictions if question.in_rows else replies.columns, question.signature.role
        return _Work(role, question.inputs, partial(write, role.statistics))
