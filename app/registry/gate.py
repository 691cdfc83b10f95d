"""The gate before an alias moves: a version that does not answer its golden rows gets no requests."""

from anyio import from_thread

from app.errors import Conflict, NotFound, Unavailable
from app.serving.engine import Engine
from app.serving.snapshot import Target

NOT_SERVABLE = "version_not_servable"


def require_servable(engine: Engine, target: Target) -> None:
    """Load a version, unless there is none, and check that it answers; call it from an endpoint's thread.

    Raises:
        Conflict: ``version_not_servable``.
        Unavailable: that takes long, or the registry cannot be read.
    """
    if not engine.ready:
        # What serves nothing, such as a process that has just begun, checks versions when it loads them.
        return
    try:
        from_thread.run(engine.obtain, target)
    except NotFound:
        return
    except Unavailable as error:
        if error.code != NOT_SERVABLE:
            raise
        raise Conflict(error.detail, code=NOT_SERVABLE) from None
