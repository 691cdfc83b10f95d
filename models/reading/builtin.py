"""The datasets that come with the service: what reads each."""

from collections.abc import Callable, Mapping
from pathlib import Path

from models.reading.catalogue import BUILTIN_KINDS
from models.reading.digits import read_digits
from models.reading.errors import BadData, shown
from models.reading.known import read_cifar10, read_fashion_mnist, read_imdb, read_mnist
from models.reading.options import ReadingOptions
from models.reading.samples import read_breast_cancer, read_diabetes, read_iris, read_wine
from models.reading.source import Source
from models.reading.upload import Report, unheard
from models.schema import Kind

BUILTINS: Mapping[str, Callable[[ReadingOptions, Path, Report], Source]] = {
    "digits": lambda *_: read_digits(),
    "iris": read_iris,
    "wine": read_wine,
    "breast-cancer": read_breast_cancer,
    "diabetes": read_diabetes,
    "mnist": read_mnist,
    "fashion-mnist": read_fashion_mnist,
    "cifar10": read_cifar10,
    "imdb": read_imdb,
}


def read_builtin(
    name: str, kind: Kind, options: ReadingOptions, scratch: Path, report: Report = unheard
) -> Source:
    """Return the rows of a built-in dataset, for a dataset of ``kind``."""
    builtin = BUILTINS.get(name)
    if builtin is None:
        raise BadData(f"There is no built-in dataset {shown(name)}.", f"There is {', '.join(BUILTINS)}.")
    own = {str(each): its for each, its in BUILTIN_KINDS.items()}[name]
    if own != kind:
        raise BadData(f"The built-in dataset {name} is of the kind {own}; this is a dataset of {kind}.")
    return builtin(options, scratch, report)
