"""A JSON body that is one object with known members, read into a model of pydantic."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from app.edge.strict_json import check
from app.errors import TooLarge
from app.protocols.body import INLINE_BODY_BYTES
from app.serving.execution import Execution

# Enough for 256 latents of 500 numbers each.
MAX_BYTES = 4 * 1024**2
# As many as JavaScript keeps whole.
LARGEST_SEED = 2**53 - 1

Seed = Annotated[
    int, Field(ge=0, le=LARGEST_SEED, description="The same seed gives the same answer.", examples=[7])
]


class Parameters(BaseModel):
    """What a body says; unknown members are refused, and no value is taken for one of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


ParametersT = TypeVar("ParametersT", bound=Parameters)


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def one_or_more(accepted: Any) -> BeforeValidator:
    """Return what lets one value stand for a list of it; ``accepted`` is the type of either, for the docs."""
    return BeforeValidator(_listed, json_schema_input_type=accepted)


async def parameters_of(body: bytes, kind: type[ParametersT], execution: Execution) -> ParametersT:
    """Return what a body says, read away from the event loop if it is long; raises as the other does."""
    seconds = 0.0 if len(body) <= INLINE_BODY_BYTES else None
    return await execution.run(lambda: read_parameters(body, kind), seconds)


def read_parameters(body: bytes, kind: type[ParametersT]) -> ParametersT:
    """Return what a body says; an empty one says nothing.

    Raises what the edge renders as 400, 413 or 422, the last with a pointer to each member that is wrong.
    """
    if len(body) > MAX_BYTES:
        raise TooLarge(f"The body may have at most {MAX_BYTES:,} bytes here.", extra={"limit": MAX_BYTES})
    body = body.strip() or b"{}"
    check(body)
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(_places(error), body=orjson.loads(body)) from None


def _places(error: ValidationError) -> Sequence[dict[str, Any]]:
    return [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]
