"""The addresses of the Open Inference Protocol, and what they name."""

import re
from functools import lru_cache
from typing import NamedTuple

from app.errors import NotAllowed, NotFound
from app.serving.snapshot import CHAMPION, Target

# The least that is said of another: NVIDIA's own examples look for these words.
UNKNOWN_MODEL = "Request for unknown model"

_MODEL = re.compile(
    r"/v2/models/(?P<name>[^/]+)(?:/versions/(?P<which>[A-Za-z0-9_.-]+))?"
    r"(?:/(?P<question>ready|infer|config|stats|generate|generate_stream))?"
)
_METHODS = {"infer": "POST", "generate": "POST", "generate_stream": "POST"}
_MOST_DIGITS = 9
# No address is left for the metadata of a model of this name.
ALL_STATISTICS = "/v2/models/stats"


class Asked(NamedTuple):
    """What a request is about; ``question`` is ``metadata`` where the path ends with the model."""

    target: Target
    question: str


@lru_cache(1024)
def asked(owner: str, method: str, path: str) -> Asked:
    """Return what a path below ``/v2/models/`` names; raise :class:`~app.errors.NotFound` for another."""
    found = _MODEL.fullmatch(path)
    if found is None:
        raise NotFound(f"There is nothing at {path[:200]}. GET /v2 names the extensions that are served.")
    question = found["question"] or "metadata"
    wanted = _METHODS.get(question, "GET")
    if method != wanted:
        raise NotAllowed(f"This address takes {wanted}.", headers={"Allow": wanted})
    if path == ALL_STATISTICS:
        question = "all_stats"
    return Asked(Target(owner, found["name"], _which(found["which"])), question)


def _which(text: str | None) -> int | str:
    """Return a version's number, or, as our extension, an alias in its place."""
    if text is None:
        return CHAMPION
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else text


def unknown(target: Target) -> NotFound:
    """Return what is said of a model or a version that is not there."""
    which = "" if target.which == CHAMPION else f" version '{str(target.which)[:100]}'"
    return NotFound(f"{UNKNOWN_MODEL}: '{target.name[:100]}'{which} is not found")
