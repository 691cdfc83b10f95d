"""What the OpenAPI description says of the dialects: whose they are; their own documents say all the rest."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.protocols.inputs import JSON_TYPE
from app.protocols.open_inference import application as open_inference
from app.protocols.tf_serving import application as tf_serving

ROUTES = (*tf_serving.ROUTES, *open_inference.ROUTES)

_TF_SERVING = (
    "TensorFlow Serving",
    "`{rest}` is `digits:predict`, `digits/versions/2:predict`, `digits/labels/blue:classify`, "
    "`digits/metadata` and so on, as TensorFlow Serving's RESTful API has it.",
)
_OPEN_INFERENCE = (
    "Open Inference Protocol",
    "`{rest}` is `digits/infer`, `digits/versions/2/infer`, `digits/ready` and so on, as version 2 of the "
    "Open Inference Protocol has it; tensors may travel as JSON or as bytes.",
)
_ERROR = {"type": "object", "properties": {"error": {"type": "string"}}}


def operations() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield path, method and operation of every address of a dialect."""
    for route in ROUTES:
        method, _, template = route.partition(" ")
        path = re.sub(r":\w+}", "}", template)
        yield path, method.lower(), _operation(method.lower(), path, route in tf_serving.ROUTES)


def _operation(method: str, path: str, is_tf_serving: bool) -> dict[str, Any]:
    name, description = _TF_SERVING if is_tf_serving else _OPEN_INFERENCE
    rest = {"name": "rest", "in": "path", "required": True, "schema": {"type": "string"}}
    body = {"content": {JSON_TYPE: {"schema": {"type": "object"}}}}
    return {
        "tags": ["dialects"],
        "summary": name,
        "operationId": f"{method}{re.sub(r'[^a-z0-9]+', '_', path)}".rstrip("_")
        # Two addresses differ by nothing but the stroke at their end.
        + ("_root" if path.endswith("/") else ""),
        "description": description if path.endswith("{rest}") else f"Part of the {name}.",
        "parameters": [rest] if path.endswith("{rest}") else [],
        "responses": {
            "200": {"description": "The answer.", "content": {JSON_TYPE: {"schema": {}}}},
            "default": {"description": "What is wrong.", "content": {JSON_TYPE: {"schema": _ERROR}}},
        },
    } | ({"requestBody": body} if method == "post" else {})
