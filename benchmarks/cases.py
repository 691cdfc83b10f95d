"""The networks whose training is measured, each with rows that something can be learnt from."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.presets import PRESETS, Resolved, resolve
from models.schema import InputSchema

Rows = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Case:
    """One preset on rows of a kind; ``epochs`` make a round, and ``target`` is the ratio to reach.

    ``figure`` is what the network is worth, where candidates are to agree in it.
    """

    name: str
    preset: str
    source: InputSchema
    rows: int
    epochs: int
    target: float
    draw: Callable[[InputSchema, int], Rows]
    figure: str | None = "accuracy"

    def resolved(self, rounds: int) -> Resolved:
        """The preset's own training without validation, and long enough for the warm-up and all rounds."""
        epochs = max(PRESETS[self.preset].training["epochs"], self.epochs * (rounds + 1))
        training = {"epochs": epochs, "validation": 0, "early_stopping": None}
        return resolve({"preset": self.preset}, training, self.source)

    def drawn(self) -> Rows:
        """Return ``x``, float32, and ``y``, int64."""
        return self.draw(self.source, self.rows)


def digits(source: InputSchema, rows: int) -> Rows:
    """Handwritten digits, enlarged to the source's size and moved a little each time they come again."""
    from sklearn.datasets import load_digits

    found = load_digits()
    side = source.shape[0]
    times, border = side // 8, (side % 8) // 2
    images = found.images.astype(np.float32).repeat(times, 1).repeat(times, 2)
    images = np.pad(images, ((0, 0), (border, border), (border, border)))
    generator = np.random.default_rng(0)
    places = np.arange(rows) % len(images)
    moved = np.where(np.arange(rows) < len(images), 0, generator.integers(-1, 2, rows))
    x = np.stack([np.roll(images[place], move, 1) for place, move in zip(places, moved, strict=True)])
    return x[..., None], found.target[places].astype(np.int64)


def waves(source: InputSchema, rows: int) -> Rows:
    """Noisy waves; the class is how fast they swing."""
    generator = np.random.default_rng(0)
    steps, features = source.shape
    y = generator.integers(0, source.classes, rows)
    phases = generator.uniform(0, 1, (rows, 1, features))
    x = np.sin(phases + 0.1 * (1 + y[:, None, None]) * np.arange(steps)[:, None])
    return (x + generator.normal(0, 0.3, x.shape)).astype(np.float32), y


def mixtures(source: InputSchema, rows: int) -> Rows:
    """Vectors that are mixtures of eight others."""
    generator = np.random.default_rng(0)
    x = generator.uniform(0, 1, (rows, 8)) @ generator.uniform(0, 1, (8, *source.shape))
    return x.astype(np.float32), np.zeros(rows, np.int64)


def _images(side: int) -> InputSchema:
    return InputSchema(shape=(side, side, 1), classes=10, high=16.0)


CASES = {
    case.preset: case
    for case in (
        Case("MLP 784-128-64-10", "mlp-mnist", _images(28), 32_000, 2, 8.0, digits),
        Case(
            "autoencoder 100-32-100", "dense-autoencoder", InputSchema(shape=(100,)), 30_000, 1, 8.0,
            mixtures, "loss",
        ),
        Case("CNN on 8x8", "cnn-small", _images(8), 1437, 15, 3.5, digits),
        Case("CNN on 28x28, cnn-basic", "cnn-basic", _images(28), 1437, 2, 1.25, digits),
        Case(
            "LSTM 2x64 on 100x10", "lstm-sequence", InputSchema(shape=(100, 10), classes=10), 1408, 2, 1.1,
            waves,
        ),
        Case("GAN, batch 16", "dense-gan", InputSchema(shape=(100,)), 480, 1, 9.0, mixtures, None),
    )
}  # fmt: skip
