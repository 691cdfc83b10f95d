"""The specs of all families. A new family is one more member here and one more case where mypy asks."""

from collections.abc import Mapping
from typing import TypeAlias

from models.specs.cnn import CnnSpec

NetworkSpec: TypeAlias = CnnSpec

FAMILIES: Mapping[str, type[NetworkSpec]] = {"cnn": CnnSpec}
