"""Where a one-time link leads: it opens a session for the browser, then shows the API."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.dependencies import DatabaseDep
from app.keys.gate import COOKIE
from app.keys.keyring import Keyring
from app.keys.login import SESSION_LIFETIME, open_session
from app.keys.text import digest_of

router = APIRouter(include_in_schema=False)

AFTERWARDS = "/docs"
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Keraforge</title></head>
<body>
<h1>{heading}</h1>
<p>{text}</p>
</body>
</html>
"""
_USED_UP = PAGE.format(
    heading="This link does not work any more",
    text="A link opens Keraforge once, within ten minutes. "
    "Start <code>keraforge up</code> again to get another one.",
)
_PREVIEW = PAGE.format(heading="Keraforge", text="Open this link in a browser to use it.")


@router.get("/login")
def log_in(request: Request, database: DatabaseDep, code: str = "") -> Response:
    """Open a session for a code, once; a browser that has a session already is just sent on."""
    if _is_preview(request):
        # Nobody has seen the link yet, so it is not used up; 503 makes browsers forget what they fetched.
        return HTMLResponse(_PREVIEW, 503)
    with database.write() as session:
        cookie = open_session(session, code)
    if cookie is None and not _has_session(request):
        return HTMLResponse(_USED_UP, 403)
    response = RedirectResponse(AFTERWARDS, 303)
    if cookie is not None:
        response.set_cookie(
            COOKIE,
            cookie,
            max_age=int(SESSION_LIFETIME.total_seconds()),
            path="/",
            secure=request.scope["scheme"] == "https",
            httponly=True,
            samesite="strict",
        )
    return response


def _is_preview(request: Request) -> bool:
    """Tell whether a program looks at the link before a person does."""
    purpose = request.headers.get("sec-purpose", "") + request.headers.get("purpose", "")
    return "prefetch" in purpose or "preview" in purpose or request.scope["state"].get("head", False)


def _has_session(request: Request) -> bool:
    cookie = request.cookies.get(COOKIE)
    if cookie is None:
        return False
    keyring: Keyring = request.app.state.keyring
    return keyring.look_up("session", digest_of(cookie)) is not None
