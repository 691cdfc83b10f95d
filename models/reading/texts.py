"""Text in canonical form: ids of tokens, of which the training rows give the vocabulary."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from models.decoding.text import RESERVED_TOKENS
from models.reading.limits import CHUNK_BYTES, MAX_TOKEN_CHARACTERS
from models.reading.options import ReadingOptions
from models.reading.profile import row_digests
from models.reading.rows import Written, chunks_of, write_rows
from models.reading.source import Source, Tokens
from models.reading.split import Split
from models.reading.targets import figures
from models.schema import FIRST_TOKEN, PADDING, UNKNOWN_TOKEN, VOCABULARY_FILE, X_FILE

_TOP = 20
_MUCH_UNKNOWN = 0.1


def text_bytes(source: Source) -> int:
    """Return the size of the ids in canonical form."""
    return source.count * _tokens(source).length * 4


def write_text(source: Source, split: Split, options: ReadingOptions, folder: Path) -> Written:
    """Write ``x.npy``, ``int32[rows, length]``, and ``vocabulary.json``, the token of each id."""
    tokens = _tokens(source)
    spans = np.concatenate([part.x for part in source.parts])
    trains = np.ones(len(spans), bool)
    trains[split.test_rows] = False
    counts = np.zeros(len(tokens.seen), np.int64)
    for rows, known in _blocks(spans[trains], tokens):
        counts += np.bincount(rows[known], minlength=len(counts))
    kept = _chosen(counts, tokens)
    ids = np.full(len(tokens.seen), UNKNOWN_TOKEN, np.int32)
    ids[kept] = np.arange(len(kept)) + FIRST_TOKEN
    vocabulary = [*RESERVED_TOKENS, *(tokens.seen[place] for place in kept)]
    (folder / VOCABULARY_FILE).write_text(json.dumps(vocabulary, ensure_ascii=False))

    def chunks() -> Iterator[np.ndarray]:
        for rows, known in _blocks(spans, tokens):
            yield np.where(known, ids[rows], PADDING)

    texts = write_rows(chunks, (len(spans), tokens.length), np.dtype(np.int32), folder / X_FILE)
    lengths = spans[:, 1] - spans[:, 0]
    unknown = sum(int((chunk == UNKNOWN_TOKEN).sum()) for _, chunk in chunks_of(texts))
    share = unknown / max(1, int(np.minimum(lengths, tokens.length).sum()))
    return Written(
        schema={
            "shape": (tokens.length,),
            "dtype": "int32",
            "text": tokens.schema.model_copy(update={"vocabulary": max(3, len(vocabulary))}),
            "variable_length": bool((lengths < tokens.length).any()),
        },
        profile={
            "lengths": figures(lengths.astype(np.float64)),
            "cut": int((lengths > tokens.length).sum()),
            "vocabulary": len(vocabulary),
            "different_tokens": len(tokens.seen),
            "unknown": share,
            "top": {tokens.seen[place]: int(counts[place]) for place in kept[:_TOP]},
        },
        digests=np.concatenate([row_digests(chunk) for _, chunk in chunks_of(texts)]),
        warnings=[f"{share:.0%} of all tokens are unknown: a larger vocabulary would know them."]
        if share > _MUCH_UNKNOWN
        else [],
    )


def _tokens(source: Source) -> Tokens:
    assert source.tokens is not None, "a source of text has tokens"
    return source.tokens


def _blocks(spans: np.ndarray, tokens: Tokens) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield rows of tokens as they were seen, ``[rows, length]``, and which of them there are."""
    steps = np.arange(tokens.length)
    size = max(1, CHUNK_BYTES // (8 * tokens.length))
    for start in range(0, len(spans), size):
        begins, ends = spans[start : start + size].T
        places = begins[:, None] + steps
        known = places < ends[:, None]
        yield tokens.flat[np.where(known, places, 0)], known


def _chosen(counts: np.ndarray, tokens: Tokens) -> Sequence[int]:
    """Return which tokens get ids: by frequency; equal ones by name, whatever the order of the rows."""
    seen = tokens.seen
    order = sorted(np.flatnonzero(counts).tolist(), key=lambda place: (-counts[place], seen[place]))
    short = [place for place in order if len(seen[place]) <= MAX_TOKEN_CHARACTERS]
    return short[: tokens.known - FIRST_TOKEN]
