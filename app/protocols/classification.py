"""The answer with a class for each row, written fast: what never changes of a version is written once."""

from collections.abc import Mapping

import orjson

from app.errors import Invalid
from app.protocols.json_exact import Array


class Classification:
    """Writes the answers of one version; ``lineage`` are the members that stand before the predictions."""

    def __init__(self, lineage: Mapping[str, object], labels: tuple[str, ...]) -> None:
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
