"""Files of every kind, damaged at random: they are read, or refused in words; nothing else."""

import gzip
import io
import json
import random
import struct
import zipfile
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from PIL import Image

from models.reading.errors import BadData

ROUNDS = 40
RANDOM = np.random.default_rng(0)


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, file in files.items():
            archive.writestr(name, file)
    return content.getvalue()


def picture(file_format: str) -> bytes:
    content = io.BytesIO()
    Image.fromarray(RANDOM.integers(0, 256, (9, 8), np.uint8)).save(content, file_format)
    return content.getvalue()


def folders(ending: str, files: Callable[[int], bytes]) -> dict[str, bytes]:
    return {f"{label}/{row}{ending}": files(row) for label in "ab" for row in range(6)}


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


def parquet() -> bytes:
    content = io.BytesIO()
    columns = {"size": RANDOM.normal(size=30), "colour": ["red", "blue", None] * 10, "count": [1, 2, 3] * 10}
    pa.parquet.write_table(pa.table(columns), content)
    return content.getvalue()


def npz() -> bytes:
    content = io.BytesIO()
    np.savez(content, x=RANDOM.normal(size=(20, 5, 2)), y=np.arange(20) % 2, lengths=[1, 2, 3, 4, 5] * 4)
    return content.getvalue()


STEPS = "walk,time,x\n" + "".join(f"{row % 12},{row},{row / 3:.2f}\n" for row in range(36))
JSON = "".join(json.dumps({"text": f"word {row}", "label": row % 2}) + "\n" for row in range(20))
MNIST = {
    "train-images-idx3-ubyte.gz": gzip.compress(idx(RANDOM.integers(0, 9, (20, 3, 3)))),
    "train-labels-idx1-ubyte": idx(np.arange(20) % 2),
}
WHOLE = [
    ("images", zipped(folders(".png", lambda _: picture("PNG"))), {}),
    ("images", zipped(folders(".jpg", lambda _: picture("JPEG")), zipfile.ZIP_STORED), {}),
    ("images", zipped(MNIST), {}),
    ("images", idx(RANDOM.integers(0, 9, (20, 3, 3))), {}),
    ("text", zipped(folders(".txt", lambda row: f"word {row}".encode())), {}),
    ("text", JSON.encode(), {}),
    ("text", ("h\u00e9llo world\n" * 60).encode(), {"layout": "corpus", "length": 5, "tokens": "character"}),
    ("table", STEPS.encode(), {}),
    ("table", parquet(), {}),
    ("sequences", STEPS.encode(), {"sequence_column": "walk", "time_column": "time"}),
    ("sequences", npz(), {}),
]


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Return a file with a few bytes changed, lost, added, or copied from elsewhere."""
    found = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        place = chance.randrange(len(found))
        match chance.randrange(5):
            case 0:
                found[place] = chance.randrange(256)
            case 1:
                del found[place : min(place + chance.choice((1, 4, 50)), len(found) - 1)]
            case 2:
                found[place:place] = chance.randbytes(chance.choice((1, 3, 8)))
            case 3:
                found[place : place + 4] = struct.pack(
                    "<I", chance.choice((0, 1, 2**16, 2**31 - 1, 2**32 - 1))
                )
            case _:
                elsewhere = chance.randrange(len(found))
                found[place : place + 8] = found[elsewhere : elsewhere + 8]
    return bytes(found)


@pytest.mark.parametrize(("kind", "content", "options"), WHOLE, ids=range(len(WHOLE)))
def test_a_damaged_file_is_read_or_refused_in_words(
    kind: str, content: bytes, options: dict[str, object], read_as: Callable[..., object]
) -> None:
    read_as(kind, content, **options)
    chance = random.Random(7)
    told = []
    for _ in range(ROUNDS):
        try:
            read_as(kind, damaged(content, chance), max_bytes=10**8, **options)
        except BadData as error:
            told.append(error.message)
    assert told
    assert all(0 < len(message) < 1000 for message in told)


@pytest.mark.parametrize("bit", [0, 5, 6])
@pytest.mark.parametrize(("kind", "content"), [WHOLE[0][:2], WHOLE[2][:2], WHOLE[4][:2]], ids=range(3))
def test_flags_that_this_python_cannot_unpack_are_refused(
    bit: int, kind: str, content: bytes, read_as: Callable[..., object]
) -> None:
    found = bytearray(content)
    # The flags of the first member, in the archive's directory.
    found[content.index(b"PK\x01\x02") + 8] |= 1 << bit
    with pytest.raises(BadData):
        read_as(kind, bytes(found))
