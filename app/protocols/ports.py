"""Inputs of a role as other servers' clients know them: named tensors of numbers, whole numbers or strings.

What our graphs take as ids is a string here: texts, and the categories of a table.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from app.errors import Invalid, UnsupportedMediaType
from app.protocols.pictures import image_type, read_picture
from app.serving.loaded import LoadedVersion
from app.serving.role import LoadedRole
from models.decoding.columns import CellError, cell_reader
from models.decoding.text import encode, ids_of
from models.schema import PADDING, Column, TextSchema
from models.signature import Role, TensorSignature

Array = npt.NDArray[Any]
Sort = Literal["float", "int", "string"]

# The first of these that a version has is its main role.
_MAIN: tuple[Role, ...] = ("predict", "reconstruct", "sample", "step", "encode", "decode")


class PortError(ValueError):
    """Values that an input does not take; the message says what was expected and what came."""


class Port:
    """One input: ``shape`` is that of one row as clients send it, -1 for a length that may differ.

    ``take`` turns ``[rows, *shape]`` into what the graph takes: numbers of any dtype, strings as objects.
    ``see``, for images, turns a PNG or JPEG into one row, with a batch axis.
    """

    def __init__(
        self,
        name: str,
        sort: Sort,
        shape: tuple[int, ...],
        take: Callable[[Array], Array],
        see: Callable[[bytes], Array] | None = None,
    ) -> None:
        self.name = name
        self.sort = sort
        self.shape = shape
        self.take = take
        self.see = see


def main_role(version: LoadedVersion) -> LoadedRole:
    """Return what a version is asked by clients that know one question only."""
    return next(version.roles[name] for name in _MAIN if name in version.roles)


def ports_of(version: LoadedVersion, role: LoadedRole, *, max_pixels: int) -> list[Port]:
    """Return the inputs of a role, in the order of its signature; larger pictures are refused."""
    columns = {column.name: column for column in version.signature.columns}
    if [tensor.name for tensor in role.inputs] == list(columns):
        return [_column_port(column) for column in columns.values()]
    return [_port(tensor, version, max_pixels) for tensor in role.inputs]


def _port(tensor: TensorSignature, version: LoadedVersion, max_pixels: int) -> Port:
    signature = version.signature
    if tensor.dtype == "int32":
        if signature.text is not None and len(tensor.shape) == 1:
            return _text_port(tensor, version, signature.text)
        most = len(version.vocabulary) if signature.text is not None else len(signature.labels)
        return Port(tensor.name, "int", tensor.shape, lambda values: _whole(values, tensor, most))
    if signature.variable_length and len(tensor.shape) == 2:
        shape = (-1, tensor.shape[1])
        return Port(tensor.name, "float", shape, lambda values: _padded(values, tensor))
    see = None
    image = signature.image
    if image is not None and tensor.name == "image":

        def see(body: bytes) -> Array:
            media_type = image_type(body)
            if media_type is None:
                raise PortError("expected a PNG or a JPEG, got other bytes")
            try:
                return read_picture(body, media_type, tensor, image, query_string=b"", max_pixels=max_pixels)
            except (Invalid, UnsupportedMediaType) as error:
                raise PortError(error.detail.rstrip(".")) from None

    return Port(tensor.name, "float", tensor.shape, lambda values: _numbers(values, tensor), see)


def _numbers(values: Array, tensor: TensorSignature) -> Array:
    shape = tensor.shape
    # As everywhere here: an image of one channel may come without that axis.
    allowed = [shape, shape[:-1]] if shape and shape[-1] == 1 else [shape]
    if values.shape[1:] not in allowed:
        raise PortError(f"expected the shape {[-1, *shape]}, got {list(values.shape)}")
    return _float32(values).reshape(len(values), *shape)


def _padded(values: Array, tensor: TensorSignature) -> Array:
    most, features = tensor.shape
    if values.ndim != 3 or values.shape[2] != features or not 1 <= values.shape[1] <= most:
        raise PortError(f"expected the shape [-1, 1 to {most}, {features}], got {list(values.shape)}")
    padded = np.full((len(values), most, features), np.nan, np.float32)
    padded[:, : values.shape[1]] = _float32(values)
    return padded


def _whole(values: Array, tensor: TensorSignature, most: int) -> Array:
    if values.shape[1:] != tensor.shape:
        raise PortError(f"expected the shape {[-1, *tensor.shape]}, got {list(values.shape)}")
    if values.dtype.kind not in "iu":
        raise PortError(f"expected whole numbers, got {values.dtype}")
    wrong = values[(values < 0) | (values >= most)]
    if wrong.size:
        raise PortError(f"expected numbers from 0 to {most - 1}, got {wrong.flat[0]}")
    return np.ascontiguousarray(values, np.int32)


def _text_port(tensor: TensorSignature, version: LoadedVersion, schema: TextSchema) -> Port:
    ids, (length,) = ids_of(version.vocabulary), tensor.shape

    def take(values: Array) -> Array:
        found = encode(_strings(values, tensor.name).tolist(), ids, schema, length)
        empty = np.flatnonzero(found[:, 0] == PADDING)
        if len(empty):
            raise PortError(f"text {empty[0]} has no {schema.tokens} in it")
        return found

    return Port(tensor.name, "string", (), take)


def _column_port(column: Column) -> Port:
    read = cell_reader(column)
    sort: Sort = "string" if column.kind == "category" else "float"

    def take(values: Array) -> Array:
        if sort == "float":
            return _numbers(values.reshape(-1) if _is_column(values) else values, _scalar(column.name))
        cells = _strings(values, column.name)
        try:
            return np.array([read(cell) for cell in cells], np.float32)
        except CellError as error:
            raise PortError(str(error)) from None

    return Port(column.name, sort, (), take)


def _scalar(name: str) -> TensorSignature:
    return TensorSignature(name=name, dtype="float32", shape=())


def _is_column(values: Array) -> bool:
    return values.ndim == 2 and values.shape[1] == 1


def _strings(values: Array, name: str) -> Array:
    if values.ndim != 1 and not _is_column(values):
        raise PortError(f"expected the shape [-1], got {list(values.shape)}")
    flat = values.reshape(-1)
    if values.dtype.kind != "O":
        raise PortError(f"expected strings for {name}, got {values.dtype}")
    if not all(isinstance(value, str) for value in flat):
        raise PortError(f"expected text in UTF-8 for {name}, got other bytes")
    return flat


def _float32(values: Array) -> Array:
    """Return numbers as graphs take them; those that no float32 can hold become infinite, or 0."""
    if values.dtype.kind not in "fiub":
        raise PortError(f"expected numbers, got {values.dtype}")
    with np.errstate(over="ignore", under="ignore"):
        return np.ascontiguousarray(values, np.float32)
