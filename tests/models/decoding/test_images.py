from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from models.decoding.images import decode
from models.schema import ImageSchema
from models.signature import TensorSignature

MAX_PIXELS = 25_000_000
Encode = Callable[..., bytes]


def ring_and_dot(dark: int = 0, light: int = 255, side: int = 64) -> np.ndarray:
    """A light square in the middle of a dark ground."""
    pixels = np.full((side, side), dark, np.uint8)
    pixels[side // 4 : -side // 4, side // 4 : -side // 4] = light
    return pixels


def test_a_picture_becomes_a_row_in_the_range_of_the_dataset(
    grey: TensorSignature, light_on_dark: ImageSchema, encoded: Encode
) -> None:
    row = decode(encoded(ring_and_dot()), "image/png", grey, light_on_dark, max_pixels=MAX_PIXELS)
    expected = np.zeros((8, 8, 1), np.float32)
    expected[2:6, 2:6] = 16
    assert row.dtype == np.float32
    np.testing.assert_array_equal(row, expected)


def test_shrinking_takes_the_mean_of_the_area(
    grey: TensorSignature, photographs: ImageSchema, encoded: Encode
) -> None:
    pixels = np.zeros((16, 16), np.uint8)
    pixels[0, 0] = 200
    row = decode(encoded(pixels), "image/png", grey, photographs, max_pixels=MAX_PIXELS)
    assert row[0, 0, 0] == 50
    assert row.sum() == 50


def test_black_and_white_map_to_both_ends_of_a_range_below_zero(
    grey: TensorSignature, encoded: Encode
) -> None:
    centred = ImageSchema(low=-1, high=1, background=-1)
    row = decode(encoded(ring_and_dot()), "image/png", grey, centred, max_pixels=MAX_PIXELS)
    assert (row.min(), row.max()) == (-1, 1)


def test_dark_on_light_is_inverted_to_look_like_the_training_rows(
    grey: TensorSignature, light_on_dark: ImageSchema, encoded: Encode
) -> None:
    as_trained = encoded(ring_and_dot())
    on_paper = encoded(255 - ring_and_dot())
    np.testing.assert_array_equal(
        decode(on_paper, "image/png", grey, light_on_dark, max_pixels=MAX_PIXELS),
        decode(as_trained, "image/png", grey, light_on_dark, max_pixels=MAX_PIXELS),
    )


def test_rows_with_a_bright_ground_ask_for_the_opposite(grey: TensorSignature, encoded: Encode) -> None:
    dark_on_light = ImageSchema(low=0, high=255, background=250)
    row = decode(encoded(ring_and_dot()), "image/png", grey, dark_on_light, max_pixels=MAX_PIXELS)
    assert row[0, 0, 0] == 255
    assert row[4, 4, 0] == 0


@pytest.mark.parametrize(("invert", "middle"), [("yes", 0), ("no", 16)])
def test_a_person_can_decide_about_the_polarity(
    invert: str, middle: int, grey: TensorSignature, light_on_dark: ImageSchema, encoded: Encode
) -> None:
    body = encoded(ring_and_dot())
    row = decode(body, "image/png", grey, light_on_dark, invert=invert, max_pixels=MAX_PIXELS)  # type: ignore[arg-type]
    assert row[4, 4, 0] == middle


def test_photographs_are_never_inverted_by_themselves(
    grey: TensorSignature, photographs: ImageSchema, encoded: Encode
) -> None:
    body = encoded(255 - ring_and_dot())
    row = decode(body, "image/png", grey, photographs, max_pixels=MAX_PIXELS)
    assert row[0, 0, 0] == 255


def test_colours_are_never_inverted_by_themselves(
    colour: TensorSignature, light_on_dark: ImageSchema, encoded: Encode
) -> None:
    body = encoded(np.full((8, 8, 3), 255, np.uint8))
    assert decode(body, "image/png", colour, light_on_dark, max_pixels=MAX_PIXELS).min() == 16


def test_colour_becomes_grey_by_brightness(
    grey: TensorSignature, photographs: ImageSchema, encoded: Encode
) -> None:
    green = np.zeros((8, 8, 3), np.uint8)
    green[..., 1] = 255
    row = decode(encoded(green), "image/png", grey, photographs, max_pixels=MAX_PIXELS)
    assert row[0, 0, 0] == pytest.approx(255 * 0.587, abs=1)


def test_grey_becomes_three_equal_channels(
    colour: TensorSignature, photographs: ImageSchema, encoded: Encode
) -> None:
    row = decode(encoded(ring_and_dot()), "image/png", colour, photographs, max_pixels=MAX_PIXELS)
    assert row.shape == (8, 8, 3)
    assert (row == row[..., :1]).all()


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA", "I;16"])
def test_every_way_to_store_grey_gives_the_same_row(
    mode: str, grey: TensorSignature, light_on_dark: ImageSchema, encoded: Encode
) -> None:
    pixels = ring_and_dot()
    if mode == "I;16":
        stored = Image.fromarray(pixels.astype(np.uint16) * 257)
    else:
        stored = Image.fromarray(pixels).convert(mode)
    np.testing.assert_array_equal(
        decode(encoded(stored), "image/png", grey, light_on_dark, max_pixels=MAX_PIXELS),
        decode(encoded(pixels), "image/png", grey, light_on_dark, max_pixels=MAX_PIXELS),
    )


@pytest.mark.parametrize("ink", [0, 255])
def test_a_drawing_on_nothing_stays_visible(
    ink: int, grey: TensorSignature, light_on_dark: ImageSchema, encoded: Encode
) -> None:
    drawing = Image.new("LA", (64, 64), (ink, 0))
    drawing.putalpha(Image.fromarray(ring_and_dot()))
    body = encoded(drawing)
    row = decode(body, "image/png", grey, light_on_dark, max_pixels=MAX_PIXELS)
    assert row[4, 4, 0] == 16
    assert row[0, 0, 0] == 0


def test_a_transparent_colour_of_a_palette_is_transparent(
    grey: TensorSignature, light_on_dark: ImageSchema, encoded: Encode
) -> None:
    indexed = Image.fromarray(ring_and_dot(1, 0)).convert("P")
    indexed.putpalette([0, 0, 0, 90, 0, 200])
    body = encoded(indexed, transparency=1)
    row = decode(body, "image/png", grey, light_on_dark, max_pixels=MAX_PIXELS)
    assert row[4, 4, 0] == 16
    assert row[0, 0, 0] == 0


def test_a_jpeg_is_read(grey: TensorSignature, light_on_dark: ImageSchema, encoded: Encode) -> None:
    body = encoded(ring_and_dot(), "JPEG", quality=95)
    row = decode(body, "image/jpeg", grey, light_on_dark, max_pixels=MAX_PIXELS)
    assert row[4, 4, 0] == pytest.approx(16, abs=0.2)
    assert row[0, 0, 0] == pytest.approx(0, abs=0.2)


def test_a_large_jpeg_gives_what_its_small_form_gives(
    grey: TensorSignature, light_on_dark: ImageSchema, encoded: Encode
) -> None:
    large = encoded(ring_and_dot(side=2048), "JPEG", quality=95)
    row = decode(large, "image/jpeg", grey, light_on_dark, max_pixels=MAX_PIXELS)
    small = decode(encoded(ring_and_dot()), "image/png", grey, light_on_dark, max_pixels=MAX_PIXELS)
    np.testing.assert_allclose(row, small, atol=0.2)


def test_a_cmyk_jpeg_is_read(colour: TensorSignature, photographs: ImageSchema, encoded: Encode) -> None:
    body = encoded(Image.new("RGB", (8, 8), "red").convert("CMYK"), "JPEG", quality=95)
    row = decode(body, "image/jpeg", colour, photographs, max_pixels=MAX_PIXELS)
    assert row[0, 0] == pytest.approx([255, 0, 0], abs=8)


@pytest.mark.parametrize(("name", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
def test_a_picture_is_turned_as_its_exif_says(
    name: str, media_type: str, grey: TensorSignature, photographs: ImageSchema, encoded: Encode
) -> None:
    pixels = np.zeros((64, 64), np.uint8)
    pixels[:32] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the scene is at the right side of the stored pixels
    body = encoded(Image.fromarray(pixels), name, exif=exif)
    row = decode(body, media_type, grey, photographs, max_pixels=MAX_PIXELS)
    assert row[:, 7, 0] == pytest.approx(255, abs=3)
    assert row[:, 0, 0] == pytest.approx(0, abs=3)


def test_of_an_animation_the_first_frame_counts(
    grey: TensorSignature, light_on_dark: ImageSchema, encoded: Encode
) -> None:
    frames = [Image.fromarray(ring_and_dot(light=level)) for level in (255, 128, 64)]
    body = encoded(frames[0], save_all=True, append_images=frames[1:])
    assert b"acTL" in body
    row = decode(body, "image/png", grey, light_on_dark, max_pixels=MAX_PIXELS)
    assert row[4, 4, 0] == 16


def test_a_picture_is_enlarged_where_it_is_too_small(
    grey: TensorSignature, photographs: ImageSchema, encoded: Encode
) -> None:
    body = encoded(np.array([[0, 255]], np.uint8))
    row = decode(body, "image/png", grey, photographs, max_pixels=MAX_PIXELS)
    assert (row[:, :4] == 0).all()
    assert (row[:, 4:] == 255).all()
