"""Text to tokens to ids and back: one way for reading, training and serving. NumPy only."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np

from models.schema import FIRST_TOKEN, PADDING, UNKNOWN_TOKEN, TextSchema

# No part of it can match in two ways, so that its time is linear in the text.
_WORD = re.compile(r"\w+|[^\w\s]")
_CLOSES = frozenset(".,;:!?)]}%\u2026\u201d\u2019\u00bb")
_OPENS = frozenset("([{\u201c\u2018\u00ab")
RESERVED_TOKENS = ("", "\ufffd")
"""What the ids for padding and for unknown tokens are called in a vocabulary."""


def tokens_of(text: str, schema: TextSchema) -> list[str]:
    """Return the tokens of a text: words, with each sign on its own and no space; or all characters."""
    return list(each_token(text, schema))


def ids_of(vocabulary: Sequence[str]) -> dict[str, int]:
    """Return the id of each token of a vocabulary; padding and unknown are no tokens of a text."""
    return {token: index for index, token in enumerate(vocabulary) if index >= FIRST_TOKEN}


def encode(
    texts: Sequence[str], vocabulary: Mapping[str, int], schema: TextSchema, length: int
) -> np.ndarray:
    """Return the ids of the first ``length`` tokens of each text, ``int32[texts, length]``, padded with 0."""
    ids = np.full((len(texts), length), PADDING, np.int32)
    for row, text in enumerate(texts):
        found = [vocabulary.get(token, UNKNOWN_TOKEN) for token in islice(each_token(text, schema), length)]
        ids[row, : len(found)] = found
    return ids


def decode(ids: Iterable[int], vocabulary: Sequence[str], schema: TextSchema) -> str:
    """Return the text of ids; padding is left out, and words are set as in print as far as signs tell."""
    tokens = [vocabulary[int(index)] for index in ids if int(index) != PADDING]
    if schema.tokens == "character":
        return "".join(tokens)
    text, before = [], ""
    for token in tokens:
        if before and token not in _CLOSES and before not in _OPENS:
            text.append(" ")
        text.append(token)
        before = token
    return "".join(text)


def each_token(text: str, schema: TextSchema) -> Iterator[str]:
    """Yield the tokens of a text, without ever holding all of them."""
    # Lowered first: that can take a letter apart, which NFC mends.
    text = unicodedata.normalize("NFC", text.lower() if schema.lowercase else text)
    if schema.tokens == "character":
        return iter(text)
    return (found.group() for found in _WORD.finditer(text))
