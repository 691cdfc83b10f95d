import math
from pathlib import Path
from typing import Any

import pytest

import keraforge


class Array:
    """As much of a NumPy array as the client needs."""

    def __init__(self, rows: list[Any]) -> None:
        self._rows = rows

    def tolist(self) -> list[Any]:
        return self._rows


@pytest.mark.parametrize(
    "instances",
    [[[1.0, 2.0]], ((1.0, 2.0),), Array([[1.0, 2.0]]), [Array([1.0, 2.0])]],
    ids=["lists", "tuples", "array", "list of arrays"],
)
def test_rows_may_be_lists_or_arrays(call: Any, service: Any, instances: Any) -> None:
    row = {"label": "7", "probability": 0.9, "probabilities": [0.1, 0.9]}
    answer = {"model": "digits", "version": 3, "job": "job_1", "labels": ["1", "7"], "predictions": [row]}
    service.on("POST", "/models/digits/predict", answer)
    predictions = call(lambda client: client.predict("digits", instances))
    assert (predictions.version, predictions.predictions[0].label) == (3, "7")
    assert service.sent() == {"instances": [[1.0, 2.0]]}


ANSWER = {"model": "digits", "version": 3, "job": "job_1", "labels": [], "predictions": []}


def test_a_version_or_an_alias_may_be_named(call: Any, service: Any) -> None:
    for path in ("/models/digits/versions/3/predict", "/models/digits/aliases/blue/predict"):
        service.on("POST", path, ANSWER)
    assert call(lambda client: client.predict("digits", [], version=3)).version == 3
    assert call(lambda client: client.predict("digits", [], alias="blue")).version == 3
    with pytest.raises(ValueError, match="not both"):
        call(lambda client: client.predict("digits", [], version=3, alias="blue"))


@pytest.mark.parametrize(
    ("body", "media_type"), [(b"\x89PNG\r\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg")]
)
def test_an_image_is_sent_as_what_it_is(
    call: Any, service: Any, tmp_path: Path, body: bytes, media_type: str
) -> None:
    file = tmp_path / "seven.bin"
    file.write_bytes(body)
    service.on("POST", "/models/digits/predict", ANSWER)
    call(lambda client: client.predict_image("digits", file, invert="yes"))
    assert service.requests[-1].headers["Content-Type"] == media_type
    assert service.requests[-1].url.params["invert"] == "yes"
    assert service.requests[-1].content == body


def test_a_file_that_is_no_image_is_not_sent(call: Any, service: Any) -> None:
    with pytest.raises(
        keraforge.Unsupported, match="PNG or JPEG picture, got a file that begins with b'GIF89a'"
    ):
        call(lambda client: client.predict_image("digits", b"GIF89a"))
    assert service.requests == []


def test_the_service_is_asked_about_numbers_that_are_none(call: Any, service: Any) -> None:
    service.on("POST", "/models/digits/predict", ANSWER)
    call(lambda client: client.predict("digits", [[math.nan, "é\ud800"]]))
    assert service.requests[-1].headers["Content-Type"] == "application/json"
    assert service.requests[-1].content.startswith(b'{"instances": [[NaN, "\xc3\xa9')
