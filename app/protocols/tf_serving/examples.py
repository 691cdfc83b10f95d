"""Classify and regress: examples as objects of features, and what is answered about them."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from app.errors import BadRequest
from app.protocols.instances import described
from app.protocols.ports import Array, Port, PortError
from app.protocols.tf_serving.requests import document_of, require_little, row_of
from app.protocols.tf_serving.signatures import Signature, chosen

PROBABILITIES, VALUES = "probabilities", "values"


def examples_of(body: bytes, signatures: Mapping[str, Signature]) -> tuple[Signature, dict[str, Array]]:
    """Return the signature and the tensors of a body of examples; raise :class:`~app.errors.BadRequest`."""
    require_little(body, signatures)
    document = document_of(body)
    signature = chosen(signatures, document)
    max_rows = signature.role.max_rows
    examples, context = document.get("examples"), document.get("context", {})
    if not isinstance(examples, list) or not examples:
        raise BadRequest(
            "When method is classify or regress, 'examples' must be a non-empty list of objects."
        )
    if len(examples) > max_rows:
        raise BadRequest(f"Expecting at most {max_rows} examples, got {len(examples)}. Send them in parts.")
    if not isinstance(context, dict):
        raise BadRequest(f"'context' must be an object, got {described(context)}.")
    rows = []
    for number, example in enumerate(examples):
        if not isinstance(example, dict):
            raise BadRequest(f"Example {number} must be an object, got {described(example)}.")
        rows.append(context | example)
    return signature, {port.name: _feature(port, rows) for port in signature.ports}


def _feature(port: Port, rows: list[dict[str, Any]]) -> Array:
    values = []
    for number, row in enumerate(rows):
        if port.name not in row:
            raise BadRequest(f"Example {number} lacks the feature {port.name}, and 'context' has none.")
        # A feature is a flat list there, or one value; of ours, whatever is nested as the input is.
        flat = _values(row[port.name], port).reshape(-1)
        step = math.prod(side for side in port.shape if side != -1)
        is_fixed = -1 not in port.shape
        if flat.size % step or (is_fixed and flat.size != step):
            raise BadRequest(
                f"Example {number}: the feature {port.name} has {flat.size} values, "
                f"{'' if is_fixed else 'a multiple of '}{step} were expected."
            )
        values.append(flat.reshape(port.shape))
    if len({value.shape for value in values}) > 1:
        raise BadRequest(f"The examples have different lengths of {port.name}. Send those of one together.")
    try:
        return port.take(np.stack(values))
    except PortError as error:
        raise BadRequest(f"Feature {port.name}: {error}.") from None


def _values(value: Any, port: Port) -> Array:
    try:
        return row_of(_as_numbers(value), port)
    except PortError as error:
        raise BadRequest(f"Feature {port.name}: {error}.") from None


def _as_numbers(value: Any) -> Any:
    """Return a feature with 1 and 0 for true and false, as is done there; among others these are refused."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, list) and value and all(isinstance(each, bool) for each in value):
        return list(map(int, value))
    return value


def classified(signature: Signature, outputs: Mapping[str, Array]) -> list[list[list[Any]]]:
    """Return the classes of each example with their scores."""
    if PROBABILITIES not in outputs:
        raise BadRequest(
            "Expected a signature of method classify; this version does not answer with classes."
        )
    return [
        [[label, score] for label, score in zip(signature.labels, row, strict=True)]
        for row in outputs[PROBABILITIES]
    ]


def regressed(outputs: Mapping[str, Array]) -> Array:
    """Return one value for each example."""
    if VALUES not in outputs or outputs[VALUES].shape[1:] != (1,):
        raise BadRequest(
            "Expected a signature of method regress; this version does not answer with one value."
        )
    return np.ascontiguousarray(outputs[VALUES][:, 0])
