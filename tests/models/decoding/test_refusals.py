"""Bodies that are no pictures, or not the pictures they are said to be."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from models.decoding.images import ImageError, decode
from models.schema import ImageSchema
from models.signature import TensorSignature

MAX_PIXELS = 25_000_000
PICTURE = np.arange(256, dtype=np.uint8).reshape(16, 16)
Encode = Callable[..., bytes]


def refusal(body: bytes, media_type: str, tensor: TensorSignature, image: ImageSchema) -> ImageError:
    with pytest.raises(ImageError) as raised:
        decode(body, media_type, tensor, image, max_pixels=MAX_PIXELS)
    return raised.value


@pytest.mark.parametrize(
    ("width", "height"), [(30_000, 30_000), (50_000, 50_000), (1, 2**31 - 1), (6_000, 6_000)]
)
def test_a_huge_picture_is_refused_from_its_header(
    width: int,
    height: int,
    grey: TensorSignature,
    light_on_dark: ImageSchema,
    png_header: Callable[[int, int], bytes],
) -> None:
    body = png_header(width, height)
    tracemalloc.start()
    error = refusal(body, "image/png", grey, light_on_dark)
    allocated = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert error.code == "image_too_large"
    assert "25,000,000 pixels" in error.message
    assert allocated < 1024**2


def test_the_largest_picture_that_is_allowed_is_read(
    grey: TensorSignature, photographs: ImageSchema, encoded: Encode
) -> None:
    body = encoded(np.zeros((10, 10), np.uint8))
    assert decode(body, "image/png", grey, photographs, max_pixels=100).shape == (8, 8, 1)
    with pytest.raises(ImageError, match="10 by 10 pixels; at most 99 pixels"):
        decode(body, "image/png", grey, photographs, max_pixels=99)


def test_a_picture_under_a_wrong_name_is_refused(
    grey: TensorSignature, light_on_dark: ImageSchema, encoded: Encode
) -> None:
    error = refusal(encoded(PICTURE, "JPEG"), "image/png", grey, light_on_dark)
    assert error.code == "media_type_mismatch"
    assert "announced as image/png but is a JPEG" in error.message


@pytest.mark.parametrize("name", ["GIF", "BMP", "TIFF", "WEBP", "PDF", "ICO", "TGA"])
def test_other_formats_named_png_are_refused(
    name: str, grey: TensorSignature, light_on_dark: ImageSchema, encoded: Encode
) -> None:
    error = refusal(encoded(PICTURE, name), "image/png", grey, light_on_dark)
    assert error.code == "media_type_mismatch"


def test_another_media_type_is_refused(
    grey: TensorSignature, light_on_dark: ImageSchema, encoded: Encode
) -> None:
    error = refusal(encoded(PICTURE, "GIF"), "image/gif", grey, light_on_dark)
    assert error.code == "unsupported_media_type"
    assert "image/png or image/jpeg" in error.message


@pytest.mark.parametrize(("name", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
def test_a_truncated_picture_is_refused(
    share: float,
    name: str,
    media_type: str,
    grey: TensorSignature,
    light_on_dark: ImageSchema,
    encoded: Encode,
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
    body = encoded(noise, name)
    error = refusal(body[: int(len(body) * share)], media_type, grey, light_on_dark)
    assert error.code == "image_broken"
    assert "cut off" in error.message


def test_an_empty_body_is_refused(grey: TensorSignature, light_on_dark: ImageSchema) -> None:
    assert refusal(b"", "image/png", grey, light_on_dark).code == "media_type_mismatch"


# Pillow warns of damaged metadata that it passes over.
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_of_any_kind_is_refused_or_survived(
    data: st.DataObject, colour: TensorSignature, photographs: ImageSchema, encoded: Encode
) -> None:
    name, media_type, mode = data.draw(
        st.sampled_from(
            [
                ("PNG", "image/png", "L"),
                ("PNG", "image/png", "P"),
                ("PNG", "image/png", "RGBA"),
                ("JPEG", "image/jpeg", "L"),
                ("JPEG", "image/jpeg", "RGB"),
            ]
        )
    )
    exif = Image.Exif()
    exif[0x0112] = 3
    body = bytearray(encoded(Image.fromarray(PICTURE).convert(mode), name, exif=exif))
    for _ in range(data.draw(st.integers(1, 8))):
        body[data.draw(st.integers(8, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        row = decode(bytes(body), media_type, colour, photographs, max_pixels=10_000)
    except ImageError:
        return
    assert row.shape == (8, 8, 3)
    assert np.isfinite(row).all()
