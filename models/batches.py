"""Which rows train, which validate, and in which order they come. Keras-free."""

from collections.abc import Iterator, Sequence

import numpy as np

# Epochs count from 0, so this stream of the generator is never that of an epoch's order.
_SPLIT_STREAM = 2**63


def split_rows(
    y: np.ndarray, test_rows: np.ndarray, fraction: float, seed: int, *, stratified: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Return the training rows and the validation rows, ``int64[n]`` each, sorted; none is a test row.

    ``y`` holds the class of every row. About ``fraction`` of the rows that are not test rows validate: that
    share of each class, if ``stratified``, to the nearest row, so that a class of one row only trains.
    """
    rest = np.setdiff1d(np.arange(len(y), dtype=np.int64), test_rows)
    generator = np.random.Generator(np.random.Philox(key=[seed, _SPLIT_STREAM]))
    groups = [rest[y[rest] == label] for label in np.unique(y[rest])] if stratified else [rest]
    chosen = [generator.permutation(group)[: round(len(group) * fraction)] for group in groups]
    validation = np.sort(np.concatenate(chosen)) if chosen else rest[:0]
    return np.setdiff1d(rest, validation, assume_unique=True), validation


def order_of(rows: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """Return ``rows`` in the order of one epoch, counted from 0.

    It comes from a counter-based generator, so it depends on nothing but the seed and the epoch.
    """
    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(rows)


def batches_of(order: np.ndarray, batch_size: int, done: int = 0) -> Iterator[np.ndarray]:
    """Yield the full batches as one ``[steps, batch_size]`` array, then the rest.

    The rest is one batch ``[1, n]`` with n < batch_size; either may be missing. Of all these the first
    ``done`` are left out.
    """
    full = len(order) // batch_size
    if done < full:
        yield order[done * batch_size : full * batch_size].reshape(-1, batch_size)
    if full * batch_size < len(order) and done <= full:
        yield order[None, full * batch_size :]


def class_weights(
    y: np.ndarray, rows: np.ndarray, setting: str | dict[str, float] | None, labels: Sequence[str]
) -> np.ndarray:
    """Return the weight of each class in the loss, ``float32[classes]``.

    ``balanced`` weighs a class by ``rows / (classes · rows of the class)``, as scikit-learn does.
    """
    if setting is None:
        return np.ones(len(labels), np.float32)
    if isinstance(setting, dict):
        return np.array([setting.get(label, 1.0) for label in labels], np.float32)
    counts = np.bincount(y[rows], minlength=len(labels))
    present = np.count_nonzero(counts)
    return np.where(counts > 0, len(rows) / (present * np.maximum(counts, 1)), 1.0).astype(np.float32)
