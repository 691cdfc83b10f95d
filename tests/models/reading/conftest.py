import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.reading.canonical import Reading, write_canonical
from models.reading.errors import BadData
from models.reading.npz import read_npz
from models.reading.opening import open_upload
from models.reading.options import ReadingOptions
from models.reading.upload import Upload

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


@pytest.fixture
def read_as(tmp_path: Path) -> Callable[..., tuple[Reading, dict[str, np.ndarray]]]:
    """Read bytes as a dataset of a kind, as a job does; returns what was found and the canonical arrays."""

    def read_upload(
        kind: str, content: bytes | str, filename: str = "", max_bytes: int = LARGE, **options: object
    ) -> tuple[Reading, dict[str, np.ndarray]]:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        scratch, output = folder / "scratch", folder / "output"
        scratch.mkdir()
        output.mkdir()
        path = folder / "upload"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        chosen = ReadingOptions.model_validate(options)
        source = open_upload(kind, Upload(path, filename, scratch, max_bytes), chosen)
        reading = write_canonical(source, chosen, output, max_bytes)
        return reading, {file.stem: np.load(file, mmap_mode="r") for file in output.glob("*.npy")}

    return read_upload


@pytest.fixture
def refused(read_as: Callable[..., object]) -> Callable[..., BadData]:
    """Read what cannot be read, and return why not."""

    def read(*arguments: object, **options: object) -> BadData:
        with pytest.raises(BadData) as raised:
            read_as(*arguments, **options)
        assert len(raised.value.message) < 400
        return raised.value

    return read


@pytest.fixture
def archive() -> Callable[..., bytes]:
    """Return the bytes of an ``.npz`` of arrays."""

    def save(**arrays: object) -> bytes:
        content = io.BytesIO()
        np.savez(content, **arrays)
        return content.getvalue()

    return save
