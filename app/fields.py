"""Types of request fields that several features share: names, references, and text that can be stored."""

import math
import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"
ALIAS_PATTERN = r"^(?=.*[^0-9])[a-z0-9][a-z0-9._-]{0,62}$"
# Both databases number rows and versions within 32 bits at least.
MAX_NUMBER = 2**31 - 1
MAX_DEPTH = 32
# JSON numbers beyond 64 bits would not come back from the database as they were sent.
MAX_INTEGER = 2**63 - 1

_REFERENCE = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]{0,62})(?:@(?P<number>[1-9][0-9]{0,8}))?$")


def storable(text: str) -> str:
    """Return ``text`` if both databases can keep it: no NUL and no half of a surrogate pair."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise PydanticCustomError(
            "invalid_text", "Text must be valid Unicode without the character NUL; remove those characters."
        )
    return text


def storable_json(value: Any, depth: int = 0) -> Any:
    """Return ``value`` if it can be kept as JSON: storable text, 64-bit integers, bounded nesting."""
    if depth > MAX_DEPTH:
        raise PydanticCustomError("too_deep", f"JSON may be nested {MAX_DEPTH} levels deep at most.")
    if isinstance(value, dict):
        for key, member in value.items():
            storable(key)
            storable_json(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            storable_json(member, depth + 1)
    else:
        _storable_scalar(value)
    return value


def _storable_scalar(value: Any) -> None:
    if isinstance(value, str):
        storable(value)
    elif isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise PydanticCustomError("too_large", "Integers must fit into 64 bits.")
    elif isinstance(value, float) and not math.isfinite(value):
        raise PydanticCustomError("not_finite", "Numbers must be finite: JSON knows no NaN and no Infinity.")


def matches(pattern: str, text: str) -> bool:
    """Tell whether a name from a path can be the name of anything; if not, there is no need to look."""
    return re.fullmatch(pattern, text) is not None


def split_reference(reference: str) -> tuple[str, int | None]:
    """Return the name and, if it was given, the number of ``name`` or ``name@number``."""
    found = _REFERENCE.fullmatch(reference)
    assert found, "a reference is checked where it is read"
    return found["name"], int(found["number"]) if found["number"] else None


def given_back(name: str, row_id: str) -> str:
    """Return the name that a deleted row keeps: nobody can ask for it, and the old one is free again."""
    return f"{name}~{row_id}"


def original(name: str) -> str:
    """Return the name that a row had before it was deleted."""
    return name.partition("~")[0]


def _reference(text: str) -> str:
    if _REFERENCE.fullmatch(text) is None:
        raise PydanticCustomError(
            "invalid_reference", "Expected the name of a dataset, such as digits, or one version, digits@2."
        )
    return text


Name = Annotated[
    str,
    StringConstraints(pattern=NAME_PATTERN),
    Field(
        description="Lower-case letters, digits, dots, dashes, underscores; at most 63.", examples=["digits"]
    ),
]
DatasetReference = Annotated[
    str,
    AfterValidator(_reference),
    Field(
        description="A dataset's name (its latest version), or name@number.",
        examples=["digits", "digits@2"],
        max_length=80,
    ),
]
Number = Annotated[int, Field(ge=1, le=MAX_NUMBER, description="Number of a version.")]
Text = Annotated[str, AfterValidator(storable)]
JsonObject = Annotated[dict[str, Any], AfterValidator(storable_json)]
