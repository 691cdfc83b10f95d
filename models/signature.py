"""What a version's roles take and return. Keras-free: written by training, read by serving."""

from typing import Literal

from pydantic import Field

from models.schema import Column, Frozen, ImageSchema, TextSchema

Task = Literal["classification", "regression", "forecasting", "generation", "reconstruction", "sampling"]
Role = Literal["predict", "encode", "decode", "reconstruct", "sample", "step"]


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
    """The public contract of one version.

    ``vocabulary.json`` stands in the artifact beside it where there is ``text``. ``threshold`` belongs to
    ``reconstruct``: a row whose ``error`` is above it is an anomaly.
    """

    task: Task = "classification"
    roles: dict[Role, RoleSignature]
    labels: tuple[str, ...] = ()
    targets: tuple[str, ...] = Field((), description="Names of the values that are predicted.")
    image: ImageSchema | None = None
    columns: tuple[Column, ...] = ()
    text: TextSchema | None = None
    variable_length: bool = False
    threshold: float | None = None
