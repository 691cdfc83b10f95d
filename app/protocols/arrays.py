"""The answers that are rows of numbers: codes, reconstructions, samples; and what is told of anomalies."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from starlette.types import Scope

from app.errors import Conflict, shortened
from app.protocols.grid import PNG_TYPE, draw_grid, drawable
from app.protocols.inputs import JSON_TYPE, Tensors
from app.protocols.negotiation import negotiated, require_json
from app.protocols.npy import NPY_TYPE, write_npy
from app.protocols.predictions import require_finite
from app.protocols.replies import headers_of, lineage
from app.protocols.rows import Writing
from app.serving.loaded import LoadedVersion
from app.serving.role import LoadedRole
from models.signature import TensorSignature

RECONSTRUCTION, ERROR = "reconstruction", "error"


class ArrayWriter:
    """Writes one output of a role as JSON under the name ``member``, as .npy, or as a grid of pictures.

    ``beside`` names other outputs that JSON has too, and how they are called there.
    """

    def __init__(
        self,
        version: LoadedVersion,
        tensor: TensorSignature,
        member: str,
        beside: Mapping[str, str] | None = None,
    ) -> None:
        self._tensor = tensor.name
        self._members = {tensor.name: member, **(beside or {})}
        columns = [column.name for column in version.signature.columns]
        told = {"columns": columns} if columns and tensor.shape == (len(columns),) else {}
        self._lineage = lineage(version) | told
        self._image = version.signature.image
        offered = [JSON_TYPE, NPY_TYPE, *([PNG_TYPE] if drawable(tensor.shape, self._image) else [])]
        self._headers = {media_type: headers_of(version, media_type) for media_type in offered}

    def choose(self, scope: Scope) -> Writing:
        """Return how a request is answered, by its ``Accept``."""
        media_type = negotiated(scope, list(self._headers))
        headers = self._headers[media_type]
        if media_type == JSON_TYPE:
            return Writing(list(self._members), self.json, headers)
        slow = media_type == PNG_TYPE
        return Writing([self._tensor], lambda outputs: self.file(media_type, outputs), headers, slow)

    def json(self, outputs: Tensors, beside: Mapping[str, Any] | None = None) -> bytes:
        """Return the answer in JSON, with further members if any."""
        require_finite(outputs)
        arrays = {self._members[name]: values for name, values in outputs.items()}
        return orjson.dumps({**self._lineage, **arrays, **(beside or {})}, option=orjson.OPT_SERIALIZE_NUMPY)

    def file(self, media_type: str, outputs: Tensors) -> bytes:
        """Return the one output as a file."""
        require_finite(outputs)
        values = outputs[self._tensor]
        if media_type == NPY_TYPE:
            return write_npy(values)
        assert self._image is not None
        return draw_grid(values, self._image)


class AnomalyWriter:
    """Tells of each row how far its reconstruction is from it, and whether that is too far."""

    def __init__(self, version: LoadedVersion, role: LoadedRole) -> None:
        threshold = version.signature.threshold
        if threshold is None or ERROR not in role.names:
            raise Conflict(
                f"Version {version.number} of model {shortened(version.model)} has no threshold, above which "
                "a row would be an anomaly. Train it again with normal rows to choose one by.",
                code="no_threshold",
            )
        self._threshold = threshold
        self._lineage = lineage(version)
        self._writing = Writing([ERROR], self._write, headers_of(version, JSON_TYPE))

    def choose(self, scope: Scope) -> Writing:
        """Return how a request is answered."""
        require_json(scope)
        return self._writing

    def _write(self, outputs: Tensors) -> bytes:
        require_finite(outputs)
        scores: npt.NDArray[np.float32] = outputs[ERROR]
        anomalies = [
            {"score": score, "threshold": self._threshold, "is_anomaly": bool(score > self._threshold)}
            for score in scores
        ]
        return orjson.dumps({**self._lineage, "anomalies": anomalies}, option=orjson.OPT_SERIALIZE_NUMPY)


def output_of(role: LoadedRole, name: str) -> TensorSignature:
    """Return an output of a role by name."""
    return next(tensor for tensor in role.outputs if tensor.name == name)
