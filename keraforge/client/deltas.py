"""The pieces of a text, from the server-sent events that carry them."""

import json
from collections.abc import Iterator

from keraforge.errors import ServiceTrouble

_FIELD = b"data: "


class Deltas:
    """Takes an answer's bytes as they come; the last event is the whole text, all before are pieces of it.

    Events are cut apart here, for what cuts lines elsewhere also cuts at signs that may be in a text.
    """

    def __init__(self) -> None:
        self._begun = b""
        self._whole = False

    def take(self, content: bytes) -> Iterator[str]:
        """Yield the pieces that are complete now."""
        *events, self._begun = (self._begun + content).split(b"\n\n")
        for event in events:
            told = json.loads(event.removeprefix(_FIELD))
            if "delta" in told:
                yield told["delta"]
            self._whole = "text" in told

    def close(self) -> None:
        """Say that nothing more comes; raise where the text was not told to be whole."""
        if not self._whole:
            raise ServiceTrouble("The text broke off: the service ended before it.", code="broken_off")
