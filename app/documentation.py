"""What the OpenAPI description says of every address: which problems it answers, and their form."""

from typing import Any

from pydantic import BaseModel, Field

from app import errors

PROBLEM_TYPE = "application/problem+json"


class ProblemField(BaseModel):
    """One thing that is wrong with a request."""

    pointer: str = Field(
        description="JSON Pointer into the body, or a parameter's name.", examples=["/network/dropout"]
    )
    code: str = Field(examples=["less_than"])
    message: str


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    type: str
    title: str = Field(examples=["Not valid"])
    status: int = Field(examples=[422])
    detail: str
    instance: str = Field(examples=["/api/v1/jobs"])
    code: str = Field(description="For programs; it never changes.", examples=["validation_failed"])
    request_id: str
    errors: list[ProblemField] = Field(default_factory=list)


# What an address that takes JSON may answer, beside what is wrong with a field.
BODY = (400, 413, 415)
UNCHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Not changed since the ETag that was sent."}
}
PART: dict[int | str, dict[str, Any]] = {206: {"description": "The range that was asked for."}}

_TITLES = {kind.status: kind.title for kind in errors.AppError.__subclasses__()}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of an address that may answer with these statuses, and with those of any."""
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {
        status: {"description": _TITLES[status], "content": {PROBLEM_TYPE: {"schema": schema}}}
        for status in sorted({401, 403, 422, *statuses})
    }
