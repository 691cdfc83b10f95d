"""Request headers as ASGI carries them: a list of pairs of bytes, in lower case, repeated ones included."""

from starlette.types import Scope

from app.errors import BadRequest


def header(scope: Scope, name: bytes) -> bytes | None:
    """Return the only value of a header, or None.

    Raises:
        BadRequest: the header came twice. Which of two would count is a matter of taste, and whatever
            stands before this service may have the other one.
    """
    found: bytes | None = None
    for key, value in scope["headers"]:
        if key == name:
            if found is not None:
                raise BadRequest(
                    f"The header {name.decode()} was sent more than once; send it once.",
                    code="invalid_header",
                )
            found = value
    return found


def has_body(scope: Scope) -> bool:
    """Tell whether the client announced a body."""
    for key, value in scope["headers"]:
        if key == b"transfer-encoding" or (key == b"content-length" and value != b"0"):
            return True
    return False


def media_type(scope: Scope) -> str:
    """Return the body's media type in lower case without parameters, or an empty string."""
    value = header(scope, b"content-type") or b""
    return value.partition(b";")[0].strip().lower().decode("latin-1")


def is_json(media_type: str) -> bool:
    """Tell whether FastAPI takes a body of this type for JSON."""
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )
