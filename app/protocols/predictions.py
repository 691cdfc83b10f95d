"""The answers to predictions: classes or values, and what can be asked for beside them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from starlette.types import Scope

from app.errors import Invalid
from app.protocols.classification import Classification
from app.protocols.inputs import JSON_TYPE, Tensors
from app.protocols.negotiation import require_json
from app.protocols.query import flag, refused, whole_number
from app.protocols.replies import headers_of, lineage
from app.protocols.rows import Writing
from app.serving.loaded import LoadedVersion
from app.serving.role import LoadedRole

PROBABILITIES, ATTENTION = "probabilities", "attention"

Prediction = dict[str, Any]


class PredictionWriter:
    """Writes the answers of a version's role ``predict``; ``?top_k=`` and ``?attention=true`` change them."""

    def __init__(self, version: LoadedVersion, role: LoadedRole) -> None:
        self._output = role.names[0]
        self._classes = self._output == PROBABILITIES
        self._attends = ATTENTION in role.names
        self._labels = version.signature.labels
        self._single = version.signature.task == "regression" and role.outputs[0].shape == (1,)
        names = {"labels": self._labels, "targets": version.signature.targets}
        self._lineage = lineage(version) | {name: told for name, told in names.items() if told}
        write = Classification(self._lineage, self._labels).write if self._classes else self._values
        self._plain = Writing(
            [self._output], lambda outputs: write(outputs[self._output]), headers_of(version, JSON_TYPE)
        )

    def choose(self, scope: Scope) -> Writing:
        """Return how a request is answered, which without a query is the fast way."""
        require_json(scope)
        query = scope["query_string"]
        return self._asked(query) if query else self._plain

    def _asked(self, query: bytes) -> Writing:
        attention = flag(query, "attention")
        if attention and not self._attends:
            raise refused("attention", "not_served", "This version has no attention weights to show.")
        top = whole_number(query, "top_k", max(1, len(self._labels)))
        if top is not None and not self._classes:
            raise refused("top_k", "not_served", "This version answers with values, not with classes.")
        if top is None and not attention:
            return self._plain

        def write(outputs: Tensors) -> bytes:
            main = outputs[self._output]
            rows = self._classified(main, top) if self._classes else self._valued(main)
            if attention:
                for row, weights in zip(rows, outputs[ATTENTION], strict=True):
                    row[ATTENTION] = weights
            return self._written(rows, outputs)

        names = [self._output, ATTENTION] if attention else [self._output]
        return Writing(names, write, self._plain.headers)

    def _values(self, values: npt.NDArray[np.float32]) -> bytes:
        return self._written(self._valued(values), {self._output: values})

    def _valued(self, values: npt.NDArray[np.float32]) -> list[Prediction]:
        if self._single:
            return [{"value": row[0]} for row in values]
        return [{"values": row} for row in values]

    def _classified(self, probabilities: npt.NDArray[np.float32], top: int | None) -> list[Prediction]:
        if top is None:
            bests = probabilities.argmax(axis=1).tolist()
            return [
                {"label": self._labels[best], "probability": row[best], "probabilities": row}
                for best, row in zip(bests, probabilities, strict=True)
            ]
        return [best_first(row, self._labels, top) for row in probabilities]

    def _written(self, rows: list[Prediction], outputs: Tensors) -> bytes:
        require_finite(outputs)
        return orjson.dumps({**self._lineage, "predictions": rows}, option=orjson.OPT_SERIALIZE_NUMPY)


def best_first(row: npt.NDArray[np.float32], labels: tuple[str, ...], count: int) -> Prediction:
    """Return the most probable label, and the ``count`` most probable ones with their probabilities."""
    order = np.argsort(-row, kind="stable")[:count].tolist()
    top = [{"label": labels[place], "probability": row[place]} for place in order]
    return {**top[0], "top": top}


def require_finite(outputs: Mapping[str, npt.NDArray[Any]]) -> None:
    """Raise :class:`~app.errors.Invalid` for numbers that JSON cannot carry."""
    if not all(np.isfinite(values).all() for values in outputs.values()):
        raise Invalid(
            "The answer to these values is not a finite number: they are too large for the network.",
            code="not_finite",
        )
