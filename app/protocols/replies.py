"""Answers as ASGI messages, and the headers that every answer of a version has."""

from starlette.types import Send

from app.serving.loaded import LoadedVersion

Header = tuple[bytes, bytes]
# Where a dialect leaves, in the request's state, the version that answers: from then on errors name it too.
VERSION = "version"


async def reply(send: Send, headers: list[Header], body: bytes) -> None:
    """Send a whole answer, status 200."""
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": 200, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})


def headers_of(version: LoadedVersion, media_type: str) -> list[Header]:
    """Return the media type, and the headers that lead from an answer back to its version and job."""
    return [(b"content-type", media_type.encode()), *lineage_headers(version)]


def lineage_headers(version: LoadedVersion) -> list[Header]:
    """Return the headers of every answer of a version, errors included."""
    return [
        (b"x-keraforge-model", version.model.encode()),
        (b"x-keraforge-version", str(version.number).encode()),
        (b"x-keraforge-job", version.job.encode()),
    ]


def lineage(version: LoadedVersion) -> dict[str, object]:
    """Return the members with which every answer in JSON begins."""
    return {"model": version.model, "version": version.number, "job": version.job}
