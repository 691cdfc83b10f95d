"""From a body of any media type that a role takes to the tensors that its graph takes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy.typing as npt
from starlette.types import Scope

from app.edge.headers import media_type
from app.errors import UnsupportedMediaType, shortened
from app.protocols.archives import ZIP_MAGIC, ZIP_TYPE, ZIP_TYPES, read_archive
from app.protocols.instances import FIELD
from app.protocols.json_exact import Array
from app.protocols.json_rows import RowsReader
from app.protocols.npy import NPY_MAGIC, NPY_TYPE, read_npy, read_padded_npy
from app.protocols.pictures import IMAGE_TYPES, image_type, read_picture
from app.protocols.sequences import SequencesReader
from app.protocols.tables import CSV_TYPE, TablesReader
from app.protocols.texts import PLAIN_TYPE, TextsReader
from app.serving.loaded import LoadedVersion
from app.serving.role import LoadedRole
from app.settings import Settings
from models.schema import ImageSchema
from models.signature import TensorSignature

JSON_TYPE = "application/json"
# curl calls what it sends a form unless it is told otherwise.
_UNTYPED = frozenset({"", "application/x-www-form-urlencoded", "application/octet-stream"})
_LOOKED_AT = 64

Tensors = Mapping[str, npt.NDArray[Any]]


class Taken(NamedTuple):
    """What a body holds: every input by name, ``[rows, ...]``, and the files that rows came from, if any."""

    tensors: Tensors
    files: Sequence[str] = ()


class Bounds(NamedTuple):
    """How many bytes a body may have unpacked, and how many pixels one picture."""

    bytes: int
    pixels: int


class Inputs(ABC):
    """Reads the bodies that one role of one version takes; ``accepted`` are their media types."""

    accepted: frozenset[str]

    def media_type(self, scope: Scope, body: bytes) -> str:
        """Return what a body is; raise :class:`~app.errors.UnsupportedMediaType` if it is not taken."""
        return type_of(scope, body, self.accepted)

    @abstractmethod
    def read(self, body: bytes, media_type: str, query_string: bytes) -> Taken:
        """Return what a body holds; raise what is to be told of one that is wrong."""

    def quick(self, body: bytes) -> Tensors | None:
        """Return what a body in JSON of the common form holds; None, or an error, if it is of another."""
        return None


class _Numbers(Inputs):
    accepted = frozenset({JSON_TYPE, NPY_TYPE})

    def __init__(self, tensor: TensorSignature, max_rows: int, field: str = FIELD) -> None:
        self._tensor = tensor
        self._max_rows = max_rows
        self._json = RowsReader(tensor, max_rows, field)

    def quick(self, body: bytes) -> Tensors | None:
        rows = self._json.read_fast(body)
        return None if rows is None else {self._tensor.name: rows}

    def read(self, body: bytes, media_type: str, query_string: bytes) -> Taken:
        if media_type == JSON_TYPE:
            rows = self._json.read(body)
        else:
            rows = read_npy(body, self._tensor, self._max_rows)
        return Taken({self._tensor.name: rows})


class _Images(_Numbers):
    accepted = _Numbers.accepted | IMAGE_TYPES | {ZIP_TYPE}

    def __init__(self, tensor: TensorSignature, max_rows: int, image: ImageSchema, bounds: Bounds) -> None:
        super().__init__(tensor, max_rows)
        self._image = image
        self._bounds = bounds

    def read(self, body: bytes, media_type: str, query_string: bytes) -> Taken:
        def see(picture: bytes, picture_type: str) -> Array:
            return read_picture(
                picture,
                picture_type,
                self._tensor,
                self._image,
                query_string=query_string,
                max_pixels=self._bounds.pixels,
            )

        if media_type in IMAGE_TYPES:
            return Taken({self._tensor.name: see(body, media_type)})
        if media_type != ZIP_TYPE:
            return super().read(body, media_type, query_string)
        rows, names = read_archive(
            body,
            see,
            self._tensor.shape,
            max_rows=self._max_rows,
            max_bytes=self._bounds.bytes,
            max_pixels=self._bounds.pixels,
        )
        return Taken({self._tensor.name: rows}, names)


class _Sequences(Inputs):
    accepted = frozenset({JSON_TYPE, NPY_TYPE})

    def __init__(self, tensor: TensorSignature, max_rows: int) -> None:
        self._tensor = tensor
        self._max_rows = max_rows
        self._json = SequencesReader(tensor, max_rows)

    def read(self, body: bytes, media_type: str, query_string: bytes) -> Taken:
        if media_type == NPY_TYPE:
            return Taken({self._tensor.name: read_padded_npy(body, self._tensor, self._max_rows)})
        return Taken({self._tensor.name: self._json.read(body)})


class _Texts(Inputs):
    accepted = frozenset({JSON_TYPE, PLAIN_TYPE})

    def __init__(self, tensor: TensorSignature, reader: TextsReader) -> None:
        self._name = tensor.name
        self._reader = reader

    def quick(self, body: bytes) -> Tensors | None:
        return self.read(body, JSON_TYPE, b"").tensors

    def read(self, body: bytes, media_type: str, query_string: bytes) -> Taken:
        return Taken({self._name: self._reader.read(body, media_type)})


class _Tables(Inputs):
    accepted = frozenset({JSON_TYPE, CSV_TYPE})

    def __init__(self, reader: TablesReader) -> None:
        self._reader = reader

    def read(self, body: bytes, media_type: str, query_string: bytes) -> Taken:
        return Taken(self._reader.read(body, media_type))


def inputs_of(version: LoadedVersion, role: LoadedRole, settings: Settings, *, field: str = FIELD) -> Inputs:
    """Return what reads the bodies for a role; another ``field`` than that of rows holds plain numbers."""
    signature = version.signature
    if field != FIELD:
        (tensor,) = role.inputs
        return _Numbers(tensor, role.max_rows, field)
    if signature.columns:
        return _Tables(TablesReader(signature.columns, role.max_rows))
    (tensor,) = role.inputs
    if signature.text is not None:
        return _Texts(tensor, TextsReader(version, signature.text, tensor.shape[0], role.max_rows))
    if signature.variable_length:
        return _Sequences(tensor, role.max_rows)
    if signature.image is not None:
        bounds = Bounds(settings.predict_body_bytes, settings.image_pixels)
        return _Images(tensor, role.max_rows, signature.image, bounds)
    return _Numbers(tensor, role.max_rows)


def type_of(scope: Scope, body: bytes, accepted: frozenset[str]) -> str:
    """Return what a body is; raise :class:`~app.errors.UnsupportedMediaType` if it is not accepted."""
    announced = media_type(scope)
    if announced in _UNTYPED:
        announced = _beginning(body, accepted)
    elif announced in ZIP_TYPES:
        announced = ZIP_TYPE
    if announced not in accepted:
        raise refused_type(announced, accepted)
    return announced


def refused_type(announced: str, accepted: frozenset[str]) -> UnsupportedMediaType:
    """Return the refusal of a media type."""
    listed = ", ".join(sorted(accepted))
    return UnsupportedMediaType(
        f"Expected a body of type {listed}, got {shortened(announced)}.", headers={"Accept-Post": listed}
    )


def require_json(scope: Scope) -> None:
    """Refuse a body that is announced as something else than JSON."""
    announced = media_type(scope)
    if announced not in _UNTYPED and announced != JSON_TYPE:
        raise refused_type(announced, frozenset({JSON_TYPE}))


def _beginning(body: bytes, accepted: frozenset[str]) -> str:
    """Return what a body is by its first bytes; what is no JSON is CSV, or a text, where these are taken."""
    if body.startswith(NPY_MAGIC):
        return NPY_TYPE
    if body.startswith(ZIP_MAGIC):
        return ZIP_TYPE
    begins_json = body[:_LOOKED_AT].lstrip()[:1] in (b"{", b"[", b"")
    other = next((each for each in (CSV_TYPE, PLAIN_TYPE) if each in accepted), JSON_TYPE)
    return image_type(body) or (JSON_TYPE if begins_json else other)
