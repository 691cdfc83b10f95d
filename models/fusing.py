"""While a network trains, some of its layers calculate in one operation what Keras does in many.

Such a layer has another class for that time, and is Keras' own again when it is kept.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from models import normalization, recurrence
from models.normalization import FusedBatchNormalization
from models.recurrence import FusedLSTM

# Fewer rows a lane, and the operation spends its time on fetching the weights.
ROWS_OF_A_LANE = 32


@contextmanager
def fused(network: keras.Model, batch_size: int, *, xla: bool = False) -> Iterator[None]:
    """Let the layers that can be fused be so until the end; ``batch_size`` rows make a step.

    GPUs have a kernel of their own for an LSTM, which Keras uses, and XLA knows the operation for CPUs not.
    """
    found = [(layer, type(layer)) for layer in network._flatten_layers()]
    walks = not xla and not tf.config.list_physical_devices("GPU")
    lanes = _lanes(batch_size)
    try:
        for layer, _ in found:
            if normalization.can_fuse(layer):
                layer.__class__ = FusedBatchNormalization
            elif walks and recurrence.can_fuse(layer):
                layer.__class__ = FusedLSTM
                layer.lanes = lanes
        yield
    finally:
        for layer, kind in found:
            layer.__class__ = kind


def _lanes(batch_size: int) -> int:
    """Return how many threads can be kept busy; their number is fixed before a training begins."""
    threads = tf.config.threading.get_inter_op_parallelism_threads() or 1
    return max(1, min(threads, batch_size // ROWS_OF_A_LANE))
