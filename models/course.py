"""The course of a training: all that it knows between two chunks, and how it goes on from a checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from models.checkpoints import Checkpoint
from models.plateau import Plateau
from models.state import State
from models.step import Sums

# Of what a checkpoint holds; one of another form is of no use.
FORM = 1

StopReason = Literal["completed", "early_stopping", "max_seconds", "stopped"]


class Strange(Exception):
    """A checkpoint is not of this training, or of another form."""


@dataclass
class Course:
    """How far a training has come; ``stop_reason`` says that it is over.

    ``best_state`` has the weights that are kept in the end. ``epoch`` counts from 1 and is the one that runs,
    ``sums`` are those of its steps, and ``step`` counts the steps of all epochs, ``seconds`` the time over
    all attempts. ``chosen`` decides bits beside the spec: ``xla``, and the ``device`` that this was chosen
    for. ``made`` is what the network made up after some epochs.
    """

    state: State
    best_state: State
    sums: Sums
    chosen: dict[str, Any]
    plateau: Plateau | None = None
    made: dict[int, np.ndarray | str] = field(default_factory=dict)
    epoch: int = 1
    step: int = 0
    epochs: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] | None = None
    stop_reason: StopReason | None = None
    seconds: float = 0.0
    epoch_seconds: float = 0.0

    @property
    def size(self) -> int:
        """How many bytes a checkpoint has, about, while training goes on."""
        tensors = tf.nest.flatten([self.state, *_kept(self.state)])
        return sum(int(tensor.shape.num_elements() or 0) * tensor.dtype.size for tensor in tensors)

    def tick(self, seconds: float) -> None:
        """Note that training took so long, lately."""
        self.seconds += seconds
        self.epoch_seconds += seconds

    def begin_epoch(self) -> None:
        """Begin the next epoch."""
        self.epoch += 1
        self.epoch_seconds = 0.0
        self.sums = Sums(np.zeros_like(self.sums.totals), 0.0)

    def checkpoint(self) -> Checkpoint:
        """Return all that is needed to go on; of a training that is over, its result."""
        arrays: dict[str, np.ndarray] = {"sums": np.append(self.sums.totals, self.sums.weight)}
        if self.stop_reason is None:
            arrays |= _named("state", self.state)
        if self.stop_reason is not None or self.best_state.weights is not self.state.weights:
            arrays |= _named("best", _kept(self.best_state))
        arrays |= {f"made/{epoch}": made for epoch, made in self.made.items() if not isinstance(made, str)}
        facts = {name: getattr(self, name) for name in _FACTS}
        facts |= {
            "form": FORM,
            "chosen": self.chosen,
            "plateau": self.plateau.standing() if self.plateau else None,
            "texts": {epoch: made for epoch, made in self.made.items() if isinstance(made, str)},
        }
        return Checkpoint(arrays, facts)

    def resume(self, checkpoint: Checkpoint | None) -> None:
        """Go on from a checkpoint of this training, if any; raise :class:`Strange` for one of another."""
        if checkpoint is None:
            return
        facts, arrays = checkpoint.facts, checkpoint.arrays
        if facts.get("form") != FORM or len(arrays["sums"]) != len(self.sums.totals) + 1:
            raise Strange
        state, best_state = self.state, self.state
        if facts["stop_reason"] is None:
            state = best_state = _filled(self.state, "state", arrays)
        if "best/0" in arrays:
            weights, others = _filled(_kept(self.state), "best", arrays)
            best_state = state._replace(weights=weights, others=others)
        self.state, self.best_state = state, best_state
        *totals, weight = arrays["sums"]
        self.sums = Sums(np.array(totals), float(weight))
        for name in _FACTS:
            setattr(self, name, facts[name])
        if facts["chosen"]["device"] == self.chosen["device"]:
            self.chosen = facts["chosen"]
        if self.plateau:
            self.plateau.resume(facts["plateau"])
        self.made.update({int(epoch): text for epoch, text in facts["texts"].items()})
        self.made.update(
            {int(name.partition("/")[2]): rows for name, rows in arrays.items() if name.startswith("made/")}
        )


_FACTS = ("epoch", "step", "epochs", "best", "stop_reason", "seconds", "epoch_seconds")


def _kept(state: State) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Return the part of a state that a network is left with."""
    return state.weights, state.others


def _named(prefix: str, tensors: Any) -> dict[str, np.ndarray]:
    return {f"{prefix}/{place}": tensor.numpy() for place, tensor in enumerate(tf.nest.flatten(tensors))}


def _filled(like: Any, prefix: str, arrays: Mapping[str, np.ndarray]) -> Any:
    """Return the tensors of that prefix as the structure ``like``, whose shapes and types they must have."""
    tensors = []
    for place, wanted in enumerate(tf.nest.flatten(like)):
        found = arrays.get(f"{prefix}/{place}")
        if found is None or found.shape != tuple(wanted.shape) or found.dtype != wanted.dtype.as_numpy_dtype:
            raise Strange
        tensors.append(tf.constant(found))
    return tf.nest.pack_sequence_as(like, tensors)
