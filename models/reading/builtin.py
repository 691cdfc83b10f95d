"""The datasets that come with the service, by name."""

from collections.abc import Callable, Mapping

from models.reading.digits import read_digits
from models.reading.source import Source

BUILTINS: Mapping[str, Callable[[], Source]] = {"digits": read_digits}
