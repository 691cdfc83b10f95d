"""Types of request fields that several features share: names and references."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"
ALIAS_PATTERN = r"^(?=.*[^0-9])[a-z0-9][a-z0-9._-]{0,62}$"
# The addresses of such models would mean something else.
RESERVED_MODELS = frozenset({"stats"})
# Both databases number rows and versions within 32 bits at least.
MAX_NUMBER = 2**31 - 1
MAX_INTEGER = 2**63 - 1

_REFERENCE = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]{0,62})(?:@(?P<number>[1-9][0-9]{0,8}))?$")
_VERSION_REFERENCE = re.compile(
    r"^[a-z0-9][a-z0-9._-]{0,62}@(?:[1-9][0-9]{0,8}|(?=.*[^0-9])[a-z0-9][a-z0-9._-]{0,62})$"
)


def matches(pattern: str, text: str) -> bool:
    """Tell whether a name from a path has the form that names have."""
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


def split_version(reference: str) -> tuple[str, int | str]:
    """Return the name of a model, and the number or the alias, of ``name@3`` or ``name@champion``."""
    name, _, which = reference.partition("@")
    return name, int(which) if which.isdecimal() else which


def _version_reference(text: str) -> str:
    if _VERSION_REFERENCE.fullmatch(text) is None:
        raise PydanticCustomError(
            "invalid_reference", "Expected a version of a model, such as digits@3, or digits@champion."
        )
    return text


def _not_reserved(name: str) -> str:
    if name in RESERVED_MODELS:
        raise PydanticCustomError(
            "reserved_name",
            "Expected another name: /v2/models/{name} means something else in the Open Inference Protocol.",
            {"name": name},
        )
    return name


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
ModelName = Annotated[Name, AfterValidator(_not_reserved)]
DatasetReference = Annotated[
    str,
    AfterValidator(_reference),
    Field(
        description="A dataset's name (its latest version), or name@number.",
        examples=["digits", "digits@2"],
        max_length=80,
    ),
]
VersionReference = Annotated[
    str,
    AfterValidator(_version_reference),
    Field(
        description="One version of a model: name@number, or name@alias.",
        examples=["digits@3", "digits@champion"],
        max_length=127,
    ),
]
Number = Annotated[int, Field(ge=1, le=MAX_NUMBER, description="Number of a version.")]
