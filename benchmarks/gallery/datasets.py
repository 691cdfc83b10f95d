"""The datasets of the gallery: built-in ones, and files that are made here, and uploaded as anybody would."""

import json
import pydoc_data.topics
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import keraforge
from benchmarks.gallery import fashion
from benchmarks.gallery.grammar import sentences

READING_SECONDS = 300.0
SENTENCES = 3000
WAVES = ("sine", "square", "triangle", "sawtooth", "chirp")
WAVE_STEPS, WAVE_ROWS, SERIES_ROWS = 100, 1500, 1000


@dataclass(frozen=True)
class Made:
    """How a dataset comes to be; without ``write``, a built-in one. ``told`` describes it in the table."""

    kind: str
    told: str
    ending: str = ""
    write: Callable[[Path], None] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def register(client: keraforge.Client, name: str, folder: Path) -> keraforge.DatasetVersion:
    """Create a dataset, unless it is there already, and return its version when it is ready."""
    made = DATASETS[name]
    with suppress(keraforge.Conflict):
        if made.write is None:
            client.datasets.create(name, builtin=name)
        else:
            client.datasets.create(name, kind=made.kind)
            path = folder / f"{name}{made.ending}"
            made.write(path)
            client.datasets.upload(name, path, options=made.options)
    return client.datasets.wait(name, timeout=READING_SECONDS)


def corpus() -> str:
    """Return the reference manual of Python, which comes with every Python."""
    return "\n\n".join(pydoc_data.topics.topics.values())


def enlarged(images: np.ndarray, size: int) -> np.ndarray:
    """Return square images, ``[n, side, side]``, enlarged to ``size`` by repeating pixels."""
    nearest = np.arange(size) * images.shape[1] // size
    return images[:, nearest][:, :, nearest]


def _digits_28(path: Path) -> None:
    digits = load_digits()
    np.savez(path, x=enlarged(digits.images, 28).astype(np.uint8), y=digits.target)


def _grammar(path: Path) -> None:
    texts, labels = sentences(SENTENCES, seed=0)
    lines = [json.dumps({"text": text, "label": label}) for text, label in zip(texts, labels, strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _manual(path: Path) -> None:
    path.write_text(corpus(), encoding="utf-8")


def _waves(path: Path) -> None:
    """Write series of one value a step: a wave of some period, phase and height in noise."""
    chance = np.random.default_rng(0)
    y = chance.integers(0, len(WAVES), WAVE_ROWS)
    steps = np.arange(WAVE_STEPS)
    x = np.stack([_wave(WAVES[kind], steps, chance) for kind in y])
    x = x * chance.uniform(0.7, 1.3, (WAVE_ROWS, 1)) + chance.normal(0, 0.2, x.shape)
    np.savez(path, x=x[..., None].astype(np.float32), y=np.array(WAVES)[y])


def _wave(kind: str, steps: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    turns = steps / chance.uniform(15, 40) + chance.uniform()
    if kind == "chirp":
        return np.sin(2 * np.pi * (turns + (steps / chance.uniform(50, 80)) ** 2))
    saw = 2 * (turns % 1) - 1
    shapes = {"sine": np.sin(2 * np.pi * turns), "square": np.sign(saw), "triangle": 2 * np.abs(saw) - 1}
    return shapes.get(kind, saw)


def _series(path: Path) -> None:
    """Write series of two values: one swings, the other a quarter of a turn behind it, in noise."""
    chance = np.random.default_rng(0)
    turns = np.arange(60) / chance.uniform(12, 24, (SERIES_ROWS, 1)) + chance.uniform(size=(SERIES_ROWS, 1))
    values = np.stack([np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)], axis=-1)
    np.save(path, (values + chance.normal(0, 0.05, values.shape)).astype(np.float32))


_FASHION = ("images", "Fashion-MNIST: 60,000 pictures of clothes, 28x28")

DATASETS: Mapping[str, Made] = {
    "fashion-mnist": Made(
        *_FASHION, ".zip", fashion.write_files, options={"labels": list(fashion.LABELS)}
    )
    if fashion.is_installed()
    else Made(*_FASHION),
    "digits": Made("images", "1,797 handwritten digits, 8x8"),
    "digits-28": Made("images", "the same, enlarged to 28x28", ".npz", _digits_28),
    "iris": Made("table", "150 irises"),
    "wine": Made("table", "178 wines"),
    "breast-cancer": Made("table", "569 tumours"),
    "diabetes": Made("table", "442 patients"),
    "waves": Made("sequences", f"{WAVE_ROWS:,} noisy waves of five shapes", ".npz", _waves),
    "series": Made("sequences", f"{SERIES_ROWS:,} noisy swings, two values a step", ".npy", _series),
    "grammar": Made("text", f"{SENTENCES:,} sentences: who acts?", ".jsonl", _grammar),
    "manual": Made(
        "text", "Python's reference manual", ".txt", _manual,
        options={"tokens": "character", "layout": "corpus"},
    ),
}  # fmt: skip
