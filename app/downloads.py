"""Downloads: files of the store as responses that browsers neither run nor guess about."""

import re

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from app import conditional
from app.errors import RangeNotSatisfiable
from app.registry.artifacts import StoredFile

# Several ranges at once are never needed here and were expensive elsewhere: they get the whole file.
_RANGE = re.compile(r"^bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))$")


class _WholeFile(FileResponse):
    """A file that is sent whole, whatever range the request names."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
        await super().__call__({**scope, "headers": headers}, receive, send)


def download(request: Request, file: StoredFile) -> Response:
    """Return the file, or the one range of it that the request names; 304 if the caller has it.

    The digest is the entity tag: what has a digest never changes.
    """
    headers = {
        "ETag": f'"{file.sha256}"',
        "Cache-Control": "private, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
    }
    if conditional.names(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    kind = FileResponse if _has_one_range(request.headers.get("range"), file) else _WholeFile
    return kind(
        file.path,
        headers=headers,
        media_type=file.media_type,
        filename=file.name,
        content_disposition_type="attachment",
    )


def _has_one_range(header: str | None, file: StoredFile) -> bool:
    found = _RANGE.fullmatch(header or "")
    if found is None:
        return False
    first, last, suffix = (int(number) if number else None for number in found.groups())
    if first is not None and last is not None and last < first:
        return False
    if suffix == 0 or (first is not None and first >= file.bytes):
        raise RangeNotSatisfiable(
            f"The file has {file.bytes} bytes; the range {header} names none of them.",
            headers={"Content-Range": f"bytes */{file.bytes}"},
        )
    return True
