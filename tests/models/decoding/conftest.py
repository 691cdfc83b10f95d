import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from models.schema import ImageSchema
from models.signature import TensorSignature


@pytest.fixture
def grey() -> TensorSignature:
    return TensorSignature(name="image", dtype="float32", shape=(8, 8, 1))


@pytest.fixture
def colour() -> TensorSignature:
    return TensorSignature(name="image", dtype="float32", shape=(8, 8, 3))


@pytest.fixture
def light_on_dark() -> ImageSchema:
    return ImageSchema(low=0, high=16, background=2.7)


@pytest.fixture
def photographs() -> ImageSchema:
    return ImageSchema(low=0, high=255, background=120)


@pytest.fixture
def encoded() -> Callable[..., bytes]:
    def encode(picture: Image.Image | np.ndarray, name: str = "PNG", **options: object) -> bytes:
        picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        stream = io.BytesIO()
        picture.save(stream, name, **options)
        return stream.getvalue()

    return encode


@pytest.fixture
def png_header() -> Callable[[int, int], bytes]:
    """A PNG that promises a size but holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    def header(width: int, height: int) -> bytes:
        size = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
        pixels = zlib.compress(b"\0" * 100)
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")

    return header
