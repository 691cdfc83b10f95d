"""The settings of commands that run the service on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from keraforge.errors import KeraforgeError

if TYPE_CHECKING:
    from app.settings import Settings


def settings_with(**flags: Any) -> "Settings":
    """Return the settings of the environment with what flags say in their place; None is not said.

    Raises :class:`KeraforgeError` for a setting that is not valid, or an installation without the service.
    """
    with service_installed():
        from pydantic import ValidationError  # noqa: PLC0415 - the client lacks what the service needs

        from app.settings import Settings  # noqa: PLC0415
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        wrong = error.errors()[0]
        name = f"KERAFORGE_{str(wrong['loc'][0]).upper()}: " if wrong["loc"] else ""
        reason = wrong["msg"].removeprefix("Value error, ")
        raise KeraforgeError(f"A setting is not valid. {name}{reason}.") from error


@contextmanager
def service_installed() -> Iterator[None]:
    """Tell a person whose installation holds only the client, where a part of the service is imported."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise KeraforgeError(
            f"{error.name} is not installed: this installation holds only the client. "
            "Install the service with: pip install 'keraforge[worker]'"
        ) from error
