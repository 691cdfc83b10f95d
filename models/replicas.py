"""Replicas: several devices that take each step together, each on its share of the batch.

Every replica has the whole state. What they find on their shares is added up, weighted by how many rows (or
tokens) each had, so that the sum is that of the whole batch; then all make the same move (Dean et al., 2012,
without its delays).
"""

from functools import cache, partial
from typing import Any, NamedTuple, TypeVar

import tensorflow as tf

from models.state import State
from models.step import Learning, Slope, Sums

# How far the random numbers of one replica are from those of the next.
_STREAM = 2**24

Shifted = TypeVar("Shifted", State, Slope)


class Replicas(NamedTuple):
    """The replicas of a strategy that this process has: ``own``, by their number among ``total``."""

    strategy: tf.distribute.Strategy
    own: range
    total: int


def split_processor(number: int) -> None:
    """Make ``number`` devices of the processor, before any operation has run, where there is no GPU."""
    if number > 1 and not tf.config.list_physical_devices("GPU"):
        [processor] = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(
            processor, [tf.config.LogicalDeviceConfiguration() for _ in range(number)]
        )


# A second strategy would use the names of the first one's exchanges again.
@cache
def mirrored(number: int) -> Replicas:
    """Return replicas on ``number`` devices of this process: GPUs, or parts of its processor."""
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    there = len(tf.config.list_logical_devices(kind))
    if there < number:
        raise ValueError(f"expected {number} devices, this process has {there} of kind {kind}")
    strategy = tf.distribute.MirroredStrategy([f"{kind}:{place}" for place in range(number)])
    return Replicas(strategy, range(number), number)


def together(learning: Learning, replicas: Replicas) -> Learning:
    """Return how the replicas learn what ``learning`` says, as one.

    Steps are taken on a list of states, one for each replica of this process, which stay equal.
    """
    strategy, own, total = replicas
    halves = learning.halves
    assert halves is not None, "a family whose step has no halves has one device"

    def step(states: list[State], *rows: tf.Tensor) -> tuple[list[State], Sums]:
        shares = [_share(rows, number, total) for number in own]

        def replica() -> tuple[State, Sums]:
            context = tf.distribute.get_replica_context()
            number = int(tf.get_static_value(context.replica_id_in_sync_group))
            state, (share, counts) = states[number - own.start], shares[number - own.start]
            stream = number * _STREAM
            found = halves.slope(_shifted(state, stream), *share, stream=stream)
            common = _added(context, _shifted(found, -stream), counts)
            return halves.move(state, common), common.sums

        everywhere = strategy.run(replica)
        results = [
            tf.nest.map_structure(partial(_local, strategy, place), everywhere) for place in range(len(own))
        ]
        return [state for state, _ in results], results[0][1]

    return learning._replace(
        # AutoGraph would rewrite Keras' own code too, slowly and for nothing.
        step=tf.autograph.experimental.do_not_convert(step),
        spread=lambda state: [state] * len(own),
        gathered=lambda states: states[0],
    )


def _share(rows: tuple[tf.Tensor, ...], number: int, total: int) -> tuple[tuple[tf.Tensor, ...], tf.Tensor]:
    """Return a replica's share of a batch, and 1.0; where there are too few rows, some row and 0.0."""
    count = tf.shape(rows[0])[0]
    start, end = number * count // total, (number + 1) * count // total
    return tuple(part[start : tf.maximum(end, start + 1)] for part in rows), tf.cast(end > start, tf.float32)


def _shifted(value: Shifted, stream: int) -> Shifted:
    """Return a state, or what a step has found, with other random numbers: those of another replica."""
    others = [_shifted_seed(each, stream) for each in value.others]
    return value._replace(
        others=others, augmentation=[_shifted_seed(each, stream) for each in value.augmentation]
    )


def _shifted_seed(value: tf.Tensor, stream: int) -> tf.Tensor:
    # A seed generator of Keras keeps its seed, and how often it was asked.
    is_seed = value.dtype.is_integer and value.shape == [2]
    return value + tf.constant([stream, 0], value.dtype) if is_seed else value


def _added(context: tf.distribute.ReplicaContext, found: Slope, counts: tf.Tensor) -> Slope:
    """Return what all replicas have found together, each as much as it had rows (or tokens).

    Moving statistics are the means of theirs: each knows those of its own share.
    """
    # What is exchanged in one go must lie on the replica's own device.
    counts = tf.identity(counts)
    weight = tf.cast(found.sums.weight, tf.float32) * counts
    gradients = [tf.convert_to_tensor(gradient) * weight for gradient in found.gradients]
    kept = [*found.others, *found.augmentation]
    moving = [value * counts for value in kept if value.dtype == tf.float32]
    totals = tf.cast(found.sums.totals, tf.float32) * counts
    sums = context.all_reduce("SUM", [*gradients, *moving, totals, weight, counts])
    *parts, totals, weight, counts = sums
    gradients = [tf.math.divide_no_nan(gradient, weight) for gradient in parts[: len(gradients)]]
    means = iter([value / counts for value in parts[len(gradients) :]])
    kept = [next(means) if value.dtype == tf.float32 else value for value in kept]
    others, augmentation = kept[: len(found.others)], kept[len(found.others) :]
    return Slope(
        gradients, others, augmentation, Sums(tf.cast(totals, tf.float64), tf.cast(weight, tf.float64))
    )


def _local(strategy: tf.distribute.Strategy, place: int, value: Any) -> tf.Tensor:
    """Return what the replica at this place of the process has returned; what all share comes once."""
    values = strategy.experimental_local_results(value)
    return values[place] if len(values) > 1 else values[0]
