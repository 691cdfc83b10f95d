"""Whether one network can take weights over from another. Keras-free."""

from collections.abc import Iterator
from dataclasses import dataclass

from models.outline import outline
from models.schema import InputSchema
from models.specs.network import NetworkSpec
from models.specs.problems import SpecProblem
from models.specs.training import TrainingSpec

_PLACE = "/start_from"


@dataclass(frozen=True)
class Parent:
    """A version to start from: its name, its specs, and what its rows were."""

    version: str
    network: NetworkSpec
    training: TrainingSpec
    source: InputSchema


def unrelated(network: NetworkSpec, source: InputSchema, parent: Parent) -> Iterator[SpecProblem]:
    """Yield why a network for rows of ``source`` can take nothing over from the parent."""
    if network.family != parent.network.family:
        message = f"{parent.version} is of the family {parent.network.family}, not {network.family}."
        yield SpecProblem(_PLACE, "wrong_family", message)
    elif parent.training.cross_validation and parent.training.cross_validation.ensemble:
        message = f"{parent.version} is an ensemble: its weights are those of several networks."
        yield SpecProblem(_PLACE, "ensemble", message)
    elif not _layers(network, source) & _layers(parent.network, parent.source):
        message = (
            f"No layer of the network has the name and the size of one of {parent.version}; "
            "GET the version for its spec, and describe the network alike."
        )
        yield SpecProblem(_PLACE, "nothing_in_common", message)


def renumbered(source: InputSchema, parent: InputSchema) -> tuple[str, ...]:
    """Return how the names of layers begin whose numbers mean something else in the parent's rows."""
    names: tuple[str, ...] = ()
    if source.labels != parent.labels:
        names += ("probabilities",)
    if source.columns != parent.columns and any(column.ids for column in source.columns):
        # One-hot ids reach the first dense layer, as numbers in their places do.
        names += ("embedding_", "dense_1")
    return names


def _layers(network: NetworkSpec, source: InputSchema) -> set[tuple[str, int]]:
    layers = outline(network, source, 1).layers
    return {(layer.name, layer.parameters) for layer in layers if layer.parameters}
