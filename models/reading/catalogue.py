"""The datasets that the service knows by name, and of which kind each is; the last four are fetched."""

from collections.abc import Mapping
from typing import Literal

from models.schema import Kind

BuiltinName = Literal[
    "digits", "iris", "wine", "breast-cancer", "diabetes", "mnist", "fashion-mnist", "cifar10", "imdb"
]

BUILTIN_KINDS: Mapping[BuiltinName, Kind] = {
    "digits": "images",
    "iris": "table",
    "wine": "table",
    "breast-cancer": "table",
    "diabetes": "table",
    "mnist": "images",
    "fashion-mnist": "images",
    "cifar10": "images",
    "imdb": "text",
}
