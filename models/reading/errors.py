"""The one error of reading: what is wrong with the data, in words for the person who sent it."""

from dataclasses import dataclass

SHOWN_CHARACTERS = 64


@dataclass
class BadData(Exception):
    """Data that cannot become a dataset.

    ``message`` says what was expected and what came, ``hint`` what to do, ``field`` which array or which
    option (``options.labels``) it is about; it is empty where the file as a whole is meant.
    """

    message: str
    hint: str | None = None
    field: str = ""

    def __str__(self) -> str:
        return self.message


def shown(value: object) -> str:
    """Return ``repr(value)``, cut to a length that fits a message."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
