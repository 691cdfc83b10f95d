"""The addresses of TensorFlow Serving's REST API, and what they name."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from app.errors import BadRequest
from app.protocols.tf_serving.refusals import malformed
from app.serving.snapshot import CHAMPION, Target

Verb = Literal["predict", "classify", "regress", "status", "metadata"]

_VERBS: Mapping[str, Verb] = {verb: verb for verb in get_args(Verb)}
_ASKED = re.compile(
    r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<number>\d+)|/labels/(?P<label>[^/:]+))?"
    r"(?::(?P<verb>predict|classify|regress)|(?P<metadata>/metadata))?",
    # Beyond ASCII there are letters that only seem to be one of these in the other case.
    re.IGNORECASE | re.ASCII,
)
_LARGEST_VERSION = 2**63 - 1


class Asked(NamedTuple):
    """What a request is about; ``is_labelled`` says that a label, which is an alias here, names it."""

    target: Target
    verb: Verb
    is_labelled: bool


@lru_cache(1024)
def asked(owner: str, method: str, path: str) -> Asked:
    """Return what a path names; raise :class:`~app.errors.BadRequest` for every other path and method."""
    found = _ASKED.fullmatch(path)
    if found is None or (method == "POST") != (found["verb"] is not None):
        raise malformed(method, path)
    verb = _VERBS["metadata" if found["metadata"] else (found["verb"] or "status").lower()]
    which: int | str = found["label"] or CHAMPION
    if found["number"]:
        which = int(found["number"]) if len(found["number"]) < 20 else _LARGEST_VERSION + 1
        if which > _LARGEST_VERSION:
            raise BadRequest(f"Failed to convert version: {found['number'][:40]} to numeric.")
    return Asked(Target(owner, found["name"], which), verb, found["label"] is not None)
