"""Every error as an answer: RFC 9457 problem documents, or what a dialect's clients expect instead."""

import json
from collections.abc import Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from app import errors
from app.edge.validation import problem_of_validation
from app.errors import AppError
from app.room import is_full, storage_low
from app.storage import Damaged, Missing, StoreError

PROBLEM_TYPE = b"application/problem+json"
_BY_STATUS: dict[int, type[AppError]] = {kind.status: kind for kind in AppError.__subclasses__()}
# Their clients read {"error": text} and nothing else.
_DIALECTS = ("/v1/models/", "/v2")
# Those of OpenAI's read an object.
_OPENAI = ("/v1/", "/openai/")


def problem_of(error: BaseException) -> AppError:
    """Return what the client is told about ``error``: never its text, unless we wrote it for clients."""
    match error:
        case AppError():
            return error
        case RequestValidationError():
            return problem_of_validation(error)
        case HTTPException():
            return _of_framework(error)
        case _:
            return _of_storage(error) or AppError(
                "Something went wrong that is not your fault. The server's log tells more."
            )


def _of_storage(error: BaseException) -> AppError | None:
    if is_full(error):
        return storage_low()
    match error:
        case OperationalError() | InterfaceError() | DisconnectionError() | PoolTimeout():
            return errors.Unavailable(
                "The database cannot be used at the moment. Try again.",
                code="database_unavailable",
                headers={"Retry-After": "2"},
            )
        case DataError() | OverflowError():
            return errors.Invalid("A value is outside of what can be stored.", code="out_of_range")
        case Missing() | Damaged():
            return errors.Unavailable(
                f"{error} Restore it from a backup; a file that was uploaded can be uploaded again.",
                code="artifact_corrupt",
            )
        case StoreError():
            return errors.Unavailable(
                "The store of files does not answer at the moment. Try again.",
                code="files_unavailable",
                headers={"Retry-After": "5"},
            )
    return None


def _of_framework(error: HTTPException) -> AppError:
    if isinstance(error.__cause__, AppError):
        # Raised while FastAPI was reading the body, which it reports as an unreadable one.
        return error.__cause__
    kind = _BY_STATUS.get(error.status_code, AppError if error.status_code >= 500 else errors.BadRequest)
    return kind(f"{kind.title}.", headers=error.headers or {})


def answer(error: AppError, path: str, request_id: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Return status, headers and body of the answer to a request for ``path``."""
    document: dict[str, Any]
    if path.startswith(_DIALECTS):
        media_type, document = b"application/json", {"error": error.detail}
    elif path.startswith(_OPENAI):
        kind = "invalid_request_error" if error.status < 500 else "server_error"
        told = {"message": error.detail, "type": kind, "param": None, "code": error.code}
        media_type, document = b"application/json", {"error": told}
    else:
        media_type, document = PROBLEM_TYPE, _document(error, path, request_id)
    body = json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    headers = [(b"content-type", media_type), (b"content-length", str(len(body)).encode())]
    headers += [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in error.headers.items()
    ]
    return error.status, headers, body


def _document(error: AppError, path: str, request_id: str) -> dict[str, Any]:
    fields: Sequence[errors.FieldError] = error.errors
    return {
        "type": f"urn:keraforge:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": path,
        "code": error.code,
        "request_id": request_id,
        **({"errors": [vars(field) for field in fields]} if fields else {}),
        **error.extra,
    }


async def respond(request: Request, error: Exception) -> Response:
    """Answer an error that reached FastAPI; it registers this for every kind."""
    scope: Scope = request.scope
    status, headers, body = answer(problem_of(error), scope["path"], scope["state"]["request_id"])
    response = Response(body, status)
    response.raw_headers = headers
    return response
