"""Documents on their way to ids: tokenised once, kept as numbers."""

import math
from array import array
from itertools import islice

import numpy as np

from models.decoding.text import each_token
from models.reading.errors import BadData
from models.reading.limits import MAX_TOKENS, MIN_ROWS
from models.reading.options import ReadingOptions
from models.reading.source import Part, Source, Tokens
from models.schema import TextSchema

_KNOWN = {"word": 10_000, "character": 1000}
_LONGEST, _CORPUS_LENGTH = 512, 128
_SHARE = 0.95
# Tokens are kept in four bytes each.
_TOKEN_BYTES = 4


class Documents:
    """Takes in texts one after another; at most ``max_bytes`` of tokens."""

    def __init__(self, options: ReadingOptions, max_bytes: int) -> None:
        tokens = options.tokens or "word"
        lowercase = tokens == "word" if options.lowercase is None else options.lowercase
        self._options = options
        self._max_tokens = max_bytes // _TOKEN_BYTES
        # How many ids there are is known only in the end.
        self._schema = TextSchema(tokens=tokens, vocabulary=3, lowercase=lowercase)
        self._flat = array("i")
        self._places: dict[str, int] = {}
        self._spans: list[tuple[int, int]] = []
        self.empty = 0

    def add(self, text: str) -> bool:
        """Take in a document; what is beyond the longest row is left out. False for one without tokens."""
        start = len(self._flat)
        self._take(text, MAX_TOKENS)
        if len(self._flat) == start:
            self.empty += 1
            return False
        self._spans.append((start, len(self._flat)))
        return True

    def add_corpus(self, text: str) -> None:
        """Take in a piece of one long text, without end."""
        self._take(text, None)

    def source(
        self, labels: np.ndarray | None, train: int | None = None, warnings: tuple[str, ...] = ()
    ) -> Source:
        """Return the documents as rows, of which the first ``train`` are for training, by default all."""
        spans = np.array(self._spans, np.int64).reshape(-1, 2)
        if len(spans) < MIN_ROWS:
            raise BadData(f"There are {len(spans)} documents; at least {MIN_ROWS} were expected.")
        fitting = math.ceil(np.quantile(spans[:, 1] - spans[:, 0], _SHARE))
        parts = [
            Part(spans[part], None if labels is None else labels[part], "the documents", "label")
            for part in ((slice(None),) if train is None else (slice(train), slice(train, None)))
        ]
        if self.empty:
            warnings = (*warnings, f"Without a single token, and left out: {self.empty:,} documents.")
        return Source(
            parts[0],
            parts[1] if len(parts) > 1 else None,
            kind="text",
            tokens=self._tokens(self._options.length or min(fitting, _LONGEST)),
            warnings=warnings,
        )

    def corpus(self) -> Source:
        """Return the whole text as blocks, each one token longer than the sequences it is to train."""
        length = (self._options.length or _CORPUS_LENGTH) + 1
        starts = np.arange(0, max(0, len(self._flat) - 1), length)
        spans = np.stack([starts, np.minimum(starts + length, len(self._flat))], axis=1)
        if len(spans) < MIN_ROWS:
            raise BadData(
                f"The text has {len(self._flat):,} tokens, {len(spans)} blocks of {length}; at least"
                f" {MIN_ROWS} blocks were expected.",
                "Send a longer text, or make rows shorter with options.length.",
                "options.length",
            )
        part = Part(spans, None, "the text", "y")
        return Source(part, kind="text", tokens=self._tokens(length), in_order=True)

    def _take(self, text: str, most: int | None) -> None:
        places = self._places
        found = islice(each_token(text, self._schema), most)
        self._flat.extend(places.setdefault(token, len(places)) for token in found)
        if len(self._flat) > self._max_tokens:
            raise BadData(f"The text has more than {self._max_tokens:,} tokens.", "Send less of it.")

    def _tokens(self, length: int) -> Tokens:
        known = self._options.vocabulary or _KNOWN[self._schema.tokens]
        flat = np.frombuffer(self._flat, np.int32) if self._flat else np.empty(0, np.int32)
        return Tokens(flat, list(self._places), self._schema, length, known)
