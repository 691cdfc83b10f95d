"""What is wrong with a spec, and where: pydantic's findings in words for the person who wrote it."""

import difflib
import re
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from models.specs.fields import advice


@dataclass(frozen=True)
class SpecProblem:
    """One thing that is wrong, and where: an RFC 6901 pointer below ``/network`` or ``/training``."""

    pointer: str
    code: str
    message: str


class SpecError(ValueError):
    """A spec that cannot be built, with every problem that was found."""

    def __init__(self, errors: Sequence[SpecProblem]) -> None:
        self.errors = list(errors)
        super().__init__("; ".join(f"{problem.pointer}: {problem.message}" for problem in errors))


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `` Did you mean …?`` for the known word that is like ``word``, or nothing."""
    matches = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {matches[0]!r}?" if matches else ""


def problems_of(
    error: ValidationError, prefix: str, spec: type[BaseModel], value: Mapping[str, Any]
) -> list[SpecProblem]:
    """Return what ``error`` says of ``value``, which was read as ``spec`` and stands at ``prefix``."""
    found = [_problem(details, prefix, spec, value) for details in error.errors(include_url=False)]
    # A tuple whose items fail is also called too short: only the innermost finding helps.
    return [
        problem for problem in found if not any(o.pointer.startswith(problem.pointer + "/") for o in found)
    ]


def _problem(
    details: ErrorDetails, prefix: str, spec: type[BaseModel], value: Mapping[str, Any]
) -> SpecProblem:
    pointer = _pointer(details["loc"], prefix, value, keep_last=details["type"] == "missing")
    if details["type"] == "extra_forbidden":
        name = str(details["loc"][-1])
        message = f"Unknown field {reprlib.repr(name)}.{advice(spec, details['loc'][:-1], name)}"
        return SpecProblem(pointer, "unknown_field", message)
    if details["type"] == "union_tag_invalid":
        return _unknown_tag(details["ctx"], pointer)
    message = re.sub(r" or instance of \w+", "", details["msg"])
    if details["type"] != "missing":
        message += f"; received {reprlib.repr(details['input'])}"
    return SpecProblem(pointer, details["type"], message)


def _unknown_tag(context: Mapping[str, Any], pointer: str) -> SpecProblem:
    """Return the problem of an object of an unknown kind: of a layer whose ``type`` there is not."""
    field, tag = context["discriminator"].strip("'"), str(context["tag"])
    known = re.findall(r"'([^']+)'", context["expected_tags"])
    message = f"Expected one of {', '.join(known)}; received {reprlib.repr(tag)}.{nearest(tag, known)}"
    return SpecProblem(f"{pointer}/{field}", "unknown_" + field, message)


def _pointer(location: tuple[int | str, ...], prefix: str, value: Any, *, keep_last: bool) -> str:
    """Join those parts of pydantic's location that the sender wrote: tags of unions are left out."""
    parts = [prefix]
    for depth, part in enumerate(location):
        if _has(value, part):
            value = value[part]
        elif not (keep_last and depth == len(location) - 1):
            continue
        parts.append(escaped(str(part)))
    return "/".join(parts)


def _has(value: Any, part: int | str) -> bool:
    if isinstance(value, Mapping):
        return part in value
    return isinstance(value, list | tuple) and isinstance(part, int) and part < len(value)


def escaped(name: str) -> str:
    """Return a name as one part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")
