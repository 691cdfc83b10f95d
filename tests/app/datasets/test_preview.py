import io
from collections.abc import Callable

import httpx
import numpy as np
import pytest
from PIL import Image

from app.datasets import preview

# No query here differs between the databases.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PREVIEW = "/api/v1/datasets/digits/versions/1/preview"
Ready = Callable[..., np.ndarray]


def test_rows_are_shown_as_they_are_stored(client: httpx.Client, ready: Ready) -> None:
    images = ready()
    shown = client.get(PREVIEW, params={"offset": 5, "limit": 4}).json()
    assert [row["row"] for row in shown["rows"]] == [5, 6, 7, 8]
    assert [row["label"] for row in shown["rows"]] == ["one", "zero", "one", "zero"]
    assert [row["split"] for row in shown["rows"]] == ["train", "test", "train", "train"]
    assert (np.array([row["values"] for row in shown["rows"]]) == images[5:9]).all()
    assert (shown["total"], shown["shape"]) == (30, [8, 8, 1])


def test_beyond_the_last_row_there_is_nothing(client: httpx.Client, ready: Ready) -> None:
    ready()
    assert [row["row"] for row in client.get(PREVIEW, params={"offset": 28}).json()["rows"]] == [28, 29]
    assert client.get(PREVIEW, params={"offset": 30}).json()["rows"] == []
    picture = client.get(PREVIEW, params={"offset": 30}, headers={"Accept": "image/png"})
    assert Image.open(io.BytesIO(picture.content)).format == "PNG"


@pytest.mark.parametrize(("most", "shown"), [(200, 3), (191, 2), (1, 1)])
def test_large_rows_come_in_smaller_pages(
    client: httpx.Client, ready: Ready, monkeypatch: pytest.MonkeyPatch, most: int, shown: int
) -> None:
    monkeypatch.setattr(preview, "MAX_VALUES", most)
    ready(shape=(8, 8, 1))
    assert len(client.get(PREVIEW, params={"limit": 6}).json()["rows"]) == shown


def test_a_picture_shows_each_row_in_a_cell(client: httpx.Client, ready: Ready) -> None:
    images = ready()
    answer = client.get(PREVIEW, params={"limit": 5}, headers={"Accept": "image/png"})
    assert answer.headers["content-type"] == "image/png"
    sheet = np.asarray(Image.open(io.BytesIO(answer.content)).convert("L"))
    # Five cells of 48 pixels, 8 by 8 enlarged six times, three in a line.
    cell = preview.MIN_SIDE + preview.GAP
    assert sheet.shape == (2 * cell + preview.GAP, 3 * cell + preview.GAP)
    for index in range(5):
        top, left = (preview.GAP + cell * place for place in divmod(index, 3))
        centres = sheet[top : top + 48, left : left + 48][3::6, 3::6]
        assert (centres == np.round(images[index, ..., 0] / 16 * 255)).all()


def test_a_picture_of_any_shape_is_drawn_small(client: httpx.Client, ready: Ready) -> None:
    for name, shape in {"wide": (200, 300, 3), "flat": (1, 40, 1), "high": (300, 2, 1)}.items():
        ready(name, rows=12, shape=shape)
        path = f"/api/v1/datasets/{name}/versions/1/preview"
        answer = client.get(path, params={"limit": 1}, headers={"Accept": "image/webp,image/*"})
        assert max(Image.open(io.BytesIO(answer.content)).size) <= preview.MAX_SIDE + 2 * preview.GAP


def test_what_is_being_read_cannot_be_shown_yet(client: httpx.Client) -> None:
    client.post("/api/v1/datasets", json={"name": "digits", "builtin": "digits"})
    answer = client.get(PREVIEW)
    assert (answer.status_code, answer.json()["current_state"]) == (409, "reading")


def test_pages_out_of_range_are_refused(client: httpx.Client, ready: Ready) -> None:
    ready()
    for query in ({"offset": -1}, {"limit": 0}, {"limit": 101}, {"offset": 10**30}):
        assert client.get(PREVIEW, params=query).status_code == 422


def test_an_unknown_version_is_not_found(client: httpx.Client, ready: Ready) -> None:
    ready()
    for path in ("digits/versions/2", "none/versions/1", "di%20gits", "digits/versions/2/preview"):
        answer = client.get(f"/api/v1/datasets/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
