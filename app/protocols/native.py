"""The native dialect of asking versions, as plain ASGI: no framework between a body and its answer."""

from collections.abc import Mapping
from weakref import WeakKeyDictionary

from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import NotFound, shortened
from app.protocols.described import DESCRIBED
from app.protocols.query import require_known
from app.protocols.questions import QUESTIONS, Wire, wire_of
from app.protocols.quick import Answer, Asking
from app.protocols.replies import VERSION
from app.protocols.rows import Rows
from app.serving.engine import Engine
from app.serving.loaded import LoadedVersion
from app.serving.snapshot import CHAMPION, Target
from app.serving.turns import Ready
from app.settings import Settings

# No registry numbers versions beyond this, and Python does not read digits without end.
_MOST_DIGITS = 9


_WHICH = ("", "/versions/{number}", "/aliases/{alias}")
# What this application answers, as the scope table and the documentation name it.
ROUTES: Mapping[str, str] = {
    f"POST /api/v1/models/{{name}}{which}/{question}": question for question in QUESTIONS for which in _WHICH
}
_PARAMETERS = {
    question: frozenset(each["name"] for each in described.query) for question, described in DESCRIBED.items()
}


class Native:
    """ASGI application that answers :data:`ROUTES` and passes everything else on.

    It stands behind the gate, which says who asks and which route is meant, and behind what limits bodies.
    It raises :class:`~app.errors.AppError`, which the outermost edge renders.
    """

    def __init__(self, app: ASGIApp, *, engine: Engine, settings: Settings) -> None:
        self._app = app
        self._engine = engine
        self._settings = settings
        self._wires: dict[str, WeakKeyDictionary[LoadedVersion, Wire]] = {
            question: WeakKeyDictionary() for question in QUESTIONS
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        question = ROUTES.get(scope["state"]["route"]) if scope["type"] == "http" else None
        if question is None:
            await self._app(scope, receive, send)
            return
        if scope["query_string"]:
            require_known(scope["query_string"], _PARAMETERS[question])
        target = asked(scope["state"]["principal"].owner, scope["path_params"])
        version = self._engine.lookup(target) or await self._engine.obtain(target)
        scope["state"][VERSION] = version
        await self._wire(version, question).respond(scope, receive, send)

    def prepare(self, asking: Asking) -> Ready[Answer] | None:
        """Return what answers a prediction that takes next to no time, None for every other request."""
        if ROUTES[asking.matched.name] != "predict":
            return None
        version = asking.version = self._engine.lookup(asked(asking.owner, asking.matched.parameters))
        wire = self._wire(version, "predict") if version is not None else None
        return wire.prepare(asking.headers, asking.body) if isinstance(wire, Rows) else None

    def _wire(self, version: LoadedVersion, question: str) -> Wire:
        wires = self._wires[question]
        wire = wires.get(version)
        if wire is None:
            wire = wires[version] = wire_of(question, version, self._engine.execution, self._settings)
        return wire


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
