"""What stands behind the question mark of an address."""

from collections.abc import Collection, Iterable
from urllib.parse import parse_qs

from app.errors import FieldError, Invalid, shortened

_YES_OR_NO = {"true": True, "false": False}
_MOST_DIGITS = 9


def parameter(query_string: bytes, name: str) -> str | None:
    """Return the last value of a parameter, or None where it was not sent."""
    return parse_qs(query_string.decode("latin-1"), keep_blank_values=True).get(name, [None])[-1]


def require_known(query_string: bytes, known: Collection[str]) -> None:
    """Raise :class:`~app.errors.Invalid` for a parameter that is not known."""
    for name in parse_qs(query_string.decode("latin-1"), keep_blank_values=True):
        if name not in known:
            takes = f"the known ones are {', '.join(sorted(known))}" if known else "this address takes none"
            message = f"There is no parameter {shortened(name)}; {takes}."
            raise Invalid(message, errors=[FieldError(name[:64], "unknown_parameter", message)])


def chosen(name: str, given: str, choices: Iterable[str]) -> str:
    """Return ``given`` if it is one of the choices; raise :class:`~app.errors.Invalid` if not."""
    if given not in choices:
        raise refused(name, "not_a_choice", f"Expected one of {', '.join(choices)}, got {shortened(given)}.")
    return given


def flag(query_string: bytes, name: str) -> bool:
    """Return whether a parameter is ``true``."""
    given = parameter(query_string, name)
    return given is not None and _YES_OR_NO[chosen(name, given, _YES_OR_NO)]


def whole_number(query_string: bytes, name: str, most: int) -> int | None:
    """Return a parameter as a number from 1 to ``most``, or None where it was not sent."""
    given = parameter(query_string, name)
    if given is None:
        return None
    number = int(given) if given.isascii() and given.isdecimal() and len(given) <= _MOST_DIGITS else 0
    if not 1 <= number <= most:
        message = f"Expected a whole number from 1 to {most}, got {shortened(given)}."
        raise refused(name, "out_of_range", message)
    return number


def refused(name: str, code: str, message: str) -> Invalid:
    """Return the refusal of a parameter."""
    return Invalid(f"{name}: {message}", errors=[FieldError(name, code, message)])
