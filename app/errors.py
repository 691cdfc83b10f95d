"""The errors that a caller can be told, as one tree; the HTTP edge renders them as RFC 9457 problems.

AppError
├── BadRequest            400
├── Unauthorized          401
├── Forbidden             403
├── NotFound              404
├── NotAllowed            405
├── NotAcceptable         406
├── RequestTimeout        408
├── Conflict              409
├── LengthRequired        411
├── PreconditionFailed    412
├── TooLarge              413
├── UnsupportedMediaType  415
├── RangeNotSatisfiable   416
├── WrongHost             421
├── Invalid               422
├── TooMany               429
├── HeadTooLong           431
├── NotSupported          501
├── Unavailable           503
└── TimedOut              504
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

SHOWN_CHARACTERS = 64


@dataclass(frozen=True)
class FieldError:
    """One thing that is wrong with a request, and where: an RFC 6901 JSON Pointer or a parameter's name."""

    pointer: str
    code: str
    message: str


@dataclass
class AppError(Exception):
    """What went wrong, for the caller: ``detail`` says what was expected, what came, and what to do."""

    detail: str
    code: str = ""
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    default_code: ClassVar[str] = "internal_error"

    def __post_init__(self) -> None:
        """Fill the machine-readable code and make ``str()`` useful in logs."""
        self.code = self.code or self.default_code
        super().__init__(self.detail)


class BadRequest(AppError):
    """The request cannot be read."""

    status, title, default_code = 400, "Bad request", "bad_request"


class Unauthorized(AppError):
    """No key, or not a valid one."""

    status, title, default_code = 401, "A valid key is required", "invalid_credentials"


class Forbidden(AppError):
    """The key is valid but may not do this."""

    status, title, default_code = 403, "Not permitted", "insufficient_scope"


class NotFound(AppError):
    """The thing does not exist, or belongs to somebody else."""

    status, title, default_code = 404, "Not found", "not_found"


class NotAllowed(AppError):
    """The path exists but does not take this method."""

    status, title, default_code = 405, "Method not allowed", "method_not_allowed"


class NotAcceptable(AppError):
    """The answer has none of the media types that the client takes."""

    status, title, default_code = 406, "Not acceptable", "not_acceptable"


class RequestTimeout(AppError):
    """The client did not send the rest of its request."""

    status, title, default_code = 408, "Request timeout", "request_timeout"


class Conflict(AppError):
    """The request is right but the present state forbids it."""

    status, title, default_code = 409, "Conflict", "state_conflict"


class LengthRequired(AppError):
    """A body without a length where one is needed."""

    status, title, default_code = 411, "Length required", "length_required"


class PreconditionFailed(AppError):
    """``If-Match`` names another revision."""

    status, title, default_code = 412, "Precondition failed", "precondition_failed"


class TooLarge(AppError):
    """The body exceeds the limit."""

    status, title, default_code = 413, "Too large", "body_too_large"


class UnsupportedMediaType(AppError):
    """The body is of a type that this address does not take."""

    status, title, default_code = 415, "Unsupported media type", "unsupported_media_type"


class RangeNotSatisfiable(AppError):
    """The part of a file that was asked for lies beyond its end."""

    status, title, default_code = 416, "Range not satisfiable", "range_not_satisfiable"


class WrongHost(AppError):
    """The ``Host`` header names a host that this service does not answer for."""

    status, title, default_code = 421, "Misdirected request", "wrong_host"


class Invalid(AppError):
    """The request can be read but its content is refused."""

    status, title, default_code = 422, "Not valid", "validation_failed"


class TooMany(AppError):
    """A queue or a quota is full."""

    status, title, default_code = 429, "Too many requests", "too_many_requests"


class HeadTooLong(AppError):
    """The request's address and headers exceed the limit."""

    status, title, default_code = 431, "Request header fields too large", "head_too_long"


class NotSupported(AppError):
    """The request uses a part of HTTP that is not understood here."""

    status, title, default_code = 501, "Not supported", "not_supported"


class Unavailable(AppError):
    """Something that the request needs is not available now."""

    status, title, default_code = 503, "Temporarily unavailable", "unavailable"


class TimedOut(AppError):
    """The answer took longer than it may."""

    status, title, default_code = 504, "Took too long", "timed_out"


def shortened(value: object) -> str:
    """Return ``repr(value)``, cut to a length that is safe to send back."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
