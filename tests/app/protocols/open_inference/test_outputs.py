"""Answers: exactly what the protocol names, in the form that was asked for."""

import json

import numpy as np
import pytest
from tensors import LENGTH, error, tensor

INFER = "/v2/models/echo/infer"
ROWS = np.array([[0.25, 0.5, 0.125], [4, 2, 8]], np.float32)
SENT = tensor("x", ROWS)


@pytest.fixture(scope="module")
def client(module_service, echo):
    with module_service.client("predict") as client:
        yield client


def test_an_answer_in_json_is_flat_and_has_no_null(client):
    answer = client.post(INFER, json={"id": "", "parameters": {"priority": 1}, "inputs": [SENT]})
    assert answer.headers["content-type"] == "application/json"
    assert LENGTH not in answer.headers
    data = [0.25, 0.5, 0.125, 4.0, 2.0, 8.0]
    assert answer.json() == {
        "model_name": "echo",
        "model_version": "1",
        "id": "",
        "outputs": [{"name": "same", "datatype": "FP32", "shape": [2, 3], "data": data}],
    }


def test_an_answer_with_bytes_says_where_they_begin_and_how_many_there_are(client):
    asked = {"inputs": [SENT], "outputs": [{"name": "same", "parameters": {"binary_data": True}}]}
    answer = client.post(INFER, json=asked)
    assert answer.headers["content-type"] == "application/octet-stream"
    length = int(answer.headers[LENGTH])
    assert json.loads(answer.content[:length]) == {
        "model_name": "echo",
        "model_version": "1",
        "outputs": [
            {"name": "same", "datatype": "FP32", "shape": [2, 3], "parameters": {"binary_data_size": 24}}
        ],
    }
    assert answer.content[length:] == ROWS.tobytes()


def test_the_protocols_own_example_is_read(client):
    head = (
        b'{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","parameters":{"binary_data_size":12}}],'
        b'"parameters":{"binary_data_output":true}}'
    )
    values = bytes.fromhex("00000000 0000803f 00000040")
    answer = client.post(INFER, content=head + values, headers={LENGTH.lower(): str(len(head))})
    assert answer.content.endswith(values)


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "application/octet-stream", "text/plain", "a/b/c"]
)
def test_whatever_a_body_is_called_it_is_read(client, content_type):
    content = json.dumps({"inputs": [SENT]})
    answer = client.post(INFER, content=content, headers={"Content-Type": content_type})
    assert answer.json()["outputs"][0]["data"] == ROWS.ravel().tolist()


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, ["0.500000:1", "8.000000:2"]),
        (9, ["0.500000:1", "0.250000:0", "0.125000:2", "8.000000:2", "4.000000:0", "2.000000:1"]),
    ],
)
def test_classes_come_with_the_best_first_and_no_more_than_there_are(client, count, expected):
    wanted = {"name": "same", "parameters": {"classification": count}}
    (output,) = client.post(INFER, json={"inputs": [SENT], "outputs": [wanted]}).json()["outputs"]
    shape = [2, len(expected) // 2]
    assert output == {"name": "same", "datatype": "BYTES", "shape": shape, "data": expected}
    wanted["parameters"]["binary_data"] = True
    answer = client.post(INFER, json={"inputs": [SENT], "outputs": [wanted]})
    texts = [text.encode() for text in expected]
    written = b"".join(len(text).to_bytes(4, "little") + text for text in texts)
    assert answer.content[int(answer.headers[LENGTH]) :] == written


def test_parameters_that_mean_nothing_are_passed_over(client):
    odd = {"sequence_id": 7, "triton_x": "y", "shared_memory": True}
    for parameters in (odd, {}, None):
        sent = {**SENT, "parameters": parameters, "more": 1}
        wanted = [{"name": "same", "parameters": parameters, "more": 1}]
        body = {"inputs": [sent], "outputs": wanted, "parameters": parameters, "more": 1}
        assert client.post(INFER, json=body).json()["outputs"][0]["data"] == ROWS.ravel().tolist()


@pytest.mark.parametrize("accepted", ["br", "gzip, deflate, br", "identity", "*", "gzip;q=0"])
def test_no_answer_is_packed_for_who_takes_another_form_too(client, accepted):
    answer = client.post(INFER, json={"inputs": [SENT]}, headers={"Accept-Encoding": accepted})
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"inputs": {}}, "Expected 'inputs'"),
        ({"inputs": [1]}, "Expected 'inputs'"),
        ({"inputs": [{}]}, "unexpected inference input 'None'; expected x"),
        ({"inputs": [{"name": "x", "datatype": "FP32", "data": [1, 2, 3]}]}, "expected a shape"),
        ({"inputs": [{"name": "x", "shape": [1, 3], "data": [1, 2, 3]}]}, "expected a datatype"),
        ({"inputs": [{**SENT, "shape": [2, 3.0]}]}, "expected a shape"),
        ({"inputs": [{**SENT, "shape": []}]}, "expected a shape"),
        # The protocol's own example: a shape of three, and one value.
        ({"inputs": [{**SENT, "shape": [3], "data": [1]}]}, "has 3 elements, got 1"),
        ({"inputs": [{**SENT, "data": 1}]}, "has 6 elements, got the number 1"),
        ({"inputs": [{**SENT, "parameters": [1]}]}, "input 'x': 'parameters' must be an object"),
        ({"inputs": [SENT], "outputs": [{}]}, "unexpected inference output 'None'; known: same"),
        ({"inputs": [SENT], "outputs": ["same"]}, "Expected 'outputs'"),
    ],
)
def test_what_a_request_lacks_is_named(client, body, text):
    assert text in error(client.post(INFER, json=body))


def test_another_packing_is_refused_with_those_that_are_taken(client):
    answer = client.post(INFER, json={"inputs": [SENT]}, headers={"Content-Encoding": "br"})
    assert "gzip or deflate" in error(answer, 415)
    assert answer.headers["accept-encoding"] == "gzip, deflate"
