"""What the OpenAPI description says of every question: what is sent, what comes back, with examples."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from app.documentation import problems
from app.protocols.answers import (
    Anomalies,
    Codes,
    Decoded,
    MadeSamples,
    Predictions,
    Reconstructions,
    Text,
)
from app.protocols.archives import ZIP_TYPE
from app.protocols.generate import EVENTS_TYPE, GenerateParameters
from app.protocols.grid import PNG_TYPE
from app.protocols.inputs import JSON_TYPE
from app.protocols.npy import NPY_TYPE
from app.protocols.samples import SampleParameters
from app.protocols.tables import CSV_TYPE
from app.protocols.texts import PLAIN_TYPE

Content = dict[str, dict[str, Any]]
Json = dict[str, Any]

# Every schema that is referred to below.
SCHEMAS: tuple[type[BaseModel], ...] = (
    *(Predictions, Codes, Decoded, Reconstructions, Anomalies, MadeSamples, Text),
    *(SampleParameters, GenerateParameters),
)
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_ROWS = {
    "images, pixel by pixel": [[[0, 16], [12, 3]]],
    "vectors": [[5.1, 3.5, 1.4, 0.2]],
    "rows of a table": [{"age": 41, "city": "York"}],
    "sequences": [[[0.1, 2.0], [0.3, 1.9]]],
    "texts": ["a film that nobody will forget"],
}


@dataclass(frozen=True)
class Described:
    """One question: ``body`` and ``answer`` by media type, ``query`` are parameters of OpenAPI."""

    summary: str
    description: str
    body: Content
    answer: Content
    query: tuple[Json, ...] = ()
    statuses: tuple[int, ...] = field(default=(400, 404, 406, 409, 413, 415, 503))


def _reference(schema: type[BaseModel], **examples: Any) -> Json:
    named = {name.replace("_", " "): {"value": value} for name, value in examples.items()}
    content: Json = {"schema": {"$ref": f"#/components/schemas/{schema.__name__}"}}
    return content | ({"examples": named} if named else {})


def _parameter(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def _listed(member: str, rows: Mapping[str, Any], description: str) -> Json:
    items = {"type": "array", "items": {}, "minItems": 1, "description": description}
    schema = {"type": "object", "required": [member], "properties": {member: items}}
    examples = {name: {"value": {member: value}} for name, value in rows.items()}
    return {"schema": {**schema, "additionalProperties": False}, "examples": examples}


_INVERT = _parameter(
    "invert",
    {"type": "string", "enum": ["auto", "yes", "no"], "default": "auto"},
    "Whether light and dark of a picture are exchanged; `auto` looks at its border.",
)
_ROW_BODY: Content = {
    JSON_TYPE: _listed("instances", _ROWS, "Rows as the network was trained on."),
    NPY_TYPE: _BINARY,
    "image/png": _BINARY,
    "image/jpeg": _BINARY,
    ZIP_TYPE: _BINARY,
}
_TABLE: Content = {CSV_TYPE: {"schema": {"type": "string"}, "example": "age,city\n41,York\n"}}
_TEXT: Content = {PLAIN_TYPE: {"schema": {"type": "string"}, "example": "a film that nobody will forget"}}
_DELTAS = 'data: {"delta": " a ti"}\n\ndata: {"delta": "me"}\n\ndata: {"text": " a time", …}\n\n'

DESCRIBED: Mapping[str, Described] = {
    "predict": Described(
        "Predict",
        "The class or the values of each row, a forecast's next step, or the next token of each text. "
        "A column that a row of a table leaves out is missing there. Sequences may be shorter than those of "
        "training if these differed in length; in .npy, steps that are NaN fill them up at the end.",
        _ROW_BODY | _TABLE | _TEXT,
        {JSON_TYPE: _reference(Predictions)},
        (
            _INVERT,
            _parameter(
                "top_k",
                {"type": "integer", "minimum": 1},
                "Only so many classes or tokens, the most probable first.",
            ),
            _parameter(
                "attention",
                {"type": "boolean", "default": False},
                "With the weights of attention, of a version that has any.",
            ),
        ),
        (400, 404, 409, 413, 415, 503),
    ),
    "encode": Described(
        "Encode rows",
        "The code of each row, of an autoencoder.",
        _ROW_BODY | _TABLE,
        {JSON_TYPE: _reference(Codes), NPY_TYPE: _BINARY},
        (_INVERT,),
    ),
    "decode": Described(
        "Decode codes",
        "The row of each code, in the range of the dataset. As a PNG, rows that are images stand in a grid.",
        {JSON_TYPE: _listed("codes", {"codes": [[0.4, -1.2]]}, "As encode answers."), NPY_TYPE: _BINARY},
        {JSON_TYPE: _reference(Decoded), NPY_TYPE: _BINARY, PNG_TYPE: _BINARY},
    ),
    "reconstruct": Described(
        "Reconstruct rows",
        "Each row encoded and decoded again. As a PNG, rows that are images stand in a grid.",
        _ROW_BODY | _TABLE,
        {JSON_TYPE: _reference(Reconstructions), NPY_TYPE: _BINARY, PNG_TYPE: _BINARY},
        (_INVERT,),
    ),
    "anomalies": Described(
        "Find anomalies",
        "Which rows are further from their reconstruction than the threshold that training has chosen.",
        _ROW_BODY | _TABLE,
        {JSON_TYPE: _reference(Anomalies)},
        (_INVERT,),
        (400, 404, 409, 413, 415, 503),
    ),
    "samples": Described(
        "Make samples",
        "New rows, of an adversarial network or a variational autoencoder. As a PNG, rows that are images "
        "stand in a grid. The header `X-Keraforge-Seed` has the seed, whatever the media type.",
        {
            JSON_TYPE: _reference(
                SampleParameters,
                by_chance={"count": 16, "seed": 7},
                of_one_class={"count": 4, "label": "7"},
                between_two_latents={"count": 8, "interpolate": [[0.3, -0.8], [1.1, 0.2]]},
                of_latents={"latent": [[0.3, -0.8]]},
            )
        },
        {JSON_TYPE: _reference(MadeSamples), NPY_TYPE: _BINARY, PNG_TYPE: _BINARY},
    ),
    "generate": Described(
        "Write text",
        'A text that continues the prompt. With `"stream": true` or `Accept: text/event-stream` it comes as '
        "server-sent events, of which the last one is the whole answer; with `Accept: text/plain` it comes "
        "as text alone, piece by piece. Who leaves ends it with the next token.",
        {
            JSON_TYPE: _reference(
                GenerateParameters,
                at_once={"prompt": "Once upon", "max_tokens": 100, "temperature": 0.7, "seed": 7},
                streamed={"prompt": "Once upon", "stop": ["."], "stream": True},
            )
        },
        {
            JSON_TYPE: _reference(Text),
            EVENTS_TYPE: {"schema": {"type": "string"}, "example": _DELTAS},
            PLAIN_TYPE: {"schema": {"type": "string"}, "example": " a time there was a king."},
        },
    ),
}


def operation_of(path: str) -> Json:
    """Return the operation of an address that asks a version."""
    *_, question = path.split("/")
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    asked = DESCRIBED[question]
    answer = {"description": "The answer.", "content": asked.answer, "headers": _HEADERS}
    responses = problems(*asked.statuses) | {200: answer}
    return {
        "tags": ["predictions"],
        "summary": asked.summary + _WHICH[names[-1]],
        "operationId": f"{question}_by_{names[-1]}",
        "description": asked.description,
        "parameters": [
            *({"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names),
            *asked.query,
        ],
        "requestBody": {"required": question != "samples", "content": asked.body},
        "responses": {str(status): response for status, response in sorted(responses.items(), key=str)},
    }


_HEADERS = {
    f"X-Keraforge-{name}": {"description": description, "schema": {"type": "string"}}
    for name, description in (
        ("Model", "Which model answered."),
        ("Version", "Which of its versions."),
        ("Job", "The job that trained that version."),
    )
}
_WHICH = {"name": "", "number": " with one version", "alias": " with the version of an alias"}
