"""The OpenAPI description: what FastAPI knows, completed by what only the whole service knows."""

import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from app.documentation import Problem
from app.keys.scopes import ANY_KEY, PUBLIC, scopes
from app.protocols import dialects, native
from app.protocols.described import SCHEMAS, operation_of
from app.settings import Settings

DESCRIPTION = """Train and serve neural networks over REST.

Send a key with every request: `Authorization: Bearer kf_…`. The first one is in the file `api-key` of the
data folder. Whatever goes wrong is answered as a problem document (RFC 9457) whose `code` never changes.
"""
TAGS = [
    {"name": "datasets", "description": "Upload data; a version is read once and never changes."},
    {"name": "families", "description": "What networks can be described, and what becomes of a description."},
    {"name": "jobs", "description": "Train a network: submit, follow, cancel."},
    {"name": "models", "description": "What training published: versions, reports, files, aliases."},
    {"name": "predictions", "description": "Ask a version: predict, encode, sample, write."},
    {"name": "dialects", "description": "Ask a version as clients of other servers do."},
    {"name": "keys", "description": "Who may do what."},
    {"name": "trash", "description": "What was deleted, for as long as it can be restored."},
    {"name": "workers", "description": "What runs the jobs, and where."},
    {"name": "health", "description": "For monitoring; no key is needed."},
]
SECURITY_SCHEME = "key"


def description(app: FastAPI) -> dict[str, Any]:
    """Return the description; it is made when it is asked for first, which keeps the start short."""
    if not hasattr(app.state, "openapi"):
        settings: Settings = app.state.settings
        needed = scopes(public_metrics=settings.public_metrics)
        app.state.openapi = _completed(app.openapi(), needed)
    described: dict[str, Any] = app.state.openapi
    return described


def _completed(document: dict[str, Any], needed_scopes: Mapping[str, str]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    _, definitions = models_json_schema(
        [(Problem, "serialization"), *((schema, "validation") for schema in SCHEMAS)],
        ref_template="#/components/schemas/{model}",
    )
    components.setdefault("schemas", {}).update(definitions["$defs"])
    components["securitySchemes"] = {SECURITY_SCHEME: {"type": "http", "scheme": "bearer"}}
    for route in native.ROUTES:
        method, _, path = route.partition(" ")
        document["paths"].setdefault(path, {})[method.lower()] = operation_of(path)
    for path, method, operation in dialects.operations():
        document["paths"].setdefault(path, {})[method] = dict(operation)
    # The description names a parameter without its converter: {path} for {path:path}.
    described = {re.sub(r":\w+}", "}", name): scope for name, scope in needed_scopes.items()}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            scope = described[f"{method.upper()} {path}"]
            if scope != PUBLIC:
                operation["security"] = [{SECURITY_SCHEME: []}]
                needed = "any key" if scope == ANY_KEY else f"a key with the scope `{scope}`"
                operation["description"] = f"{operation.get('description', '')}\n\nNeeds {needed}.".strip()
    return document
