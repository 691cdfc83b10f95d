"""Parameters behind the question mark: one that nobody reads is a mistake, and is told."""

from collections.abc import Collection, Mapping

from fastapi.dependencies.models import Dependant
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

from app.protocols.query import require_known


class Queries:
    """Middleware that refuses unknown parameters with 422.

    ``known`` has the parameters of those routes that it looks at. It stands behind the gate, which leaves the
    route's name in the request's state.
    """

    def __init__(self, app: ASGIApp, known: Mapping[str, Collection[str]]) -> None:
        self.app = app
        self._known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if its route reads all that it was sent."""
        if scope["type"] == "http" and scope["query_string"]:
            known = self._known.get(scope["state"]["route"])
            if known is not None:
                require_known(scope["query_string"], known)
        await self.app(scope, receive, send)


def parameters(dependant: Dependant) -> set[str]:
    """Return the names of all query parameters that FastAPI reads for a route."""
    names: set[str] = set()
    for field in dependant.query_params:
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names |= {info.alias or name for name, info in kind.model_fields.items()}
        else:
            names.add(field.alias)
    return names.union(*map(parameters, dependant.dependencies))
