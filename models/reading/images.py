"""Images: what their arrays must look like, and the copy into the canonical file."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from models.reading.errors import BadData
from models.reading.limits import CHUNK_BYTES, MAX_SIDE, MAX_VALUE
from models.reading.source import Part

_CHANNELS = (1, 3)


def row_shape(parts: Sequence[Part]) -> tuple[int, int, int]:
    """Return height, width and channels of the images; all parts must agree in shape and dtype."""
    shapes = [_row_shape(part) for part in parts]
    for part, shape in zip(parts[1:], shapes[1:], strict=True):
        first = parts[0]
        if (shape, part.x.dtype) != (shapes[0], first.x.dtype):
            raise BadData(
                f"{part.x_name} has rows of shape {list(shape)} and dtype {part.x.dtype}, but {first.x_name}"
                f" {list(shapes[0])} and {first.x.dtype}.",
                "Prepare training and test rows in the same way.",
                part.x_name,
            )
    return shapes[0]


def copy_images(parts: Sequence[Part], shape: tuple[int, int, int], target: Path) -> np.ndarray:
    """Write all rows to ``target`` as one ``.npy``, ``[rows, *shape]``, and return it as a memory map.

    A chunk at a time; a value that is not finite, or too large for float32, is :class:`BadData`.
    """
    rows = sum(len(part.x) for part in parts)
    dtype = parts[0].x.dtype
    dtype = np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("=")
    header = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": (rows, *shape),
    }
    # Written as a file, not through a memory map: on a full disk that would kill the process.
    with target.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            for start, chunk in chunks_of(part.x):
                _check_values(chunk, part.x_name, start)
                file.write(chunk.astype(dtype, order="C").tobytes())
    images: np.ndarray = np.load(target, mmap_mode="r")
    return images


def chunks_of(rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the number of the first row and a chunk of rows, until all have been seen."""
    step = max(1, CHUNK_BYTES // max(1, rows[:1].nbytes))
    for start in range(0, len(rows), step):
        yield start, np.asarray(rows[start : start + step])


def _row_shape(part: Part) -> tuple[int, int, int]:
    x, name = part.x, part.x_name
    if x.dtype.kind not in "buif":
        raise BadData(f"{name} holds text; pixel values were expected.", None, name)
    if x.ndim not in (3, 4):
        hint = "If each row is a flattened image, reshape it, for example x.reshape(-1, 28, 28)."
        raise BadData(
            f"{name} has the shape {list(x.shape)}; images, [rows, height, width] or [rows, height, width,"
            " channels], were expected.",
            hint if x.ndim == 2 else None,
            name,
        )
    height, width, channels = (*x.shape[1:], 1)[:3]
    if channels not in _CHANNELS:
        raise BadData(
            f"{name} has {channels} channels, the last of its shape {list(x.shape)}; 1 (grey) or 3 (RGB)"
            " were expected.",
            _channel_hint(x.shape),
            name,
        )
    if max(height, width) > MAX_SIDE:
        raise BadData(f"{name} has images of {height}x{width}; at most {MAX_SIDE} a side.", None, name)
    if len(x) != len(part.y):
        raise BadData(
            f"{name} has {len(x):,} rows but {part.y_name} has {len(part.y):,}.",
            "Each image needs exactly one class.",
            part.y_name,
        )
    return height, width, channels


def _channel_hint(shape: tuple[int, ...]) -> str | None:
    if shape[1] in _CHANNELS:
        return "Channels must come last: x.transpose(0, 2, 3, 1)."
    return "Leave the alpha channel out: x[..., :3]." if shape[3] == 4 else None


def _check_values(chunk: np.ndarray, name: str, start: int) -> None:
    if chunk.dtype.kind != "f":
        return
    axes = tuple(range(1, chunk.ndim))
    # A comparison with NaN is false, so this finds NaN, infinities and absurd sizes at once.
    bad = ~(np.abs(chunk) <= np.float64(MAX_VALUE)).all(axis=axes)
    if bad.any():
        raise BadData(
            f"{name} holds a value that is NaN, infinite or beyond ±{MAX_VALUE:g}, first in row"
            f" {start + int(bad.argmax())}.",
            "Remove these rows or replace the values.",
            name,
        )
