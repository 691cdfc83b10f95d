"""Making the networks of an order: from its spec, and from the weights of the version it starts from."""

from typing import Any

import keras

from models.kinship import renumbered
from models.pretrained import TakenOver, Weights, freeze, read_weights, take_over
from models.registry import build
from models.schema import input_of
from models.statistics import Statistics
from workers.children.events import Events
from workers.children.rows import open_vocabulary, vocabulary_of
from workers.protocol import NETWORK_FILE, Start, TrainingOrder

# Layers that read or write the ids of tokens.
_OF_TOKENS = ("embedding", "logits")


class Maker:
    """Makes a network for a seed, as often as is asked; ``taken`` is what the last one took over, if any."""

    def __init__(self, order: TrainingOrder) -> None:
        self._order = order
        self._source = input_of(order.dataset_schema)
        self._weights = _weights(order, order.start_from) if order.start_from else None
        self.taken: TakenOver | None = None

    def __call__(self, statistics: Statistics, seed: int) -> keras.Model:
        """Return a network that knows these statistics of its training rows."""
        network = build(self._order.network, self._source, statistics, seed=seed)
        if self._weights is not None:
            self.taken = take_over(network, self._weights)
        freeze(network, self._order.training.freeze)
        return network

    def notes(self) -> dict[str, Any]:
        """Return what the report tells of what was taken over."""
        if self.taken is None or self._order.start_from is None:
            return {}
        return {"start_from": {"version": self._order.start_from.version, **self.taken._asdict()}}

    def tell(self, events: Events) -> None:
        """Log which layers begin with the weights of the version that the order starts from."""
        if self.taken is None or self._order.start_from is None:
            return
        message = (
            f"Started from {self._order.start_from.version}: {', '.join(self.taken.taken) or 'nothing'}."
        )
        if self.taken.fresh:
            message += f" New, at random: {', '.join(self.taken.fresh)}."
        still = tuple(self._order.training.freeze)
        lost = [name for name in self.taken.fresh if still and name.startswith(still)]
        if lost:
            message += f" Frozen, and so at random for good: {', '.join(lost)}."
        events.log("warning" if lost or not self.taken.taken else "info", message)


def _weights(order: TrainingOrder, start: Start) -> Weights:
    """Return the weights of the parent, without those of layers whose ids mean something else there."""
    source, theirs = input_of(order.dataset_schema), input_of(start.dataset_schema)
    weights = read_weights(start.network, theirs, start.files[NETWORK_FILE])
    strange = renumbered(source, theirs)
    if source.kind == "text" and vocabulary_of(start.files) != open_vocabulary(order):
        strange += _OF_TOKENS
    return {name: values for name, values in weights.items() if not name.startswith(strange)}
