"""The native dialect of prediction, as plain ASGI: no framework stands between a body and its answer."""

from collections.abc import Mapping
from weakref import WeakKeyDictionary

from starlette.types import ASGIApp, Receive, Scope, Send

from app.edge.headers import media_type
from app.errors import NotFound, UnsupportedMediaType, shortened
from app.protocols.body import read_body
from app.protocols.json_rows import RowsReader
from app.protocols.pictures import IMAGE_TYPES, image_type, read_picture
from app.protocols.predictions import Classification, Header, lineage_headers
from app.serving.engine import Engine
from app.serving.loaded import Array, LoadedVersion
from app.serving.snapshot import CHAMPION, Target
from app.settings import Settings

# What this application answers, as the scope table and the documentation name it.
ROUTES = (
    "POST /api/v1/models/{name}/predict",
    "POST /api/v1/models/{name}/versions/{number}/predict",
    "POST /api/v1/models/{name}/aliases/{alias}/predict",
)

_JSON = "application/json"
# curl calls what it sends a form unless it is told otherwise.
_UNTYPED = frozenset({"", "application/x-www-form-urlencoded", "application/octet-stream"})
_ACCEPTED = ", ".join([_JSON, *sorted(IMAGE_TYPES)])

# Reading this much JSON takes a fraction of a millisecond; more is read away from the event loop.
INLINE_BODY_BYTES = 64 * 1024
# No registry numbers versions beyond this, and Python does not read digits without end.
_MOST_DIGITS = 9


class Predict:
    """ASGI application that answers :data:`ROUTES` and passes everything else on.

    It stands behind the gate, which says who asks and which route is meant, and behind what limits bodies.
    It raises :class:`~app.errors.AppError`, which the outermost edge renders.
    """

    def __init__(self, app: ASGIApp, *, engine: Engine, settings: Settings) -> None:
        self._app = app
        self._engine = engine
        self._settings = settings
        self._wires: WeakKeyDictionary[LoadedVersion, _Wire] = WeakKeyDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["state"]["route"] not in ROUTES:
            await self._app(scope, receive, send)
            return
        wire, answer = await self._answer(scope, receive)
        headers = [(b"content-length", b"%d" % len(answer)), *wire.headers]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _answer(self, scope: Scope, receive: Receive) -> "tuple[_Wire, bytes]":
        target = asked(scope["state"]["principal"].owner, scope["path_params"])
        version = self._engine.lookup(target) or await self._engine.obtain(target)
        wire = self._wire(version)
        body = await read_body(receive)
        run = self._engine.execution.run
        sort = media_type(scope)
        if sort in _UNTYPED:
            sort = image_type(body) or _JSON
        if sort in IMAGE_TYPES:
            query, pixels = scope["query_string"], self._settings.image_pixels
            return wire, await run(
                lambda: wire.answer(version, read_picture(body, sort, version, query, pixels))
            )
        if sort != _JSON:
            raise UnsupportedMediaType(
                f"Expected a body of type {_ACCEPTED}, got {shortened(sort)}.",
                headers={"Accept-Post": _ACCEPTED},
            )
        if len(body) > INLINE_BODY_BYTES:
            return wire, await run(lambda: wire.answer(version, wire.reader.read(body)))
        rows = wire.reader.read(body)
        return wire, await run(lambda: wire.answer(version, rows), version.row_seconds * len(rows))

    def _wire(self, version: LoadedVersion) -> "_Wire":
        wire = self._wires.get(version)
        if wire is None:
            wire = self._wires[version] = _Wire(version)
        return wire


class _Wire:
    """What is kept ready for one version, but not the version: how rows are read and answers are written."""

    def __init__(self, version: LoadedVersion) -> None:
        (self._input,), (self._output,) = version.role.inputs, version.role.outputs
        self.reader = RowsReader(self._input, version.max_rows)
        self.headers: list[Header] = [(b"content-type", _JSON.encode()), *lineage_headers(version)]
        self._writer = Classification(version)

    def answer(self, version: LoadedVersion, rows: Array) -> bytes:
        outputs = version.run({self._input.name: rows})
        return self._writer.write(outputs[self._output.name])


def asked(owner: str, parameters: Mapping[str, str]) -> Target:
    """Return what the parameters of one of :data:`ROUTES` name.

    Raises :class:`~app.errors.NotFound` for a version that is no number.
    """
    if "number" not in parameters:
        return Target(owner, parameters["name"], parameters.get("alias", CHAMPION))
    number = parameters["number"]
    if not (number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS):
        raise NotFound(
            f"Versions are whole numbers, which {shortened(number)} is not.", code="version_not_found"
        )
    return Target(owner, parameters["name"], int(number))
