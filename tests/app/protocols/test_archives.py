import io
import random
import zipfile
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from app.errors import AppError, Invalid, TooLarge
from app.protocols.archives import LARGEST_PICTURES, RATIO, RATIO_FREE_BYTES, ZIP_TYPE, read_archive
from app.protocols.pictures import read_picture
from models.schema import ImageSchema
from models.signature import TensorSignature

PATH = "/api/v1/models/digits/predict"
SHADES = {"grey.png": 128, "folder/light.jpeg": 240, "dark.png": 10}


def picture(shade=0, sort="PNG", side=8):
    content = io.BytesIO()
    Image.fromarray(np.full((side, side), shade, np.uint8)).save(content, sort)
    return content.getvalue()


def zipped(members, compression=zipfile.ZIP_STORED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return content.getvalue()


def pictures():
    return {
        name: picture(shade, "JPEG" if name.endswith("jpeg") else "PNG") for name, shade in SHADES.items()
    }


def read(body, *, max_rows=100, max_bytes=1024**2, max_pixels=10_000, shape=(8, 8, 1)):
    """Read an archive whose pictures become their own sizes."""

    def see(content, media_type):
        assert media_type == "image/png"
        return np.full((1, *shape), len(content), np.float32)

    return read_archive(body, see, shape, max_rows=max_rows, max_bytes=max_bytes, max_pixels=max_pixels)


def refusal(body, **limits):
    with pytest.raises(AppError) as caught:
        read(body, **limits)
    return caught.value


@pytest.mark.anyio
@pytest.mark.parametrize("media_type", [ZIP_TYPE, "application/x-zip-compressed", None])
async def test_pictures_are_answered_in_the_archives_order_and_by_name(client, registry, media_type):
    registry.publish(seed=4)
    members = {"folder/": b"", **pictures(), "__MACOSX/._dark.png": b"x", ".DS_Store": b"x"}
    headers = {"content-type": media_type} if media_type else {}
    answer = (await client.post(f"{PATH}?invert=no", content=zipped(members), headers=headers)).json()
    assert answer["files"] == list(SHADES)
    rows = np.stack([np.full((8, 8, 1), shade * 16 / 255) for shade in SHADES.values()])
    found = [each["probabilities"] for each in answer["predictions"]]
    np.testing.assert_allclose(found, registry.expected(4, rows), atol=0.01)


@pytest.mark.anyio
async def test_what_is_wrong_with_a_picture_names_it(client, registry):
    registry.publish(seed=4)

    async def told(members):
        answer = await client.post(PATH, content=zipped(members))
        return answer.status_code, answer.json()["code"], answer.json()["detail"]

    broken = await told({**pictures(), "half.png": picture()[:40]})
    assert broken[:2] == (422, "image_broken")
    assert broken[2].startswith("'half.png': ")
    status, code, detail = await told({**pictures(), "notes.txt": b"hello"})
    assert (status, code) == (422, "zip_invalid")
    assert "'notes.txt'" in detail
    large = await told({"large.png": picture(side=101)})
    assert large[:2] == (413, "image_too_large")
    assert "'large.png'" in large[2]


@pytest.mark.anyio
async def test_only_what_takes_pictures_takes_archives_of_them(client, registry, table):
    table(registry)
    answer = await client.post("/api/v1/models/table/predict", content=zipped(pictures()))
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_rows_keep_the_order_of_the_archive():
    contents = [picture(side=side) for side in (30, 8, 20)]
    rows, names = read(zipped({f"{3 - number}.png": each for number, each in enumerate(contents)}))
    assert names == ["3.png", "2.png", "1.png"]
    assert rows[:, 0, 0, 0].tolist() == [len(each) for each in contents]


def test_nothing_is_written_under_the_names_of_an_archive(tmp_path, monkeypatch):
    (inner := tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(inner)
    _, names = read(zipped({"../../evil.png": picture(), "/evil.png": picture()}))
    assert names == ["../../evil.png", "/evil.png"]
    assert list(tmp_path.rglob("*.png")) == []


def test_no_more_pictures_are_read_than_rows_may_be_asked():
    archive = zipped({f"{number}.png": picture() for number in range(3)})
    for most in (3, 4):
        assert len(read(archive, max_rows=most)[0]) == 3
    refused = refusal(archive, max_rows=2)
    assert (refused.code, type(refused)) == ("too_many_rows", Invalid)
    assert "at most 2 pictures in the archive, got 3" in refused.detail


def test_rows_take_no_more_memory_than_a_body_of_numbers_would():
    archive = zipped({f"{number}.png": picture() for number in range(3)})
    per_row = 2 * 1000 * 100
    assert len(read(archive, max_bytes=3 * per_row, shape=(1000, 100, 1))[0]) == 3
    assert refusal(archive, max_bytes=3 * per_row - 1, shape=(1000, 100, 1)).code == "too_many_rows"


def test_all_pictures_together_have_a_limit_too():
    side = 100
    most = {f"{number}.png": picture(side=side) for number in range(LARGEST_PICTURES)}
    assert len(read(zipped(most), max_pixels=side**2)[0]) == LARGEST_PICTURES
    refused = refusal(zipped({**most, "more.png": picture(side=1)}), max_pixels=side**2)
    assert isinstance(refused, TooLarge)
    assert "'more.png'" in refused.detail


def test_sizes_are_judged_before_anything_is_unpacked():
    body = picture(side=300)
    archive = zipped({"a.png": body})
    for room in (0, 1):
        assert len(read(archive, max_bytes=len(body) + room, max_pixels=10**6)[0]) == 1
    assert "bytes unpacked; at most" in refusal(archive, max_bytes=len(body) - 1).detail


def test_what_grows_too_much_is_no_archive_of_pictures():
    """The size that an archive may have unpacked follows from its own, beyond what is small anyhow."""
    grown = picture() + bytes(RATIO_FREE_BYTES - len(picture()))
    small = zipped({"a.png": grown}, zipfile.ZIP_DEFLATED)
    assert len(small) * RATIO < RATIO_FREE_BYTES
    assert len(read(small, max_bytes=10**8)[0]) == 1
    refused = refusal(zipped({"a.png": grown + b"0"}, zipfile.ZIP_DEFLATED), max_bytes=10**8)
    assert f"at most {RATIO_FREE_BYTES:,} are read" in refused.detail


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda body: body[:-1], "does not end as one"),
        (lambda body: body[: len(body) // 2], "does not end as one"),
        (lambda body: body.replace(b"IDAT", b"idat"), "cannot be unpacked"),
        # The directory's word for encryption, and for a method of packing that is not known.
        (
            lambda body: body.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"),
            "enc",
        ),
        (lambda body: body.replace(b"one.png", b"on\n.png"), "not the name of a file"),
        (lambda body: body.replace(b"one.png", b"two.png"), "twice"),
    ],
)
def test_archives_that_are_not_whole_or_not_honest_are_refused(change, text):
    body = zipped({"one.png": picture(), "two.png": picture()})
    changed = change(body)
    assert changed != body
    refused = refusal(changed)
    assert (refused.status, refused.code) == (422, "zip_invalid")
    assert text in refused.detail


def test_a_member_is_never_larger_than_it_says():
    """What the directory says is small, and unpacks to much, ends at what was said and fails its checksum."""
    content = picture() + bytes(10**6)
    body = bytearray(zipped({"a.png": content}, zipfile.ZIP_DEFLATED))
    place = body.rindex(b"PK\x01\x02") + 24
    body[place : place + 4] = (1000).to_bytes(4, "little")
    assert "cannot be unpacked" in refusal(bytes(body)).detail


def test_damage_anywhere_is_refused_politely():
    body = zipped({**pictures(), "folder/": b""}, zipfile.ZIP_DEFLATED)
    statuses = Counter()
    for seed in range(500):
        dice, damaged = random.Random(seed), bytearray(body)
        for _ in range(dice.choice((1, 2, 30))):
            damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
        try:
            rows, names = read_archive(
                bytes(damaged), seen, (8, 8, 1), max_rows=10, max_bytes=10**6, max_pixels=10**4
            )
            assert len(rows) == len(names) > 0
        except AppError as error:
            statuses[error.status] += 1
    assert statuses.keys() <= {413, 422}
    assert statuses.total() > 400


def seen(content, media_type):
    tensor = TensorSignature(name="image", dtype="float32", shape=(8, 8, 1))
    schema = ImageSchema(low=0, high=16, background=0)
    return read_picture(content, media_type, tensor, schema, query_string=b"", max_pixels=10**4)


def test_an_archive_without_pictures_is_no_question():
    assert "at least one" in refusal(zipped({"folder/": b""})).detail
    assert "at least one" in refusal(zipped({})).detail


def test_many_names_are_refused_before_they_are_read():
    names = {f"{number:0200}.png": b"" for number in range(17_000)}
    assert "too many files" in refusal(zipped(names)).detail
