"""Gangs: processes, on one machine or on several, that train one network together.

Each has the whole state and one device, and finds on its share of each batch (:mod:`models.replicas`).
Whatever decides what comes next, a clock, a person, a figure, is agreed upon first: all take the same steps.
"""

import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from models.checkpoints import Checkpoint
from models.replicas import Replicas

# So long the others may keep a member waiting for their share of a step before they count as lost.
TIMEOUT_SECONDS = 10.0
LOST = (
    tf.errors.UnavailableError,
    tf.errors.DeadlineExceededError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
)
"""What TensorFlow raises when another member is gone or does not answer."""


class Alone:
    """A training that nobody takes part in: it agrees with itself."""

    is_chief = True
    replicas: Replicas | None = None

    def any(self, wish: bool) -> bool:
        """Return whether a member wishes it."""
        return wish

    def chiefs(self, number: float) -> float:
        """Return the chief's number."""
        return number

    def shared(self, checkpoint: Checkpoint) -> Checkpoint:
        """Return the chief's checkpoint."""
        return checkpoint


class Gang(Alone):
    """The member of number ``rank`` among the processes at these ``addresses``, host:port; 0 is the chief.

    Made before any operation of TensorFlow has run.
    """

    def __init__(self, rank: int, addresses: Sequence[str]) -> None:
        task = {"type": "worker", "index": rank}
        os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": list(addresses)}, "task": task})
        # What fetches files through a proxy must not look for its peers there.
        hosts = ",".join(address.rpartition(":")[0] for address in addresses)
        os.environ["no_grpc_proxy"] = hosts  # noqa: SIM112 - so gRPC calls it
        options = tf.distribute.experimental.CommunicationOptions(timeout_seconds=TIMEOUT_SECONDS)
        strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
        self.is_chief = rank == 0
        self.replicas = Replicas(strategy, range(rank, rank + 1), len(addresses))
        self._sums: dict[tf.DType, Any] = {}

    def any(self, wish: bool) -> bool:
        """Return whether a member wishes it."""
        return bool(self._sum(np.array([wish], np.float64))[0])

    def chiefs(self, number: float) -> float:
        """Return the chief's number."""
        return float(self._of_chief(np.array([number], np.float64))[0])

    def shared(self, checkpoint: Checkpoint) -> Checkpoint:
        """Return the chief's checkpoint, whatever that of a member is."""
        names = sorted(checkpoint.arrays) if self.is_chief else []
        head = [
            [name, list(checkpoint.arrays[name].shape), str(checkpoint.arrays[name].dtype)] for name in names
        ]
        told = json.loads(self._text(json.dumps({"arrays": head, "facts": checkpoint.facts})))
        arrays = {}
        for name, shape, kind in told["arrays"]:
            own = checkpoint.arrays[name] if self.is_chief else np.zeros(shape, kind)
            arrays[name] = self._of_chief(own).astype(kind)
        return Checkpoint(arrays, told["facts"])

    def _text(self, text: str) -> str:
        size = int(self.chiefs(len(text.encode())))
        own = np.frombuffer(text.encode(), np.uint8) if self.is_chief else np.zeros(size, np.uint8)
        return self._of_chief(own).astype(np.uint8).tobytes().decode()

    def _of_chief(self, own: np.ndarray) -> np.ndarray:
        exchanged = own if own.dtype.kind == "f" else own.astype(np.int64)
        return self._sum(exchanged if self.is_chief else np.zeros_like(exchanged))

    def _sum(self, own: np.ndarray) -> np.ndarray:
        value = tf.constant(own)
        if value.dtype not in self._sums:
            self._sums[value.dtype] = self._traced(value.dtype)
        summed: np.ndarray = self._sums[value.dtype](tf.reshape(value, [-1])).numpy()
        return summed.reshape(own.shape)

    def _traced(self, kind: tf.DType) -> Any:
        """Return what adds up vectors of one type; all members call it in the same order."""
        assert self.replicas is not None
        strategy = self.replicas.strategy

        def added(values: tf.Tensor) -> tf.Tensor:
            return tf.distribute.get_replica_context().all_reduce("SUM", tf.identity(values))

        return tf.function(
            lambda values: strategy.experimental_local_results(strategy.run(added, (values,)))[0],
            input_signature=[tf.TensorSpec([None], kind)],
            autograph=False,
        )
