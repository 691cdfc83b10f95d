"""Text that comes into being token by token, in slices, so that nobody has to wait for all of it."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from app.serving.loaded import LoadedVersion
from app.serving.role import LoadedRole
from app.serving.sampling import Chooser, Logits
from models.decoding.text import decode, ids_of, tokens_of
from models.schema import UNKNOWN_TOKEN, TextSchema

TOKEN, LOGITS = "token", "logits"


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


class Stepping:
    """The role ``step`` on its way through one text: its states are those after the last token.

    Nothing is made anew on the way: states go to and fro between two sets of arrays.
    """

    def __init__(self, role: LoadedRole) -> None:
        states = [tensor for tensor in role.inputs if tensor.name != TOKEN]
        (answer,) = (tensor for tensor in role.outputs if tensor.name == LOGITS)
        here, there = ({each.name: np.zeros((1, *each.shape), each.dtype) for each in states} for _ in "ab")
        logits = np.zeros((1, *answer.shape), answer.dtype)
        self._token = np.zeros(1, np.int32)
        self._logits: Logits = logits[0]
        self._step, self._next_step = (
            role.bound(
                {TOKEN: self._token, **before},
                {LOGITS: logits, **{f"next_{name}": array for name, array in after.items()}},
            )
            for before, after in ((here, there), (there, here))
        )

    def take(self, token: int) -> Logits:
        """Go one token on; return the logits of the next, ``float32[vocabulary]``, always the same array."""
        self._token[0] = token
        self._step()
        self._step, self._next_step = self._next_step, self._step
        return self._logits


class Generation:
    """One text that continues a prompt of at least one token; until it ends ``finish_reason`` is None.

    ``told`` is told each token and the logits that it was chosen by.
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
        self.finish_reason: Literal["stop", "length"] | None = None
        self.text = ""
        self.prompt_tokens = len(prompt)
        self.completion_tokens = 0
        self._language = language
        self._stepping = Stepping(role)
        self._left = list(reversed(prompt))
        self._before = prompt[-1]
        self._chooser = chooser
        self._max_tokens = max_tokens
        self._stop = stop
        self._tell = told
        # So much of the end may be the beginning of what ends the text.
        self._held = max(map(len, stop), default=1) - 1
        self._told = 0
        self._logits: Logits | None = None

    def advance(self, seconds: float, gone: threading.Event) -> str:
        """Go on for so long, or until nobody is there to read it; return what came to the text for good."""
        deadline = time.perf_counter() + seconds
        while self.finish_reason is None and not gone.is_set():
            if self._left:
                self._logits = self._stepping.take(self._left.pop())
            else:
                self._add()
            if time.perf_counter() > deadline:
                break
        end = len(self.text) if self.finish_reason else max(self._told, len(self.text) - self._held)
        delta, self._told = self.text[self._told : end], end
        return delta

    def _add(self) -> None:
        assert self._logits is not None, "a prompt has at least one token"
        token = self._chooser.next(self._logits)
        if self._tell is not None:
            self._tell(token, self._logits)
        self.completion_tokens += 1
        begin = max(0, len(self.text) - self._held)
        self.text += self._language.piece(self._before, token)
        self._before = token
        ends = [place for place in (self.text.find(stop, begin) for stop in self._stop) if place >= 0]
        if ends:
            self.text = self.text[: min(ends)]
            self.finish_reason = "stop"
        elif self.completion_tokens == self._max_tokens:
            self.finish_reason = "length"
        else:
            self._logits = self._stepping.take(token)
