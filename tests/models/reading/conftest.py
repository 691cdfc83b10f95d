import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.reading.canonical import Reading, write_canonical
from models.reading.npz import read_npz
from models.reading.options import ReadingOptions

LARGE = 10**9


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    """Save arrays as an upload; ``compressed`` and pickled objects if asked."""

    def save(compressed: bool = False, **arrays: object) -> Path:
        path = tmp_path / "upload.npz"
        (np.savez_compressed if compressed else np.savez)(path, **arrays)
        return path

    return save


@pytest.fixture
def zipped(tmp_path: Path) -> Callable[..., Path]:
    """Zip raw bytes under any names."""

    def zip_up(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
        path = tmp_path / "upload.npz"
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path

    return zip_up


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., tuple[Reading, dict[str, np.ndarray]]]:
    """Read an upload as a job does; returns what was found and the canonical arrays."""

    def read_upload(
        path: Path, max_bytes: int = LARGE, **options: object
    ) -> tuple[Reading, dict[str, np.ndarray]]:
        scratch, output = tmp_path / "scratch", tmp_path / "output"
        scratch.mkdir(exist_ok=True)
        output.mkdir(exist_ok=True)
        source = read_npz(path, scratch, max_bytes)
        reading = write_canonical(source, ReadingOptions.model_validate(options), output, max_bytes)
        arrays = {name: np.load(output / f"{name}.npy", mmap_mode="r") for name in ("x", "y", "test")}
        return reading, arrays

    return read_upload


@pytest.fixture
def images() -> np.ndarray:
    """Forty grey images, all different, with the full range of uint8."""
    pixels = np.random.default_rng(1).integers(0, 256, (40, 6, 5), np.uint8)
    pixels[0, 0, :2] = 0, 255
    return pixels


@pytest.fixture
def classes() -> np.ndarray:
    return np.arange(40) % 4
