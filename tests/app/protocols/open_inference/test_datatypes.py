"""Tensors of every datatype, in JSON and as bytes: the numbers that they are, or what is wrong with them."""

import json

import numpy as np
import pytest
from tensors import as_bytes, error, outputs_of, sized

INFER = "/v2/models/echo/infer"
NUMPY = {
    "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "i1",
    "INT16": "<i2", "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip


@pytest.fixture(scope="module")
def client(module_service, echo):
    with module_service.client("predict") as client:
        yield client


def sent(datatype, data):
    return {"inputs": [{"name": "x", "shape": [1, 3], "datatype": datatype, "data": data}]}


@pytest.mark.parametrize("datatype", NUMPY)
def test_every_datatype_comes_as_bytes(client, datatype):
    values = np.array([[0, 1, 1]]).astype(NUMPY[datatype])
    body = as_bytes([sized("x", [1, 3], datatype, values.nbytes)], values.tobytes())
    assert outputs_of(client.post(INFER, **body))["same"].tolist() == [[0, 1, 1]]


@pytest.mark.parametrize("datatype", [each for each in NUMPY if each != "FP16"])
def test_every_datatype_but_fp16_comes_in_json(client, datatype):
    data = [False, True, True] if datatype == "BOOL" else [0, 1, 1]
    assert outputs_of(client.post(INFER, json=sent(datatype, data)))["same"].tolist() == [[0, 1, 1]]


def test_fractions_and_signs_are_kept(client):
    for datatype, data in (("FP32", [0.5, -2, 3]), ("FP64", [1e-3, -0.25, 7]), ("INT16", [-7, 0, 9])):
        found = outputs_of(client.post(INFER, json=sent(datatype, data)))["same"]
        np.testing.assert_array_equal(found, np.array([data], np.float32))


@pytest.mark.parametrize("datatype", ["FP32", "FP64"])
def test_what_no_float32_can_hold_is_infinite(client, datatype):
    assert (
        b'"data":[Infinity,-Infinity,0.0]'
        in client.post(INFER, json=sent(datatype, [1e39, -1e39, 1e-60])).content
    )


@pytest.mark.parametrize(
    ("datatype", "data", "text"),
    [
        ("BF16", [1, 2, 3], "expected a datatype of BOOL"),
        ("STRING", ["1", "2", "3"], "expected a datatype of BOOL"),
        ("fp32", [1, 2, 3], "expected a datatype of BOOL"),
        ("INT32", [1, 2.0, 3], "element 1 is the number 2.0, which is no INT32"),
        ("INT64", [1, 2, True], "element 2 is true, which is no INT64"),
        ("FP32", [1, False, 3], "element 1 is false, which is no FP32"),
        ("FP32", ["1", 2, 3], "element 0 is the text '1', which is no FP32"),
        ("BOOL", [True, 0, False], "element 1 is the number 0, which is no BOOL"),
        ("UINT8", [1, 2, -1], "outside of UINT8"),
        ("INT8", [1, 2, 128], "outside of INT8"),
        ("INT64", [1, 2, 2**63], "outside of INT64"),
        ("UINT64", [1, 2, 2**64], "which is no UINT64"),
        ("FP32", [1, 2, 10**400], "outside of FP32"),
        ("BYTES", [1, 2, 3], "BYTES in JSON are strings"),
        ("BYTES", ["1", "2", "3"], "expected numbers, got object"),
    ],
)
def test_a_value_of_another_datatype_is_refused(client, datatype, data, text):
    assert text in error(client.post(INFER, content=json.dumps(sent(datatype, data))))
