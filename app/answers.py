"""Answers that carry an entity tag, and say 304 to a caller who has them already."""

from typing import Annotated

from fastapi import Header, Request, Response
from pydantic import BaseModel

from app import conditional

IdempotencyKey = Annotated[
    str | None,
    Header(
        description="Up to 255 letters, digits, dashes and underscores of your own, kept for a day: "
        "a repeated request gets the first one's answer."
    ),
]

IfMatch = Annotated[str | None, Header(description="Change only the revision that has this ETag.")]


def tagged(request: Request, body: BaseModel, tag: str | None = None) -> Response:
    """Return ``body`` as JSON with its entity tag, the digest of what is shown unless ``tag`` is given."""
    headers = {"ETag": tag or conditional.entity_tag(body)}
    if request.method == "GET" and conditional.names(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(body.model_dump_json(), media_type="application/json", headers=headers)
