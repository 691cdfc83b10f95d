"""The outputs of an answer: which were asked for, in JSON or as bytes behind it, or as the best classes."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson

from app.errors import BadRequest
from app.protocols.json_tokens import Told, written
from app.protocols.open_inference.datatypes import name_of, write
from app.protocols.ports import Array


class Wanted(NamedTuple):
    """One output that was asked for; ``best`` classes of it, if any."""

    name: str
    is_binary: bool
    best: int | None = None


def wanted_of(document: Mapping[str, Any], names: Sequence[str]) -> list[Wanted]:
    """Return the outputs that a request asks for, in its order; all where it names none."""
    all_binary = _parameters(document).get("binary_data_output") is True
    sent = document.get("outputs")
    if sent is None or sent == []:
        return [Wanted(name, all_binary) for name in names]
    if not isinstance(sent, list) or not all(isinstance(each, dict) for each in sent):
        raise BadRequest("Expected 'outputs', a list of objects with a name.")
    wanted: list[Wanted] = []
    asked: set[str] = set()
    for each in sent:
        name, parameters = each.get("name"), _parameters(each)
        if name not in names:
            raise BadRequest(f"unexpected inference output {str(name)[:60]!r}; known: {', '.join(names)}")
        best = parameters.get("classification")
        if best is not None and (type(best) is not int or best < 1):
            raise BadRequest(f"output {name!r}: classification must be a number from 1, got {str(best)[:40]}")
        is_binary = parameters.get("binary_data", all_binary)
        if name in asked:
            # Without end, a small request would have an answer that no memory holds.
            raise BadRequest(f"output {name!r} is asked for twice")
        asked.add(name)
        wanted.append(Wanted(name, is_binary is True, best))
    return wanted


def _parameters(sent: Mapping[str, Any]) -> Mapping[str, Any]:
    found = sent.get("parameters") or {}
    if not isinstance(found, dict):
        raise BadRequest("'parameters' must be an object.")
    return found


def answer_of(
    head: Mapping[str, Any],
    outputs: Mapping[str, Array],
    wanted: Sequence[Wanted],
    labels: Sequence[str],
    told: Told,
) -> tuple[bytes, int | None]:
    """Return the body, and the length of its JSON part where bytes follow."""
    described: list[bytes] = []
    binary: list[bytes] = []
    for each in wanted:
        values = (
            outputs[each.name] if each.best is None else best_classes(outputs[each.name], each.best, labels)
        )
        about: dict[str, Any] = {"name": each.name, "datatype": name_of(values), "shape": values.shape}
        if each.is_binary:
            content = write(values)
            binary.append(content)
            described.append(orjson.dumps({**about, "parameters": {"binary_data_size": len(content)}}))
        else:
            flat = values.reshape(-1)
            data = orjson.dumps(flat.tolist()) if values.dtype == object else written(flat, [flat], told)
            described.append(b'%b,"data":%b}' % (orjson.dumps(about)[:-1], data))
    text = b'%b,"outputs":[%b]}' % (orjson.dumps(head)[:-1], b",".join(described))
    return b"".join([text, *binary]), len(text) if binary else None


def best_classes(values: Array, count: int, labels: Sequence[str]) -> Array:
    """Return the best ``count`` of each row as ``score:index:label``, ``[rows, count]``, the best first."""
    if values.ndim != 2:
        raise BadRequest("classification is for outputs with one score for each class.")
    order = np.argsort(-values, axis=1, kind="stable")[:, :count]
    found = np.empty(order.shape, object)
    for (row, column), index in np.ndenumerate(order):
        label = f":{labels[int(index)]}" if len(labels) == values.shape[1] else ""
        found[row, column] = f"{values[row, index]:f}:{index}{label}"
    return found
