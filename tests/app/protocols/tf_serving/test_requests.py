"""Bodies of predict, classify and regress: how they are packed, and what may stand in them."""

import base64
import gzip
import io
import json
import zlib

import numpy as np
import pytest
from PIL import Image
from tensors import error

PREDICT = "/v1/models/digits:predict"
# A white square on black, which is 16 and 0 as the version has it.
SQUARE = np.zeros((1, 8, 8, 1), np.float32)
SQUARE[:, 2:6, 2:6] = 16


@pytest.fixture(scope="module")
def client(module_service, module_registry):
    module_registry.publish(seed=4)
    with module_service.client("predict") as client:
        assert client.get("/v1/models/digits/metadata").status_code == 200
        yield client


@pytest.fixture(scope="module")
def expected(module_registry):
    return module_registry.expected(4, SQUARE)


def picture():
    content = io.BytesIO()
    Image.fromarray((SQUARE[0, :, :, 0] * (255 / 16)).astype(np.uint8)).save(content, "PNG")
    return content.getvalue()


def b64(content):
    return {"b64": base64.b64encode(content).decode()}


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_packed_bodies_are_unpacked(client, expected, encoding, pack):
    body = pack(json.dumps({"instances": SQUARE.tolist()}).encode())
    packed = {"Content-Encoding": encoding}
    answer = client.post(PREDICT, content=body, headers=packed)
    assert answer.status_code == 200, answer.text
    np.testing.assert_allclose(answer.json()["predictions"], expected, atol=1e-6)
    examples = pack(json.dumps({"examples": [{"image": SQUARE.ravel().tolist()}]}).encode())
    answer = client.post("/v1/models/digits:classify", content=examples, headers=packed)
    assert [label for label, _ in answer.json()["results"][0]] == ["zero", "one", "two"]
    assert "damaged" in error(client.post(PREDICT, content=b"{}", headers=packed))
    bomb = client.post(PREDICT, content=pack(bytes(32 * 1024**2 + 1)), headers=packed)
    assert "unpacked" in error(bomb, 413)


def test_another_packing_is_refused_with_those_that_are_taken(client):
    answer = client.post(PREDICT, content=b"{}", headers={"Content-Encoding": "br"})
    assert "gzip or deflate" in error(answer, 415)
    assert answer.headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ({"instances": [b64(picture())]}, "predictions"),
        ({"instances": [{"image": b64(picture())}]}, "predictions"),
        ({"inputs": [b64(picture())]}, "outputs"),
        ({"inputs": {"image": [b64(picture())]}}, "outputs"),
    ],
)
def test_a_picture_is_a_row_in_every_form(client, expected, body, member):
    answer = client.post(PREDICT, json=body)
    assert answer.status_code == 200, answer.text
    np.testing.assert_allclose(answer.json()[member], expected, atol=1e-6)


def test_pictures_and_numbers_share_a_column(client, expected):
    answer = client.post(PREDICT, json={"inputs": [SQUARE[0].tolist(), b64(picture())]})
    np.testing.assert_allclose(answer.json()["outputs"], np.repeat(expected, 2, axis=0), atol=1e-6)


def test_a_picture_is_a_feature(client, expected):
    answer = client.post("/v1/models/digits:classify", json={"examples": [{"image": b64(picture())}]})
    assert answer.status_code == 200, answer.text
    scores = [score for _, score in answer.json()["results"][0]]
    np.testing.assert_allclose(scores, expected[0], atol=1e-6)


@pytest.mark.parametrize("sent", [b"no picture", picture()[:40]])
def test_what_is_no_whole_picture_is_a_bad_request_in_every_form(client, sent):
    for body in ({"instances": [b64(sent)]}, {"inputs": [b64(sent)]}, {"inputs": {"image": [b64(sent)]}}):
        assert "PNG" in error(client.post(PREDICT, json=body))
    assert "PNG" in error(
        client.post("/v1/models/digits:classify", json={"examples": [{"image": b64(sent)}]})
    )


def test_members_that_mean_nothing_are_passed_over(client, expected):
    for body in (
        {"more": [1], "instances": SQUARE.tolist(), "signature_name": ""},
        {"instances": SQUARE.tolist(), "signature_name": "predict"},
    ):
        np.testing.assert_allclose(client.post(PREDICT, json=body).json()["predictions"], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"hello", "at offset: 0"),
        (b'{"instances": [1,}', "at offset: 17"),
        (b'{"signature_name": "x", "inputs": []}', 'Serving signature name: "x" not found in signature def'),
        (
            b'{"instances": [[[1, 2], [3]]]}',
            "Failed to process element: 0 of 'instances' list. Error: Expecting tensor size: 2",
        ),
        (b'{"instances": [1, "x"]}', "Failed to process element: 1 of 'instances' list. Error: JSON Value"),
        (b'{"instances": {"b64": "AA=="}}', "to be an list/array"),
        (b'{"inputs": 1}', "Expecting a list of rows"),
        (b'{"inputs": [{"b64": "AA==", "more": 1}]}', "not formatted correctly for base64 data"),
        (b'{"inputs": [{"b64": "AA"}]}', "Unable to base64 decode"),
        (b'{"inputs": [[1, 2], [3]]}', "Expecting tensor size: 2 but got: 1"),
        (b'{"inputs": [[1], {"b64": "%s"}]}' % b64(picture())["b64"].encode(), "Expecting shape [1] but got"),
    ],
)
def test_wrong_bodies_are_told_where_they_are_wrong(client, body, text):
    assert text in error(client.post(PREDICT, content=body))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"examples": [1]}, "Example 0 must be an object"),
        ({"examples": [{}]}, "Example 0 lacks the feature image"),
        ({"examples": [{"image": [1]}]}, "has 1 values, 64 were expected"),
        ({"examples": [{"image": ["x"] * 64}]}, "is not of expected type: float"),
        ({"examples": [{"image": [True, *[1] * 63]}]}, "Type: Boolean"),
        ({"examples": [{"image": 1}], "context": []}, "'context' must be an object"),
        ({"examples": [{}], "signature_name": 1}, "'signature_name' key must be a string value."),
    ],
)
def test_wrong_examples_are_told_what_is_wrong(client, body, text):
    assert text in error(client.post("/v1/models/digits:classify", json=body))
