"""The gate in front of every route: who is it, what may they do, and did a browser mean it."""

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from app.edge.headers import header
from app.edge.routes import Matched, RouteTable
from app.errors import AppError, Forbidden, NotAllowed, NotFound, Unauthorized
from app.keys.keyring import Keyring, Sort
from app.keys.principal import Principal
from app.keys.scopes import ANY_KEY, PUBLIC
from app.keys.text import digest_of, is_well_formed
from app.settings import Settings

COOKIE = "keraforge_session"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_NOBODY = Principal("", "anonymous", "local", frozenset())


class Gate:
    """Middleware that lets nothing pass but public routes and what a key opens.

    It leaves ``principal`` and ``route`` in the request's state and the path's parameters in the scope. A
    request that could mean several routes needs the scopes of all of them, so that it does not matter which
    one answers it in the end.
    """

    def __init__(self, app: ASGIApp, table: RouteTable, keyring: Keyring, settings: Settings) -> None:
        self.app = app
        self._table = table
        self._keyring = keyring
        self._public = {route.name for route in table.routes if route.scope == PUBLIC}
        self._anonymous: Principal | None = None
        if settings.anonymous_scopes:
            self._anonymous = Principal("", "anonymous", "local", frozenset(settings.anonymous_scopes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or raise what keeps it out."""
        if scope["type"] == "http":
            state = scope["state"]
            name = f"{scope['method']} {scope['path']}"
            if name in self._public:
                state["route"], state["principal"] = name, _NOBODY
            else:
                principal = await self._authenticate(scope)
                matched = self._table.match(scope["method"], scope["path"])
                # Before it is judged: what was kept out is counted by its route too.
                state["route"] = matched.name
                _require(matched, principal)
                state["principal"] = principal
                scope["path_params"] = matched.parameters
        await self.app(scope, receive, send)

    async def _authenticate(self, scope: Scope) -> Principal:
        authorization = header(scope, b"authorization")
        if authorization is not None:
            return await self._open("key", _bearer(authorization))
        cookie = _cookie(scope)
        if cookie is not None:
            principal = await self._open("session", cookie)
            if scope["method"] not in _SAFE_METHODS and not _is_same_site(scope):
                raise Forbidden(
                    "Another site's page made your browser send this request, so it was not carried out.",
                    code="cross_site_request",
                )
            return principal
        if self._anonymous is None:
            raise _unauthorized(
                "missing_credentials",
                "Send a key with the header Authorization: Bearer kf_…, "
                "or open the link that was printed at the start.",
            )
        return self._anonymous

    def known(self, method: str, path: str, authorization: bytes) -> tuple[Matched, Principal] | None:
        """Return what a request means and who makes it, None unless its key is in memory.

        Raises what keeps such a request out.
        """
        secret = _bearer(authorization)
        principal = self._keyring.find("key", digest_of(secret)) if secret is not None else None
        if principal is None:
            return None
        matched = self._table.match(method, path)
        _require(matched, principal)
        return matched, principal

    async def _open(self, sort: Sort, secret: str | None) -> Principal:
        if secret is not None:
            digest = digest_of(secret)
            principal = self._keyring.find(sort, digest)
            if principal is None and (sort == "session" or is_well_formed(secret)):
                principal = await run_in_threadpool(self._keyring.look_up, sort, digest)
            if principal is not None:
                return principal
        raise _unauthorized("invalid_credentials", "The key is not valid: unknown, revoked or expired.")


def _require(matched: Matched, principal: Principal) -> None:
    if not matched.methods:
        raise NotFound("There is nothing at this address. GET /openapi.json lists what there is.")
    if not matched.routes:
        allowed = ", ".join(matched.methods)
        raise NotAllowed(f"This address takes {allowed}.", headers={"Allow": allowed})
    missing = [scope for scope in matched.scopes if not _opens(principal, scope)]
    if missing and not principal.key_id:
        raise _unauthorized("missing_credentials", f"This needs a key with the scope {missing[0]}.")
    if missing:
        raise Forbidden(
            f"The key {principal.name!r} lacks the scope {missing[0]}. Use or create a key that has it.",
            headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{" ".join(missing)}"'},
            extra={"scope": missing[0]},
        )


def _opens(principal: Principal, scope: str) -> bool:
    return bool(principal.key_id) if scope == ANY_KEY else principal.may(scope)


def _bearer(authorization: bytes) -> str | None:
    """Return what an ``Authorization`` header has for a key."""
    kind, _, secret = authorization.decode("latin-1").partition(" ")
    secret = secret.strip()
    return secret if kind.lower() == "bearer" else None


def _cookie(scope: Scope) -> str | None:
    for part in (header(scope, b"cookie") or b"").decode("latin-1").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return None


def _is_same_site(scope: Scope) -> bool:
    """Tell whether a browser says that one of our own pages made a request; silence is no proof."""
    fetched_from = header(scope, b"sec-fetch-site")
    if fetched_from is not None:
        return fetched_from in (b"same-origin", b"none")
    own_origin: bytes = scope["scheme"].encode() + b"://" + (header(scope, b"host") or b"")
    return header(scope, b"origin") == own_origin


def _unauthorized(code: str, detail: str) -> AppError:
    challenge = 'Bearer realm="keraforge"'
    if code == "invalid_credentials":
        challenge += ', error="invalid_token"'
    return Unauthorized(detail, code=code, headers={"WWW-Authenticate": challenge})
