"""The repository extension: which versions are ready, and loading and unloading them."""

from typing import Any

from app.errors import AppError, BadRequest, NotFound, Unavailable
from app.protocols.open_inference.addresses import unknown
from app.protocols.open_inference.envelope import document_of
from app.serving.engine import Engine
from app.serving.snapshot import Target

INDEX = "POST /v2/repository/index"
LOAD, UNLOAD = "POST /v2/repository/models/{name}/load", "POST /v2/repository/models/{name}/unload"
ROUTES = (INDEX, LOAD, UNLOAD)
# What Triton's clients send to replace what a repository holds.
_OVERRIDES = ("config", "file:")


async def index(engine: Engine, owner: str, body: bytes) -> list[dict[str, str]]:
    """Return every version and its state, or, if the body says so, those that are ready."""
    only_ready = _parameters_of(body, of="ready") is True
    found = sorted(
        (target.name, target.which, state)
        for target, state in (await engine.states(owner)).items()
        if isinstance(target.which, int)
    )
    return [
        {"name": name, "version": str(number), "state": state.name, "reason": state.reason}
        for name, number, state in found
        if not only_ready or state.name == "READY"
    ]


async def readiness(engine: Engine, target: Target) -> dict[str, Any]:
    """Return that a version answers at once; raise :class:`~app.errors.Unavailable` with why it does not."""
    try:
        state = engine.state(target)
    except NotFound:
        # It may have been published since the registry was read last.
        await engine.targets(target.owner or "")
        try:
            state = engine.state(target)
        except NotFound:
            raise unknown(target) from None
    if state.name != "READY":
        raise Unavailable(
            f"Model '{target.name[:100]}' is not ready: {state.reason}.",
            code="version_not_ready",
            headers={"Retry-After": "1"},
        )
    return {"name": target.name, "ready": True}


async def move(engine: Engine, target: Target, route: str, body: bytes) -> dict[str, Any]:
    """Load the champion of a model, or unload all its versions; the answer is that of KServe.

    Raises what is wrong, in the words that NVIDIA's examples look for.
    """
    verb = "load" if route == LOAD else "unload"
    parameters = _parameters_of(body, of="parameters") or {}
    if isinstance(parameters, dict) and any(name.startswith(_OVERRIDES) for name in parameters):
        raise BadRequest(
            f"failed to {verb} '{target.name[:100]}': versions are as they were trained, "
            "neither a configuration nor files can be sent."
        )
    try:
        await (engine.load(target) if verb == "load" else engine.unload(target))
    except AppError as error:
        kind = NotFound if isinstance(error, NotFound) else type(error)
        raise kind(
            f"failed to {verb} '{target.name[:100]}': {error.detail}", code=error.code, headers=error.headers
        ) from None
    return {"name": target.name, verb: True}


def _parameters_of(body: bytes, *, of: str) -> Any:
    """Return one member of a body, which may be empty."""
    return document_of(body).get(of) if body.strip() else None
