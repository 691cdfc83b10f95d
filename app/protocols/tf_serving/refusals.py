"""What TensorFlow Serving says of requests that are wrong: clients and scripts look for these words."""

import json

from app.errors import AppError, BadRequest, NotFound
from app.serving.snapshot import CHAMPION, Target


def malformed(method: str, path: str) -> BadRequest:
    """Return the refusal of a path or a method that the API does not have."""
    return BadRequest(f"Malformed request: {method} {path[:200]}")


def not_servable(target: Target) -> AppError:
    """Return what is said where a version that was asked for is not there."""
    name = target.name[:100]
    if isinstance(target.which, int):
        return NotFound(f"Servable not found for request: Specific({name}, {target.which})")
    if target.which != CHAMPION:
        return BadRequest(f"Unrecognized servable version label: {target.which[:100]}")
    return NotFound(f"Servable not found for request: Latest({name})")


def no_version(target: Target) -> NotFound:
    """Return what is said of the status of a version that is not there."""
    name = target.name[:100]
    if isinstance(target.which, int):
        return NotFound(f"Could not find version {target.which} of model {name}")
    return NotFound(f"Could not find any versions of model {name}")


def unknown_signature(name: str, known: list[str]) -> BadRequest:
    """Return the refusal of a signature that a version does not have."""
    return BadRequest(
        f"Serving signature name: {json.dumps(name[:100])} not found in signature def. "
        f"This version has {', '.join(known)}."
    )
