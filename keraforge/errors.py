"""What can go wrong for a user of the client, as one tree.

KeraforgeError
├── NotRunning            nothing answers at the address, or no address is known
├── JobFailed             a job that was waited for failed or was cancelled
├── ReadingFailed         a dataset version that was waited for is invalid
├── WaitedTooLong         what was waited for did not happen within the time limit
└── Refused               the service answered with a problem document
    ├── BadRequest        400
    ├── Unauthorized      401
    ├── Forbidden         403
    ├── NotFound          404
    ├── Conflict          409
    ├── TooLarge          413
    ├── Unsupported       415
    ├── Invalid           422
    ├── TooMany           429
    └── ServiceTrouble    5xx
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class FieldError:
    """One field that was refused: a JSON pointer or a parameter's name, a code, and why."""

    pointer: str
    code: str
    message: str


class KeraforgeError(Exception):
    """Anything that this client raises.

    ``status`` is the HTTP status, or None where there was no answer; ``code`` is one stable word for
    programs; ``detail`` is for people; ``errors`` names the fields that were refused.
    """

    default_code: ClassVar[str] = "error"

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        code: str = "",
        errors: Sequence[FieldError] = (),
        request_id: str | None = None,
    ) -> None:
        self.detail = detail
        self.status = status
        self.code = code or self.default_code
        self.errors = tuple(errors)
        self.request_id = request_id
        super().__init__(detail)

    def __str__(self) -> str:
        """Return the detail, then one line for each refused field that it does not speak of."""
        untold = [error for error in self.errors if error.message not in self.detail]
        return "\n".join([self.detail, *(f"  {error.pointer or '/'}: {error.message}" for error in untold)])


class NotRunning(KeraforgeError):
    """No service answers."""

    default_code = "not_running"


class JobFailed(KeraforgeError):
    """The job ended, but not with success; ``code`` is that of the job's own error."""

    default_code = "job_failed"


class ReadingFailed(KeraforgeError):
    """The uploaded file could not be read as a dataset."""

    default_code = "bad_data"


class WaitedTooLong(KeraforgeError):
    """The time limit of a wait passed; what was waited for goes on."""

    default_code = "waited_too_long"


class Refused(KeraforgeError):
    """The service answered, and the answer is no."""

    default_code = "refused"


class BadRequest(Refused):
    """The request could not be read."""


class Unauthorized(Refused):
    """No key was sent, or one that is not valid."""


class Forbidden(Refused):
    """The key is valid but may not do this."""


class NotFound(Refused):
    """There is no such thing."""


class Conflict(Refused):
    """The present state forbids it."""


class TooLarge(Refused):
    """The body is larger than the service takes."""


class Unsupported(Refused):
    """The body is of a type that this address does not take."""


class Invalid(Refused):
    """The request was read but its content is refused; see ``errors``."""


class TooMany(Refused):
    """A queue or a quota is full; try again later."""


class ServiceTrouble(Refused):
    """The service could not do it now."""


BY_STATUS: Mapping[int, type[Refused]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    415: Unsupported,
    422: Invalid,
    429: TooMany,
}


def refusal(status: int, problem: Mapping[str, Any]) -> Refused:
    """Return the error that a problem document (RFC 9457) describes; every member may be missing."""
    kind = BY_STATUS.get(status, ServiceTrouble if status >= 500 else Refused)
    return kind(
        str(problem.get("detail") or problem.get("title") or f"The service answered with status {status}."),
        status=status,
        code=str(problem.get("code") or ""),
        errors=[
            FieldError(str(e.get("pointer", "")), str(e.get("code", "")), str(e.get("message", "")))
            for e in problem.get("errors") or ()
        ],
        request_id=problem.get("request_id"),
    )
