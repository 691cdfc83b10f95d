"""Chunks: many steps in one traced call, on rows that stay on the device or come from a memory map."""

import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from models.state import State, signature_of
from models.step import Learning, Sums

CHUNK_SECONDS = 0.1
GROWTH = 8
RESIDENT_BYTES = 256 * 1024**2
SCORED_ROWS = 512


class Feed:
    """The rows of a dataset: ``x`` of shape ``[rows, *shape]`` and targets ``y``, classes or values.

    ``weights`` say how much each counts, where they do not count alike. All may be memory maps. Up to
    ``resident_bytes`` they are copied to the device once; beyond, each call is given its own rows.
    """

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        resident_bytes: int = RESIDENT_BYTES,
        *,
        weights: np.ndarray | None = None,
    ) -> None:
        # Ids stay whole numbers; whatever else a row holds is a number to calculate with.
        self._taken = tf.int32 if x.dtype == np.int32 else tf.float32
        asked = tf.float32 if y.dtype.kind == "f" else tf.int64
        self._parts = [(x, tf.as_dtype(x.dtype)), (y, asked)]
        if weights is not None:
            self._parts.append((weights, tf.float32))
        self.is_resident = x.nbytes <= resident_bytes
        if self.is_resident:
            self._resident = [tf.constant(part, dtype) for part, dtype in self._parts]

    def arguments(self, rows: np.ndarray) -> tuple[tf.Tensor, ...]:
        """Return what a traced call is given for these row numbers, an array of any shape."""
        if self.is_resident:
            return (tf.constant(rows),)
        # Sorted reading keeps a memory map's pages in order; the answer is in the order that was asked for.
        flat, places = np.unique(rows.ravel(), return_inverse=True)
        return tuple(
            tf.constant(part[flat][places].reshape(*rows.shape, *part.shape[1:]), dtype)
            for part, dtype in self._parts
        )

    def signature(self, *rows: int | None) -> list[tf.TensorSpec]:
        """Return the types of :meth:`arguments` for row numbers of this shape."""
        if self.is_resident:
            return [tf.TensorSpec(rows, tf.int64)]
        return [tf.TensorSpec([*rows, *part.shape[1:]], dtype) for part, dtype in self._parts]

    def rows(self, arguments: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, ...]:
        """Return, inside a traced call, the rows themselves, as a network takes them, and their targets.

        Where rows have weights, these too.
        """
        x, *others = (
            arguments if not self.is_resident else [tf.gather(part, arguments[0]) for part in self._resident]
        )
        return tf.cast(x, self._taken), *others


class Chunks:
    """Runs steps in chunks of about a tenth of a second; how many steps a chunk has changes no bit."""

    def __init__(self, learning: Learning, feed: Feed, state: State, *, xla: bool) -> None:
        self._learning, self._feed, self._xla = learning, feed, xla
        # One trace serves full batches and the smaller last one.
        figures = len(learning.names)
        sums = Sums(tf.TensorSpec([figures], tf.float64), tf.TensorSpec([], tf.float64))
        signature = [signature_of(state), sums, *feed.signature(None, None)]
        self._traced = tf.function(self._chunk, input_signature=signature, jit_compile=xla)
        self._compiled: set[tuple[int, ...]] = set()
        self._wanted = 1

    def steps(self, left: int) -> int:
        """Return how many steps the next chunk should have, of those that are left in the epoch."""
        steps = min(self._wanted, left)
        # XLA compiles anew for each number of steps: powers of two are few.
        return 1 << (steps.bit_length() - 1) if self._xla else steps

    def run(self, state: State, sums: Sums, rows: np.ndarray) -> tuple[State, Sums]:
        """Take one step for each row of ``rows``, int64 ``[steps, batch]``, and add to the sums.

        They are added up step by step from the first of an epoch on, so that chunks change no bit of them.
        """
        started = time.perf_counter()
        sums = Sums(*(tf.constant(value, tf.float64) for value in sums))
        state, sums = self._traced(state, sums, *self._feed.arguments(rows))
        sums = Sums(*(value.numpy() for value in sums))
        self._learn(rows.shape, time.perf_counter() - started)
        return state, sums

    def _learn(self, shape: tuple[int, ...], seconds: float) -> None:
        """Choose the length of the next chunks, but not from a call that compiled or was cut short."""
        compiled = shape if self._xla else ()
        if compiled in self._compiled and shape[0] == self.steps(self._wanted):
            fitting = int(CHUNK_SECONDS / seconds * shape[0])
            self._wanted = max(1, min(fitting, GROWTH * shape[0]))
        self._compiled.add(compiled)

    def _chunk(self, state: State, sums: Sums, *arguments: tf.Tensor) -> tuple[State, Sums]:
        spread = self._learning.spread(state)
        for place in tf.range(tf.shape(arguments[0])[0]):
            rows = self._feed.rows(tuple(argument[place] for argument in arguments))
            spread, more = self._learning.step(spread, *rows)
            sums = sums.plus(more)
        return self._learning.gathered(spread), sums


class Scores:
    """Scores a state on many rows, some hundred at a time."""

    def __init__(self, learning: Learning, feed: Feed, state: State) -> None:
        self._feed, self._figures = feed, len(learning.names)

        def traced(state: State, *arguments: tf.Tensor) -> Sums:
            return learning.score(state, *feed.rows(arguments))

        self._traced = tf.function(traced, input_signature=[signature_of(state), *feed.signature(None)])

    def run(self, state: State, rows: np.ndarray, between: Callable[[], None] = lambda: None) -> Sums:
        """Return the sums over ``rows``, int64 ``[n]``; ``between`` is called before each part of them."""
        total = Sums(np.zeros(self._figures), 0.0)
        for start in range(0, len(rows), SCORED_ROWS):
            between()
            part = self._traced(state, *self._feed.arguments(rows[start : start + SCORED_ROWS]))
            total = total.plus(Sums(*(value.numpy() for value in part)))
        return total
