"""Which fields a spec has at some place of it: for messages that tell a person where a field belongs."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel

_MANY = 12
_TOLD = 4

Node = Mapping[str, Any]
"""A part of a JSON schema."""


@dataclass(frozen=True)
class _Object:
    """An object that may stand at a place; ``kind`` is its tag where there are several to choose from."""

    kind: str | None
    fields: Node


def advice(spec: type[BaseModel], location: Sequence[int | str], name: str) -> str:
    """Return what a person may have meant by a field ``name`` that is unknown where it stands.

    ``location`` is pydantic's, of the object in which it stands. The answer is a sentence behind a blank, or
    nothing.
    """
    schema = _schema(spec)
    peers = list(_objects(schema, schema))
    chosen = peers
    for part in location:
        inside = [found for each in chosen if (found := each.fields.get(str(part))) is not None]
        if inside:
            chosen = peers = [found for node in inside for found in _objects(node, schema)]
        elif isinstance(part, str):
            chosen = [each for each in peers if each.kind == part] or peers
    own = {field for each in chosen for field in each.fields}
    return (
        _nearest(name, dict.fromkeys(own, ()))
        or _of_another_kind(name, chosen, peers)
        or _nearest(name, _below(chosen, schema))
        or _listed(own)
    )


def _nearest(name: str, known: Mapping[str, Sequence[str]]) -> str:
    """Return the known field that is most like ``name``, and in what it stands if that is elsewhere."""
    matches = difflib.get_close_matches(name, known, n=1)
    if not matches:
        return ""
    places = " or ".join(repr(place) for place in known[matches[0]][:_TOLD])
    return f" Did you mean {matches[0]!r} in {places}?" if places else f" Did you mean {matches[0]!r}?"


def _of_another_kind(name: str, chosen: Sequence[_Object], peers: Sequence[_Object]) -> str:
    others = sorted({each.kind for each in peers if each.kind and name in each.fields})
    if not others or len(chosen) != 1:
        return ""
    told = ", ".join(others[:_TOLD]) + (", …" if len(others) > _TOLD else "")
    return f" It is a field of {told}; this is {chosen[0].kind}."


def _below(parents: Sequence[_Object], schema: Node) -> Mapping[str, list[str]]:
    """Return the fields of what stands in the fields of objects, and in which each."""
    places: dict[str, list[str]] = {}
    for place, node in (item for parent in parents for item in parent.fields.items()):
        for field in {field for found in _objects(node, schema) for field in found.fields}:
            places.setdefault(field, []).append(place)
    return places


def _listed(own: set[str]) -> str:
    return f" There are {', '.join(sorted(own))}." if 0 < len(own) <= _MANY else ""


def _objects(node: Node, schema: Node) -> Iterator[_Object]:
    """Yield what objects may stand at a place, in lists too."""
    if "$ref" in node:
        yield from _objects(_referred(node["$ref"], schema), schema)
    elif "discriminator" in node:
        for kind, reference in node["discriminator"]["mapping"].items():
            yield _Object(kind, _referred(reference, schema)["properties"])
    elif "properties" in node:
        yield _Object(None, node["properties"])
    else:
        for part in (*node.get("anyOf", ()), *node.get("oneOf", ()), node.get("items", {})):
            yield from _objects(part, schema) if part else ()


def _referred(reference: str, schema: Node) -> Node:
    found: Node = schema["$defs"][reference.rpartition("/")[2]]
    return found


@cache
def _schema(spec: type[BaseModel]) -> Node:
    return spec.model_json_schema()
