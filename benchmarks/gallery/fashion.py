"""The second gallery: Fashion-MNIST, 60,000 pictures of clothes (Xiao, Rasul and Vollgraf, 2017)."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gallery.exhibits import Exhibit

# Where Debian's package `dataset-fashion-mnist` puts them.
FOLDER = Path("/usr/share/datasets/fashion-mnist")
FILES = tuple(
    f"{part}-{what}-ubyte.gz" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1")
)
LABELS = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
_NAME = "fashion-mnist"


def write_files(path: Path) -> None:
    """Zip the four IDX files as they are."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in FILES:
            archive.write(FOLDER / name, name)


def is_installed() -> bool:
    """Tell whether the files are on this machine; without them the service fetches the dataset itself."""
    return all((FOLDER / name).is_file() for name in FILES)


EXHIBITS: Sequence[Exhibit] = (
    Exhibit("mlp-mnist", _NAME, wanted=0.88, picture="confusion.png"),
    Exhibit(
        "cnn-modern",
        _NAME,
        wanted=0.925,
        picture="confusion.png",
        seconds=600,
        # Ten minutes on two cores are few epochs, in which nothing is learnt by heart.
        training={
            "epochs": 6,
            "batch_size": 32,
            "validation": 0.02,
            "max_seconds": 550,
            "augmentation": [],
            "optimizer": {
                "name": "adam",
                "learning_rate": 0.002,
                "schedule": {"name": "cosine", "warmup_epochs": 0.5},
            },
        },
    ),
    Exhibit(
        "vae",
        _NAME,
        figure="mse",
        question="samples",
        picture="samples.png",
        training={"epochs": 10, "batch_size": 128},
    ),
    Exhibit(
        "conditional-dcgan",
        _NAME,
        figure="frechet_distance",
        question="samples",
        picture="samples.png",
        training={"epochs": 10, "batch_size": 128, "max_seconds": 240},
    ),
)
