"""Datasets that everybody knows, fetched from where they are published: MNIST, Fashion-MNIST, CIFAR-10, IMDb.

Each is told by digest; none is unpickled, so that CIFAR-10 comes in its binary form and the reviews of IMDb
as the texts that they were, not as Keras' arrays of Python objects.
"""

import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from models.reading.collecting import Documents
from models.reading.fetching import Remote, fetch
from models.reading.idx import read_idx_files
from models.reading.npz import read_npz
from models.reading.options import ReadingOptions
from models.reading.rows import write_rows
from models.reading.source import Part, Source
from models.reading.upload import Report, unheard

_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"
MNIST = (
    Remote(
        f"{_KERAS}/mnist.npz", "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1", 11_490_434
    ),
)
FASHION_MNIST = (
    Remote(
        f"{_KERAS}/train-images-idx3-ubyte.gz",
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        26_421_880,
    ),
    Remote(
        f"{_KERAS}/train-labels-idx1-ubyte.gz",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        29_515,
    ),
    Remote(
        f"{_KERAS}/t10k-images-idx3-ubyte.gz",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        4_422_102,
    ),
    Remote(
        f"{_KERAS}/t10k-labels-idx1-ubyte.gz",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        5148,
    ),
)
CIFAR10 = (
    Remote(
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        170_052_171,
    ),
)
IMDB = (
    Remote(
        "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
        "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
        84_125_825,
    ),
)
# Where Debian's package dataset-fashion-mnist puts the files.
FASHION_FOLDER = Path("/usr/share/datasets/fashion-mnist")
_MAX_BYTES = 1024**3
_CLOTHES = [
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
]
_THINGS = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
_CIFAR_TRAIN = [f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6)]
_CIFAR_TEST = "cifar-10-batches-bin/test_batch.bin"
# A class, then the red, the green and the blue of 32 by 32 pixels.
_CIFAR_ROW = 1 + 3 * 32 * 32


def read_mnist(
    options: ReadingOptions, scratch: Path, report: Report = unheard, *, remotes: Sequence[Remote] = MNIST
) -> Source:
    """Return 70,000 handwritten digits of 28x28, of which 10,000 are test rows."""
    (path,) = fetch(remotes, scratch, report)
    return read_npz(path, scratch, _MAX_BYTES)


def read_fashion_mnist(
    options: ReadingOptions,
    scratch: Path,
    report: Report = unheard,
    *,
    remotes: Sequence[Remote] = FASHION_MNIST,
    folder: Path = FASHION_FOLDER,
) -> Source:
    """Return 70,000 pieces of clothing, 28x28, of which 10,000 are test rows, from ``folder`` or fetched."""
    local = [folder / remote.url.rpartition("/")[2] for remote in remotes]
    paths = local if all(path.is_file() for path in local) else fetch(remotes, scratch, report)
    return replace(read_idx_files(paths, scratch, _MAX_BYTES), labels=_CLOTHES)


def read_cifar10(
    options: ReadingOptions, scratch: Path, report: Report = unheard, *, remotes: Sequence[Remote] = CIFAR10
) -> Source:
    """Return 60,000 photographs of ten sorts of things, 32x32 in colour, of which 10,000 are test rows."""
    (path,) = fetch(remotes, scratch, report)
    with tarfile.open(path) as archive:
        batches = [
            np.frombuffer(_content(archive, name), np.uint8).reshape(-1, _CIFAR_ROW)
            for name in (*_CIFAR_TRAIN, _CIFAR_TEST)
        ]
    rows, test = sum(len(batch) for batch in batches), len(batches[-1])

    def pixels() -> Iterator[np.ndarray]:
        for batch in batches:
            yield batch[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)

    x = write_rows(pixels, (rows, 32, 32, 3), np.dtype(np.uint8), scratch / "pixels.npy")
    y = np.concatenate([batch[:, 0] for batch in batches])
    train = slice(rows - test), slice(rows - test, None)
    first, second = (Part(x[part], y[part], "the photographs", "their classes") for part in train)
    return Source(first, second, labels=_THINGS, range=(0.0, 255.0))


def read_imdb(
    options: ReadingOptions, scratch: Path, report: Report = unheard, *, remotes: Sequence[Remote] = IMDB
) -> Source:
    """Return 50,000 reviews of films, for (pos) or against (neg), of which 25,000 are test rows.

    Line breaks, which the files spell as HTML, are spaces.
    """
    (path,) = fetch(remotes, scratch, report)
    documents = Documents(options, _MAX_BYTES)
    labels, train = [], 0
    for is_test, _, label, text in sorted(_reviews(path)):
        if documents.add(text.replace("<br />", " ")):
            labels.append(label)
            train += not is_test
    return documents.source(np.array(labels), train)


def _reviews(path: Path) -> Iterator[tuple[bool, str, str, str]]:
    """Yield whether a review is a test row, its name, its class and its text."""
    with tarfile.open(path, "r|gz") as archive:
        for member in archive:
            parts = member.name.split("/")
            if member.isfile() and len(parts) == 4 and parts[2] in ("neg", "pos"):
                file = archive.extractfile(member)
                assert file is not None, "a file has content"
                yield parts[1] == "test", member.name, parts[2], file.read().decode()


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None, "the archive is the one that is known"
    return file.read()
