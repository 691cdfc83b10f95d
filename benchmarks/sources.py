"""For every preset the rows it is asked about when its graph is measured; a new preset gets some as well."""

import numpy as np

from models.preset import Preset
from models.presets import Resolved, SpecError, resolve
from models.schema import Column, InputSchema

COLUMNS = (
    *(Column(name=f"number {place}", kind="number") for place in range(10)),
    Column(name="category", kind="category", categories=("a", "b", "c")),
)
SOURCES = {
    "images": InputSchema(shape=(28, 28, 1), classes=10, high=255.0),
    "text": InputSchema(shape=(100,), dtype="int32", vocabulary=10_000, classes=10),
    "sequences": InputSchema(shape=(100, 10), classes=10),
    "table": InputSchema(kind="table", shape=(len(COLUMNS),), columns=COLUMNS, classes=3),
    "vectors": InputSchema(shape=(100,)),
}
# What comes first is taken if it fits.
BY_FAMILY = {"rnn": "text", "attention": "text"}
BY_PRESET = {
    "tabular-small": "table",
    "lstm-sequence": "sequences",
    "dense-autoencoder": "vectors",
    "dense-gan": "vectors",
}


def suiting(preset: Preset) -> tuple[Resolved, InputSchema]:
    """Return a preset's specs for rows that suit it, and what these are."""
    wished = [BY_PRESET.get(preset.name), BY_FAMILY.get(preset.family)]
    for kind in [*(each for each in wished if each), *SOURCES]:
        try:
            return resolve({"preset": preset.name}, None, SOURCES[kind]), SOURCES[kind]
        except SpecError:
            continue
    raise SystemExit(f"{preset.name} takes none of {', '.join(SOURCES)}: add rows that it does")


def rows_of(source: InputSchema, count: int) -> np.ndarray:
    """Return rows as a network takes them; half of the texts are shorter than the longest."""
    generator = np.random.default_rng(0)
    shape = (count, *source.shape)
    rows: np.ndarray
    if source.kind == "text":
        rows = generator.integers(2, source.vocabulary, shape).astype(np.int32)
        rows[1::2, source.shape[0] // 2 :] = 0
        return rows
    rows = generator.uniform(source.low, source.high, shape).astype(np.float32)
    for place, column in enumerate(source.columns):
        if column.kind == "category":
            rows[:, place] = generator.integers(0, column.ids, count)
    return rows
