"""IDX files: big-endian arrays with a short header, as MNIST ships them."""

import gzip
import io
import struct
import zipfile
from collections.abc import Callable

import numpy as np
import pytest

Read = Callable[..., tuple]
Refused = Callable[..., object]

CODES = {"u1": 8, "i1": 9, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
IMAGES = np.arange(20 * 12, dtype=np.uint8).reshape(20, 4, 3)
LABELS = (np.arange(20) % 2).astype(np.uint8)
TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def idx(array: np.ndarray) -> bytes:
    code = CODES[array.dtype.str[1:]]
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, file in files.items():
            archive.writestr(name, file)
    return content.getvalue()


@pytest.mark.parametrize("packed", [True, False])
def test_the_four_files_of_mnist_are_training_and_test_rows(packed: bool, read_as: Read) -> None:
    files = {
        TEST_LABELS: idx(1 - LABELS),
        TEST_IMAGES: idx(IMAGES + 1),
        TRAIN_LABELS: idx(LABELS),
        TRAIN_IMAGES: idx(IMAGES),
    }
    if packed:
        files = {f"mnist/{name}.gz": gzip.compress(file) for name, file in files.items()}
    reading, arrays = read_as("images", zipped(files), "mnist.zip")
    schema = reading.schema
    assert (schema.rows, schema.shape, schema.dtype, schema.labels) == (40, (4, 3, 1), "uint8", ["0", "1"])
    assert arrays["test"].tolist() == list(range(20, 40))
    np.testing.assert_array_equal(arrays["x"][..., 0], np.concatenate([IMAGES, IMAGES + 1]))
    assert arrays["y"].tolist() == [*LABELS, *(1 - LABELS)]


def test_images_and_labels_alone_are_split(read_as: Read) -> None:
    content = zipped({TRAIN_IMAGES: idx(IMAGES), TRAIN_LABELS: idx(LABELS), "readme.txt": b"about"})
    reading, _ = read_as("images", content)
    assert reading.split["method"] == "stratified"
    assert "Not used: 1 files that are no IDX files." in reading.warnings


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_one_file_has_no_targets(pack: Callable[[bytes], bytes], read_as: Read) -> None:
    reading, arrays = read_as("images", pack(idx(IMAGES)), "train-images-idx3-ubyte.gz")
    assert (reading.schema.rows, reading.schema.labels, "y" in arrays) == (20, [], False)


@pytest.mark.parametrize("dtype", ["i2", "i4", "f4", "f8"])
def test_numbers_are_big_endian(dtype: str, read_as: Read) -> None:
    reading, arrays = read_as("images", idx(IMAGES.astype(dtype)))
    assert reading.schema.dtype == np.dtype(dtype).name
    np.testing.assert_array_equal(arrays["x"][..., 0], IMAGES)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({TRAIN_LABELS: idx(LABELS)}, f"no images to train with among '{TRAIN_LABELS}'"),
        ({TEST_IMAGES: idx(IMAGES)}, f"no images to train with among '{TEST_IMAGES}'"),
        (
            {TRAIN_IMAGES: idx(IMAGES), TRAIN_LABELS: idx(LABELS), TEST_IMAGES: idx(IMAGES)},
            "The labels of the test rows are missing",
        ),
        (
            {TRAIN_IMAGES: idx(IMAGES), TEST_LABELS: idx(LABELS)},
            "The labels of the training rows are missing",
        ),
        (
            {TRAIN_IMAGES: idx(IMAGES), "more-images-idx3-ubyte": idx(IMAGES)},
            f"Both '{TRAIN_IMAGES}' and 'more-images-idx3-ubyte' are images of the training rows",
        ),
        ({TRAIN_IMAGES: idx(IMAGES), TRAIN_LABELS: idx(LABELS[:19])}, "has 20 rows but"),
        ({TRAIN_IMAGES: b"\0\0\x07\x03"}, f"'{TRAIN_IMAGES}' is no IDX file: it begins with"),
        ({TRAIN_IMAGES: b"\0\0\x08\x05" + bytes(40)}, "is no IDX file"),
        ({TRAIN_IMAGES: b""}, "is no IDX file"),
        (
            {TRAIN_IMAGES: idx(IMAGES)[:-1]},
            "says that it holds [20, 4, 3] of uint8, 240 bytes; there are 239",
        ),
        ({TRAIN_IMAGES: idx(IMAGES) + b"x"}, "240 bytes; there are more"),
        ({TRAIN_IMAGES: b"\0\0\x08\x03" + struct.pack(">3I", 2**31, 2**31, 9)}, "at most 1,000,000,000 are"),
        ({TRAIN_IMAGES: b"\0\0\x08\x03" + struct.pack(">3I", 20, 0, 9)}, "is empty: its shape is [20, 0, 9]"),
        ({TRAIN_IMAGES: gzip.compress(idx(IMAGES))[:-9]}, "is damaged, or was cut off"),
        ({TRAIN_IMAGES: gzip.compress(idx(IMAGES))[:-2] + b"xx"}, "is damaged, or was cut off"),
        ({TRAIN_IMAGES: gzip.compress(idx(IMAGES) + bytes(10**6))}, "240 bytes; there are more"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_name(
    files: dict[str, bytes], told: str, refused: Refused
) -> None:
    assert told in refused("images", zipped(files)).message


def test_all_files_together_are_bounded(refused: Refused) -> None:
    files = {TRAIN_IMAGES: idx(0 * IMAGES), TEST_IMAGES: idx(0 * IMAGES)}
    content = zipped({name: gzip.compress(file) for name, file in files.items()})
    assert "holds 240 bytes; at most 239 are read" in refused("images", content, max_bytes=479).message


def test_labels_alone_are_no_images(refused: Refused) -> None:
    assert "has the shape [20]" in refused("images", idx(LABELS)).message
