"""What a network is for: it follows from the family and from the targets of the rows. Keras-free."""

from typing import assert_never

from models.schema import InputSchema
from models.signature import Task
from models.specs.cnn import CnnSpec
from models.specs.mlp import MlpSpec
from models.specs.network import NetworkSpec


def task_of(spec: NetworkSpec, source: InputSchema) -> Task:
    """Return the task of a network of this spec for these rows."""
    match spec:
        case CnnSpec() | MlpSpec():
            return "classification" if source.classes else "regression"
        case _:
            assert_never(spec)
        case "text_generator":
            return "generation"
