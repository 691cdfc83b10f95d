"""Conditional requests: entity tags of what is answered, ``If-None-Match`` and ``If-Match``."""

import hashlib

from pydantic import BaseModel

from app.errors import PreconditionFailed


def entity_tag(body: BaseModel) -> str:
    """Return the strong tag of a representation: it changes whenever anything that is shown changes."""
    return f'"{hashlib.sha256(body.model_dump_json().encode()).hexdigest()[:32]}"'


def names(header: str | None, tag: str) -> bool:
    """Tell whether an ``If-Match`` or ``If-None-Match`` header names ``tag``."""
    if header is None:
        return False
    tags = {part.strip().removeprefix("W/") for part in header.split(",")}
    return tag in tags or "*" in tags


def require_match(if_match: str | None, tag: str) -> None:
    """Refuse a change that was made for another revision; without the header every change is taken."""
    if if_match is not None and not names(if_match, tag):
        raise PreconditionFailed(
            "This was changed since you read it. Read it again, and send its ETag as If-Match."
        )
