"""Zipped pictures: of any size and mode, turned as EXIF says, one folder for each class."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

Read = Callable[..., tuple]
Refused = Callable[..., object]


def zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, file in files.items():
            archive.writestr(name, file)
    return content.getvalue()


def picture(mode: str = "L", size: tuple[int, int] = (6, 4), colour: object = 0, **options: object) -> bytes:
    content = io.BytesIO()
    Image.new(mode, size, colour).save(content, **{"format": "PNG", **options})
    return content.getvalue()


def labelled(count: int = 10, **options: object) -> dict[str, bytes]:
    return {
        f"letters/{label}/{number}.png": picture(colour=20 * place + number, **options)
        for place, label in enumerate("ab")
        for number in range(count)
    }


def noise(file_format: str) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20), np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, file_format)
    return content.getvalue()


def huge(width: int, height: int) -> bytes:
    """A PNG that claims a size and has no pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def test_grey_pictures_become_rows_and_their_folders_classes(read_as: Read) -> None:
    reading, arrays = read_as("images", zipped(labelled()), "letters.zip")
    schema = reading.schema
    assert (schema.kind, schema.shape, schema.dtype) == ("images", (4, 6, 1), "uint8")
    assert (schema.labels, schema.image.low, schema.image.high) == (["a", "b"], 0, 255)
    assert arrays["x"][:, 0, 0, 0].tolist() == [*range(10), *range(20, 30)]
    assert arrays["y"].tolist() == [0] * 10 + [1] * 10
    assert reading.warnings == []


def test_one_colour_picture_makes_all_rows_rgb(read_as: Read) -> None:
    files = labelled() | {"letters/a/99.png": picture("RGB", colour=(1, 2, 3))}
    reading, arrays = read_as("images", zipped(files))
    assert reading.schema.shape == (4, 6, 3)
    assert arrays["x"][10, 0, 0].tolist() == [1, 2, 3]
    assert arrays["x"][5, 0, 0].tolist() == [5, 5, 5]


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [("1", 1, 255), ("LA", (40, 255), 40), ("I;16", 0x2A17, 0x2A), ("LA", (0, 0), 255)],
)
def test_grey_of_any_mode_is_read(mode: str, colour: object, expected: int, read_as: Read) -> None:
    reading, arrays = read_as(
        "images", zipped(labelled() | {"letters/a/99.png": picture(mode, (6, 4), colour)})
    )
    assert reading.schema.shape == (4, 6, 1)
    assert arrays["x"][10, 0, 0, 0] == expected


@pytest.mark.parametrize(("mode", "colour"), [("P", 0), ("RGBA", (9, 9, 9, 255)), ("CMYK", (1, 2, 3, 4))])
def test_colour_of_any_mode_is_read(mode: str, colour: object, read_as: Read) -> None:
    extra = picture(mode, (6, 4), colour, format="JPEG" if mode == "CMYK" else "PNG")
    reading, _ = read_as("images", zipped(labelled() | {"letters/a/99.jpg": extra}))
    assert reading.schema.shape == (4, 6, 3)


def test_pictures_of_other_sizes_are_brought_to_the_usual_one(read_as: Read) -> None:
    reading, arrays = read_as(
        "images", zipped(labelled() | {"letters/a/99.png": picture(size=(60, 40), colour=7)})
    )
    assert arrays["x"].shape[1:] == (4, 6, 1)
    assert (arrays["x"][10] == 7).all()
    assert reading.warnings == ["Brought to 4x6: 1 of 21 pictures had another size."]


def test_a_size_can_be_asked_for(read_as: Read) -> None:
    reading, arrays = read_as("images", zipped(labelled()), size=(2, 3))
    assert arrays["x"].shape == (20, 2, 3, 1)
    assert "20 of 20 pictures" in reading.warnings[0]


