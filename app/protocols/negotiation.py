"""Which of several media types an answer is to have, as the header ``Accept`` asks."""

from collections.abc import Sequence

from starlette.types import Scope

from app.errors import NotAcceptable, shortened
from app.protocols.inputs import JSON_TYPE

# What most clients send.
ANY_JSON = frozenset({b"", b"*/*", JSON_TYPE.encode()})


def negotiated(scope: Scope, offered: Sequence[str]) -> str:
    """Return one of the offered types, the first where any will do.

    Raises :class:`~app.errors.NotAcceptable` if none will.
    """
    sent = b",".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1")
    ranges = [_range(part) for part in sent.split(",") if part.strip()]
    if not ranges:
        return offered[0]
    # The first of equals wins: an exact name before a pattern, then as they are offered.
    best = max(offered, key=lambda media_type: _liking(media_type, ranges))
    if _liking(best, ranges)[0] <= 0:
        raise NotAcceptable(f"The answer can be {', '.join(offered)}, not {shortened(sent)}.")
    return best


def require_json(scope: Scope) -> None:
    """Raise :class:`~app.errors.NotAcceptable` where an answer in JSON will not do."""
    for name, value in scope.get("headers", ()):
        if name == b"accept" and value not in ANY_JSON:
            negotiated(scope, (JSON_TYPE,))
            return


def _liking(media_type: str, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    patterns = (f"{media_type.partition('/')[0]}/*", "*/*")
    for exactness, pattern in ((2, media_type), (1, patterns[0]), (0, patterns[1])):
        for name, quality in ranges:
            if name == pattern:
                return quality, exactness
    return 0.0, 0


def _range(part: str) -> tuple[str, float]:
    name, *parameters = part.split(";")
    for parameter in parameters:
        key, _, value = parameter.strip().partition("=")
        if key.lower() == "q":
            try:
                return name.strip().lower(), float(value)
            except ValueError:
                return name.strip().lower(), 0.0
    return name.strip().lower(), 1.0
