"""Text that comes into being token by token."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from app.serving.loaded import LoadedVersion
from app.serving.role import Array, LoadedRole
from app.serving.sampling import Chooser, Logits
from models.decoding.text import decode, ids_of, tokens_of
from models.schema import UNKNOWN_TOKEN, TextSchema


class Language:
    """What a version with the role ``step`` knows of tokens; it does not hold the version itself."""

    def __init__(self, version: LoadedVersion, schema: TextSchema) -> None:
        self.vocabulary = version.vocabulary
        self.schema = schema
        self._ids = ids_of(version.vocabulary)

    def ids(self, text: str) -> list[int]:
        """Return the ids of a text."""
        return [self._ids.get(token, UNKNOWN_TOKEN) for token in tokens_of(text, self.schema)]

    def piece(self, before: int, token: int) -> str:
        """Return what a token adds to a text that ends with another."""
        if self.schema.tokens == "character":
            return self.vocabulary[token]
        return decode((before, token), self.vocabulary, self.schema)[len(self.vocabulary[before]) :]


class Generation:
    """One text that continues a prompt of at least one token; until it ends ``finish_reason`` is None.

    ``role`` is what it is written with and ``chooser`` what chooses its tokens; ``token`` is the one that is
    to be taken next, after ``states``, None for the first. An ``error`` ends it too. ``told`` is told each
    token and the logits that it was chosen by.
    """

    def __init__(
        self,
        language: Language,
        role: LoadedRole,
        prompt: Sequence[int],
        chooser: Chooser,
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        told: Callable[[int, Logits], None] | None = None,
    ) -> None:
        self.role = role
        self.chooser = chooser
        self.token = prompt[0]
        self.states: Mapping[str, Array] | None = None
        self.finish_reason: Literal["stop", "length"] | None = None
        self.error: Exception | None = None
        self.text = ""
        self.prompt_tokens = len(prompt)
        self.completion_tokens = 0
        self._language = language
        self._left = list(reversed(prompt[1:]))
        self._before = prompt[-1]
        self._max_tokens = max_tokens
        self._stop = stop
        self._tell = told
        # So much of the end may be the beginning of what ends the text.
        self._held = max(map(len, stop), default=1) - 1
        self._told = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self.finish_reason is not None or self.error is not None

    def read_on(self) -> bool:
        """Let the next token be one of the prompt; return whether there was one left."""
        if self._left:
            self.token = self._left.pop()
            return True
        return False

    def add(self, token: int, logits: Logits) -> None:
        """Let the next token be this, which was chosen by these logits."""
        if self._tell is not None:
            self._tell(token, logits)
        self.completion_tokens += 1
        begin = max(0, len(self.text) - self._held)
        self.text += self._language.piece(self._before, token)
        self._before = self.token = token
        ends = [place for place in (self.text.find(stop, begin) for stop in self._stop) if place >= 0]
        if ends:
            self.text = self.text[: min(ends)]
            self.finish_reason = "stop"
        elif self.completion_tokens == self._max_tokens:
            self.finish_reason = "length"

    def delta(self) -> str:
        """Return what came to the text for good since this was asked last."""
        end = len(self.text) if self.finish_reason else max(self._told, len(self.text) - self._held)
        delta, self._told = self.text[self._told : end], end
        return delta
