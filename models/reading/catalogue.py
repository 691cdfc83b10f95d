"""The datasets that come with the service, by name, and of which kind each is."""

from collections.abc import Mapping
from typing import Literal

from models.schema import Kind

BuiltinName = Literal["digits", "iris", "wine", "breast-cancer", "diabetes"]

BUILTIN_KINDS: Mapping[BuiltinName, Kind] = {
    "digits": "images",
    "iris": "table",
    "wine": "table",
    "breast-cancer": "table",
    "diabetes": "table",
}
