import json

import numpy as np
import pytest
from tensors import LENGTH, as_bytes, error, sized, tensor

ROWS = np.random.default_rng(7).integers(0, 17, (3, 8, 8, 1)).astype(np.float32)
INFER = "/v2/models/digits/infer"
IMAGE = {"name": "image", "shape": [1, 8, 8, 1], "datatype": "FP32"}
DATA = [0.5] * 64
CLASSES = {"name": "probabilities"}


def nested(depth):
    found = DATA
    for _ in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "cannot be read"),
        (b"[1]", "Expected a JSON object"),
        ({}, "Expected 'inputs'"),
        ({"inputs": []}, "expected 1 inputs but got 0"),
        ({"inputs": [{**IMAGE, "name": "x", "data": DATA}]}, "unexpected inference input 'x'"),
        ({"inputs": [{**IMAGE, "data": DATA}, {**IMAGE, "data": DATA}]}, "given twice"),
        ({"inputs": [{**IMAGE, "datatype": "FLOAT", "data": DATA}]}, "expected a datatype"),
        ({"inputs": [{**IMAGE, "datatype": "FP16", "data": DATA}]}, "FP16 has no form in JSON"),
        ({"inputs": [{**IMAGE, "shape": [-1, 8, 8, 1], "data": DATA}]}, "expected a shape"),
        ({"inputs": [{**IMAGE, "shape": [16, 2**60 + 2], "data": DATA}]}, "too many elements"),
        ({"inputs": [{**IMAGE, "shape": [4, 2**60 + 2], "data": DATA}]}, "too many elements"),
        ({"inputs": [{**IMAGE, "shape": [1, 64], "data": DATA}]}, "expected the shape [-1, 8, 8, 1]"),
        ({"inputs": [{**IMAGE, "data": DATA[1:]}]}, "has 64 elements, got 63"),
        ({"inputs": [{**IMAGE, "data": ["x", *DATA[1:]]}]}, "is no FP32"),
        ({"inputs": [{**IMAGE, "datatype": "INT32", "data": DATA}]}, "is no INT32"),
        ({"inputs": [{**IMAGE, "datatype": "UINT8", "data": [256] * 64}]}, "outside of UINT8"),
        ({"inputs": [IMAGE]}, "neither data nor"),
        ({"inputs": [{**IMAGE, "data": DATA, "parameters": {"binary_data_size": 0}}]}, "both data and"),
        (
            {"inputs": [{**IMAGE, "parameters": {"binary_data_size": 256}}]},
            "binary_data_size must be at most 0",
        ),
        ({"inputs": [{**IMAGE, "data": DATA}], "outputs": [{"name": "x"}]}, "unexpected inference output"),
        ({"id": 1, "inputs": [{**IMAGE, "data": DATA}]}, "'id' must be a string"),
        # Python's reader takes half a surrogate pair, and it is that one which reads NaN.
        (b'{"id": "\\ud800", "x": NaN, "inputs": []}', "'id' must be a string"),
        ({"inputs": [{**IMAGE, "data": DATA}], "outputs": [CLASSES, CLASSES]}, "asked for twice"),
        ({"inputs": [{**IMAGE, "shape": [0, 2**60 + 2], "data": []}]}, "too many elements"),
        ({"inputs": [{**IMAGE, "shape": [True, 8, 8, 1], "data": DATA}]}, "expected a shape"),
        ({"inputs": [{**IMAGE, "shape": [1] * 17, "data": DATA}]}, "expected a shape"),
        ({"inputs": [{**IMAGE, "data": nested(101)}]}, "nested unevenly or too deeply"),
        (b'{"inputs": ' + b"[" * 100_000, "cannot be read"),
        ({"inputs": [{**IMAGE, "data": [[1, 2], 3]}]}, "nested unevenly"),
        ({"inputs": [{**IMAGE, "datatype": "BOOL", "data": [1] * 64}]}, "is no BOOL"),
        ({"inputs": [{**IMAGE, "datatype": "INT8", "data": [1.0] * 64}]}, "is no INT8"),
        ({"inputs": [{**IMAGE, "data": [None] * 64}]}, "is no FP32"),
        ({"inputs": [{**IMAGE, "datatype": "BYTES", "data": ["x"] * 64}]}, "expected numbers, or PNG"),
        ({"inputs": [{**IMAGE, "data": DATA}, {**IMAGE, "name": "more", "data": DATA}]}, "input 'more'"),
        ({"inputs": [{**IMAGE, "parameters": {"binary_data_size": "0"}}]}, "must be at most 0"),
        ({"inputs": [{**IMAGE, "parameters": {"binary_data_size": -1}}]}, "must be at most 0"),
        ({"inputs": [{**IMAGE, "data": DATA}], "outputs": {}}, "Expected 'outputs'"),
        (
            {
                "inputs": [{**IMAGE, "data": DATA}],
                "outputs": [CLASSES | {"parameters": {"classification": 0}}],
            },
            "number from 1",
        ),
        ({"inputs": [{**IMAGE, "data": DATA}], "parameters": [1]}, "'parameters' must be an object"),
    ],
)
def test_wrong_requests_are_answered_with_what_was_expected(client, registry, body, text):
    registry.publish(seed=4)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert text in error(client.post(INFER, content=content))


def test_bytes_that_do_not_add_up_are_refused(client, registry):
    registry.publish(seed=4)
    short = as_bytes([sized("image", [3, 8, 8, 1], "FP32", 10)], b"0" * 10)
    assert "takes 768 bytes, got 10" in error(client.post(INFER, **short))
    large = as_bytes([sized("image", [1, 8, 8, 1], "FP32", ROWS.nbytes)], ROWS.tobytes())
    assert "takes 256 bytes, got 768" in error(client.post(INFER, **large))
    beyond = as_bytes([sized("image", [3, 8, 8, 1], "FP32", ROWS.nbytes + 1)], ROWS.tobytes())
    assert "at most 768" in error(client.post(INFER, **beyond))
    long = as_bytes([sized("image", [3, 8, 8, 1], "FP32", ROWS.nbytes)], ROWS.tobytes() + b"more")
    assert "unexpected additional input data: 4 bytes" in error(client.post(INFER, **long))
    for length in ("9999", "-1", "x", "12"):
        assert error(client.post(INFER, content=long["content"], headers={LENGTH: length}))


def test_strings_that_do_not_add_up_are_refused(client, registry, table):
    table(registry)
    a = tensor("a", np.array([1], np.float32))
    for content, text in (
        (b"\x03\0\0", "length is cut off"),
        (b"\x09\0\0\0red", "a string of 9 bytes is cut off after 3"),
        (b"\x03\0\0\0red\0\0\0\0", "bytes behind the 1 strings"),
        (b"", "there are 0 strings, 1 were expected"),
        (b"\x02\0\0\0\xff\xfe", "expected text in UTF-8"),
    ):
        body = as_bytes([a, sized("b", [1], "BYTES", len(content))], content)
        assert text in error(client.post("/v2/models/table/infer", **body))


def test_a_shape_that_implies_more_than_a_body_may_have_is_too_large(client, registry):
    registry.publish(seed=4)
    shape = [4 * 1024**2 // 256 + 1, 8, 8, 1]
    body = {"inputs": [{"name": "image", "shape": shape, "datatype": "FP32", "data": []}]}
    assert "at most 4,194,304 are taken" in error(client.post(INFER, json=body), 413)
    shape[0] -= 1
    assert "1048576 elements, got 0" in error(client.post(INFER, json=body))
