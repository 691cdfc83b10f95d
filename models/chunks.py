"""Chunks: many steps in one traced call, on rows that stay on the device or come from a memory map."""

import time

import numpy as np
import tensorflow as tf

from models.state import State
from models.step import Score, Step, Sums

CHUNK_SECONDS = 0.1
FIRST_STEPS = 4
RESIDENT_BYTES = 256 * 1024**2
SCORED_ROWS = 512


class Feed:
    """The rows of a dataset: ``x`` of shape ``[rows, *shape]``, ``y`` int64; either may be a memory map."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self._x, self._y = x, y
        self.is_resident = x.nbytes <= RESIDENT_BYTES
        if self.is_resident:
            self._resident = tf.constant(x), tf.constant(y, tf.int64)

    def arguments(self, rows: np.ndarray) -> tuple[tf.Tensor, ...]:
        """Return what a traced call is given for these row numbers, an array of any shape."""
        if self.is_resident:
            return (tf.constant(rows),)
        # Sorted reading keeps a memory map's pages in order; the answer is in the order that was asked for.
        flat, places = np.unique(rows.ravel(), return_inverse=True)
        x, y = self._x[flat][places], self._y[flat][places]
        return tf.constant(x.reshape(*rows.shape, *x.shape[1:])), tf.constant(y.reshape(rows.shape), tf.int64)

    def signature(self, *rows: int | None) -> list[tf.TensorSpec]:
        """Return the types of :meth:`arguments` for row numbers of this shape."""
        if self.is_resident:
            return [tf.TensorSpec(rows, tf.int64)]
        return [tf.TensorSpec([*rows, *self._x.shape[1:]], self._x.dtype), tf.TensorSpec(rows, tf.int64)]

    def rows(self, arguments: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, tf.Tensor]:
        """Return, inside a traced call, the rows themselves: float32 and int64."""
        x, y = (
            arguments if not self.is_resident else (tf.gather(part, arguments[0]) for part in self._resident)
        )
        return tf.cast(x, tf.float32), y


class Chunks:
    """Runs steps in chunks of about a tenth of a second; how many steps a chunk has changes no bit."""

    def __init__(self, step: Step, feed: Feed, state: State, *, xla: bool) -> None:
        self._feed = feed
        self._step = step
        self._signature = tf.nest.map_structure(lambda value: tf.TensorSpec(value.shape, value.dtype), state)
        self._xla = xla
        self._traced: dict[int, tf.types.experimental.PolymorphicFunction] = {}
        self._seconds_per_step: float | None = None

    @property
    def steps(self) -> int:
        """How many steps the next chunk should have."""
        if self._seconds_per_step is None:
            return FIRST_STEPS
        return max(1, round(CHUNK_SECONDS / self._seconds_per_step))

    def run(self, state: State, rows: np.ndarray) -> tuple[State, Sums]:
        """Take one step for each row of ``rows``, int64 ``[steps, batch]``."""
        steps, batch = rows.shape
        is_new = batch not in self._traced
        traced = self._traced.setdefault(batch, self._trace(batch)) if is_new else self._traced[batch]
        started = time.perf_counter()
        state, sums = traced(state, *self._feed.arguments(rows))
        sums = Sums(*(value.numpy() for value in sums))
        if not is_new:
            self._seconds_per_step = max((time.perf_counter() - started) / steps, 1e-6)
        return state, sums

    def _trace(self, batch: int) -> tf.types.experimental.PolymorphicFunction:
        def chunk(state: State, *arguments: tf.Tensor) -> tuple[State, Sums]:
            sums = Sums(tf.constant(0.0, tf.float64), tf.constant(0, tf.int64), tf.constant(0, tf.int64))
            for place in tf.range(tf.shape(arguments[0])[0]):
                x, y = self._feed.rows(tuple(argument[place] for argument in arguments))
                state, more = self._step(state, x, y)
                sums = sums.plus(more)
            return state, sums

        signature = [self._signature, *self._feed.signature(None, batch)]
        return tf.function(chunk, input_signature=signature, jit_compile=self._xla)


class Scores:
    """Scores a state on many rows, some hundred at a time."""

    def __init__(self, score: Score, feed: Feed, state: State) -> None:
        self._feed = feed
        signature = tf.nest.map_structure(lambda value: tf.TensorSpec(value.shape, value.dtype), state)

        def traced(state: State, *arguments: tf.Tensor) -> Sums:
            return score(state, *feed.rows(arguments))

        self._traced = tf.function(traced, input_signature=[signature, *feed.signature(None)])

    def run(self, state: State, rows: np.ndarray) -> Sums:
        """Return the sums over ``rows``, int64 ``[n]``."""
        total = Sums(0.0, 0, 0)
        for start in range(0, len(rows), SCORED_ROWS):
            part = self._traced(state, *self._feed.arguments(rows[start : start + SCORED_ROWS]))
            total = total.plus(Sums(*(value.numpy() for value in part)))
        return total
