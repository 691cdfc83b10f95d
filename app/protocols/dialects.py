"""What the OpenAPI description says of the dialects: whose they are; their own documents say all the rest."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.protocols.inputs import JSON_TYPE
from app.protocols.open_inference import application as open_inference
from app.protocols.openai import application as openai
from app.protocols.tf_serving import application as tf_serving

ROUTES = (*tf_serving.ROUTES, *open_inference.ROUTES, *openai.ROUTES)

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
_OPENAI = (
    "OpenAI",
    "Completions and the list of models, as OpenAI's API reference has them; `model` is a name, `tales@3` or "
    "`tales@blue`.",
)
_ERROR = {"type": "object", "properties": {"error": {"type": "string"}}}


def operations() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield path, method and operation of every address of a dialect."""
    for route in ROUTES:
        method, _, template = route.partition(" ")
        path = re.sub(r":\w+}", "}", template)
        yield path, method.lower(), _operation(route, method.lower(), path)


def _operation(route: str, method: str, path: str) -> dict[str, Any]:
    name, description = _OPENAI
    if route not in openai.ROUTES:
        name, description = _TF_SERVING if route in tf_serving.ROUTES else _OPEN_INFERENCE
    has_more = path.endswith("{rest}") or route in openai.ROUTES
    in_path = [
        {"name": named, "in": "path", "required": True, "schema": {"type": "string"}}
        for named in re.findall(r"{(\w+)}", path)
    ]
    body = {"content": {JSON_TYPE: {"schema": {"type": "object"}}}}
    return {
        "tags": ["dialects"],
        "summary": name,
        "operationId": f"{method}{re.sub(r'[^a-z0-9]+', '_', path)}".rstrip("_")
        # Two addresses differ by nothing but the stroke at their end.
        + ("_root" if path.endswith("/") else ""),
        "description": description if has_more else f"Part of the {name}.",
        "parameters": in_path,
        "responses": {
            "200": {"description": "The answer.", "content": {JSON_TYPE: {"schema": {}}}},
            "default": {"description": "What is wrong.", "content": {JSON_TYPE: {"schema": _ERROR}}},
        },
    } | ({"requestBody": body} if method == "post" else {})
