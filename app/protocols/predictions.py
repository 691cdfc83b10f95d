"""The answer to a prediction, written fast: what never changes of a version is written once."""

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
        self._labels = [b'{"label":%b,"probability":' % orjson.dumps(label) for label in labels]

    def write(self, probabilities: Array) -> bytes:
        """Return the JSON answer for a contiguous ``float32[rows, classes]``.

        Numbers are written as short as they can be read back the same.

        Raises :class:`~app.errors.Invalid` if a value is not finite.
        """
        text = orjson.dumps(probabilities, option=orjson.OPT_SERIALIZE_NUMPY)
        if b"null" in text:
            # orjson writes null for what JSON cannot carry.
            raise Invalid(
                "The answer to these values is not a finite number: they are too large for the network.",
                code="not_finite",
            )
        rows = zip(probabilities.argmax(axis=1).tolist(), text[2:-2].split(b"],["), strict=True)
        return b"%b%b]}" % (self._head, b",".join([self._prediction(best, row) for best, row in rows]))

    def _prediction(self, best: int, row: bytes) -> bytes:
        probability = row.split(b",", best + 1)[best]
        return b'%b%b,"probabilities":[%b]}' % (self._labels[best], probability, row)


def lineage_headers(version: LoadedVersion) -> list[Header]:
    """Return the headers that lead from an answer back to the version and the job it came from."""
    return [
        (b"x-keraforge-model", version.model.encode()),
        (b"x-keraforge-version", str(version.number).encode()),
        (b"x-keraforge-job", version.job.encode()),
    ]
