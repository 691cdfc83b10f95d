"""What a version's roles take and return. Keras-free: written by training, read by serving."""

from typing import Literal

from pydantic import Field

from models.schema import Frozen, ImageSchema

Task = Literal["classification"]


class TensorSignature(Frozen):
    """One named tensor; ``shape`` is that of one row, without the batch axis."""

    name: str
    dtype: str
    shape: tuple[int, ...]


class RoleSignature(Frozen):
    """One role: the graph that plays it, its inputs and its outputs."""

    graph: str = Field(description="Path of the ONNX graph in the artifact.")
    inputs: tuple[TensorSignature, ...]
    outputs: tuple[TensorSignature, ...]


class Signature(Frozen):
    """The public contract of one version."""

    task: Task = "classification"
    roles: dict[str, RoleSignature]
    labels: tuple[str, ...]
    image: ImageSchema | None = None