def test_giants_are_made_smaller_unless_their_size_is_asked_for(read_as: Read) -> None:
    content = zipped(labelled(5, size=(1024, 512)))
    assert read_as("images", content)[0].schema.shape == (128, 256, 1)
    assert read_as("images", content, size=(512, 1024))[0].schema.shape == (512, 1024, 1)


def test_a_picture_is_turned_as_its_exif_says(read_as: Read) -> None:
    pixels = np.zeros((6, 4), np.uint8)
    pixels[:, :2] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    content = io.BytesIO()
    # Laid on its side: bright on the left is bright at the top of the upright picture.
    Image.fromarray(pixels).save(content, "JPEG", quality=100, exif=exif)
    files = {f"{label}/{number}.jpg": content.getvalue() for label in "ab" for number in range(5)}
    reading, arrays = read_as("images", zipped(files))
    assert reading.schema.shape == (4, 6, 1)
    assert arrays["x"][0, 0].min() > 200
    assert arrays["x"][0, 3].max() < 50


def test_folders_train_and_test_fix_the_test_rows(read_as: Read) -> None:
    files = {f"train/{name}": file for name, file in labelled(6).items()}
    files |= {f"test/{name}": file for name, file in labelled(2).items()}
    # Within train and test stands one more folder, which names no class.
    reading, arrays = read_as(
        "images", zipped({name.replace("letters/", ""): f for name, f in files.items()})
    )
    assert (reading.split["method"], reading.schema.labels) == ("given", ["a", "b"])
    assert arrays["test"].tolist() == [12, 13, 14, 15]


def test_pictures_without_folders_have_no_classes(read_as: Read) -> None:
    files = {name.rpartition("/")[0].replace("/", "-") + name[-5:]: f for name, f in labelled().items()}
    reading, arrays = read_as("images", zipped(files))
    assert (reading.schema.labels, "y" in arrays) == ([], False)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (huge(5001, 5000), "'a/x.png' has 5001 by 5000 pixels; at most 25,000,000"),
        (huge(25_000_001, 1), "25000001 by 1 pixels"),
        (huge(2**31 - 1, 1), "more than 25,000,000 pixels"),
        (huge(50_000, 50_000), "more than 25,000,000 pixels"),
        (noise("PNG")[:200], "'a/x.png' is not a whole PNG or JPEG picture"),
        (noise("JPEG")[:-50], "'a/x.png' is not a whole PNG or JPEG picture"),
        (b"GIF89a" + bytes(100), "'a/x.png' is not a whole PNG or JPEG picture"),
        (b"", "'a/x.png' is not a whole PNG or JPEG picture"),
        (picture(format="TIFF"), "'a/x.png' is not a whole PNG or JPEG picture"),
    ],
)
def test_one_wrong_picture_is_named(content: bytes, told: str, refused: Refused) -> None:
    files = {name.replace("letters/", ""): file for name, file in labelled().items()}
    assert told in refused("images", zipped(files | {"a/x.png": content})).message


def test_rows_that_would_be_too_large_are_refused_before_a_pixel_is_decoded(refused: Refused) -> None:
    # The pictures hold no pixels: decoding one would fail in another way.
    content = zipped({f"{label}/{number}.png": huge(100, 50) for label in "ab" for number in range(10)})
    error = refused("images", content, max_bytes=99_999)
    assert error.message == "20 pictures of 50x100, 1 channels each, are more than 99,999 bytes."
    assert error.field == "options.size"
    assert "is not a whole PNG" in refused("images", content, max_bytes=100_000).message


def test_a_damaged_archive_is_refused(refused: Refused) -> None:
    content = bytearray(zipped(labelled()))
    content[60] ^= 0xFF
    assert "'letters/a/0.png' is not a whole PNG" in refused("images", bytes(content)).message


def test_a_zip_of_neither_pictures_nor_arrays_is_refused(refused: Refused) -> None:
    error = refused("images", zipped({"notes.md": b"hello"}))
    assert "Pictures (.png, .jpg), IDX files or arrays (.npy) were expected" in error.message
    assert "the archive holds 'notes.md'." in error.message
