"""The answer to a prediction, written fast: what never changes of a version is written once."""

from collections.abc import Iterable

import numpy as np
import orjson

from app.errors import Invalid
from app.protocols.json_exact import Array
from app.serving.loaded import LoadedVersion

Header = tuple[bytes, bytes]


class Classification:
    """Writes the answers of one version that names a class for each row."""

    def __init__(self, version: LoadedVersion) -> None:
        labels = version.signature.labels
        lineage = {"model": version.model, "version": version.number, "job": version.job, "labels": labels}
        self._head = orjson.dumps(lineage)[:-1] + b',"predictions":['
        self._rows = [b'{"label":%b,"probability":' % orjson.dumps(label) for label in labels]

    def write(self, probabilities: Array) -> bytes:
        """Return the JSON answer for ``float32[rows, classes]``; numbers are the shortest that round-trip.

        Raises :class:`~app.errors.Invalid` if a value is not finite.
        """
        text = _dumps(probabilities)
        if b"null" in text:
            # orjson writes null for what JSON cannot carry.
            raise Invalid(
                "The answer to these values is not a finite number: they are too large for the network.",
                code="not_finite",
            )
        best = probabilities.argmax(axis=1)
        highest = _dumps(probabilities.max(axis=1))[1:-1].split(b",")
        rows = zip(best.tolist(), highest, text[2:-2].split(b"],["), strict=True)
        return b"%b%b]}" % (self._head, b",".join(self._written(rows)))

    def _written(self, rows: Iterable[tuple[int, bytes, bytes]]) -> Iterable[bytes]:
        return [
            b'%b%b,"probabilities":[%b]}' % (self._rows[label], probability, probabilities)
            for label, probability, probabilities in rows
        ]


def _dumps(values: Array) -> bytes:
    return orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)


def lineage_headers(version: LoadedVersion) -> list[Header]:
    """Return the headers that lead from an answer back to the version and the job it came from."""
    return [
        (b"x-keraforge-model", version.model.encode()),
        (b"x-keraforge-version", str(version.number).encode()),
        (b"x-keraforge-job", version.job.encode()),
    ]
