"""What a preset is: a network under a name, with the training that suits it. Keras-free."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Preset:
    """Fields of a network and of its training, under a name.

    ``drawn_for`` is the height and width that the network was drawn for: smaller images are resized to it
    inside the network.
    """

    name: str
    family: str
    summary: str
    network: Mapping[str, Any]
    training: Mapping[str, Any] = field(default_factory=dict)
    drawn_for: tuple[int, int] | None = None
