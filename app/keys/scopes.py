"""Which scope opens which route: every route of the service stands here, or the service does not start."""

from typing import Literal, get_args

Scope = Literal[
    "datasets:read",
    "datasets:write",
    "jobs:read",
    "jobs:write",
    "models:read",
    "models:write",
    "predict",
    "admin",
]
ALL_SCOPES: tuple[Scope, ...] = get_args(Scope)
ADMIN: Scope = "admin"

# Not scopes of keys: open to any valid key, and open to everybody.
ANY_KEY = "any key"
PUBLIC = "public"

# What answers without a key. The health addresses say nothing but yes or no, the metrics carry no names of
# users' things. ``/login`` must be public because it is where a browser without a key comes in: it does
# nothing without a code of 256 random bits, which works once and for ten minutes.
PUBLIC_ROUTES = (
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /login",
)

SCOPES: dict[str, str] = {
    **dict.fromkeys(PUBLIC_ROUTES, PUBLIC),
    "GET /docs": ANY_KEY,
    "GET /docs/{file}": ANY_KEY,
    "GET /openapi.json": ANY_KEY,
    "GET /api/v1/keys": "admin",
    "POST /api/v1/keys": "admin",
    "DELETE /api/v1/keys/{key_id}": "admin",
}
