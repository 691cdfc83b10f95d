"""What a value may be, by what an input takes: numbers, whole numbers, strings."""

import base64
import json

import numpy as np
import pytest
from made import Made
from tensors import error


@pytest.fixture(scope="module")
def client(module_service, module_registry, texts):
    made = Made()
    whole = made.role("predict", {"label": ((), "int32")}, {"values": (1,)})
    whole.node("Cast", ["label"], ["number"], to=1)
    whole.node("Unsqueeze", ["number", whole.constant(np.array([1], np.int64))], ["values"])
    module_registry.publish(
        "whole",
        **made.artifact(
            [whole], {"predict": {"label": np.ones(2, np.int32)}}, task="regression", labels=["a", "b", "c"]
        ),
    )
    numbers = made.role("predict", {"x": (2,)}, {"values": (2,)})
    numbers.node("Identity", ["x"], ["values"])
    module_registry.publish(
        "numbers",
        **made.artifact([numbers], {"predict": {"x": np.ones((2, 2), np.float32)}}, task="regression"),
    )
    column = made.role("predict", {"age": ()}, {"values": (1,)})
    column.node("Unsqueeze", ["age", column.constant(np.array([1], np.int64))], ["values"])
    module_registry.publish(
        "column",
        **made.artifact(
            [column],
            {"predict": {"age": np.ones(2, np.float32)}},
            task="regression",
            columns=[{"name": "age", "kind": "number"}],
        ),
    )
    with module_service.client("predict") as client:
        yield client


def ask(client, model, body):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(f"/v1/models/{model}:predict", content=content)


def b64(content):
    return {"b64": base64.b64encode(content).decode()}


def test_numbers_of_one_value_are_rows(client):
    assert ask(client, "whole", {"instances": [2, 0]}).json() == {"predictions": [[2.0], [0.0]]}
    assert ask(client, "whole", {"inputs": {"label": [1]}}).json() == {"outputs": [[1.0]]}
    for instances in ([2, 0.5], [{"age": 2}, {"age": 0.5}]):
        answer = ask(client, "column", {"instances": instances})
        assert answer.json() == {"predictions": [[2.0], [0.5]]}, answer.text
    assert ask(client, "column", {"inputs": [2, 0.5]}).json() == {"outputs": [[2.0], [0.5]]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1.0", "JSON Value: 1.0 Type: Number is not of expected type: int32"),
        ("true", "JSON Value: true Type: Boolean is not of expected type: int32"),
        ('"1"', 'JSON Value: "1" Type: String is not of expected type: int32'),
        ("NaN", "JSON Value: NaN Type: Number is not of expected type: int32"),
        (str(2**63), f"JSON Value: {2**63} Type: Number is not of expected type: int32"),
        (str(2**62), f"expected numbers from 0 to 2, got {2**62}"),
        ("-1", "expected numbers from 0 to 2, got -1"),
    ],
)
def test_whole_numbers_are_whole_and_within_their_range(client, value, text):
    for body in (f'{{"instances": [{value}]}}', f'{{"inputs": [{value}]}}'):
        assert text in error(ask(client, "whole", body.encode()))


def test_no_row_at_all_is_answered_with_none(client):
    for model, name in (("whole", "label"), ("texts", "text"), ("numbers", "x")):
        for body in ({"inputs": []}, {"inputs": {name: []}}):
            assert ask(client, model, body).json() == {"outputs": []}


def test_texts_come_as_they_are_or_in_base64(client):
    expected = [[2.0, 3.0], [3.0, 0.0]]
    rows = ["Good bad", b64(b"bad")]
    for body in ({"instances": rows}, {"instances": [{"text": row} for row in rows]}):
        assert ask(client, "texts", body).json() == {"predictions": expected}
    for body in ({"inputs": rows}, {"inputs": {"text": rows}}):
        assert ask(client, "texts", body).json() == {"outputs": expected}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "JSON Value: 1 Type: Number is not of expected type: string"),
        (False, "JSON Value: false Type: Boolean is not of expected type: string"),
        (b64(b"\xff\xfe"), "Expected text in UTF-8"),
        ({"b64": "%"}, "Unable to base64 decode"),
        ({"b64": "AA==", "more": 1}, "not formatted correctly for base64 data"),
    ],
)
def test_what_is_no_text_is_refused(client, value, text):
    assert text in error(ask(client, "texts", {"inputs": ["good", value]}))


def test_numbers_may_be_whole_endless_or_none(client):
    body = b'{"instances": [[1, -1e39], [%d, 1e-60], [Infinity, -0.0]]}' % 10**400
    assert ask(client, "numbers", body).content == (
        b'{"predictions":[[1.0,-Infinity],[Infinity,0.0],[Infinity,-0.0]]}'
    )


def test_floats_are_as_short_as_they_read_back_the_same_and_never_look_whole(client):
    values = [0.1, 16777216.0, 1e-7, 3.4028234663852886e38, 1.17549435e-38, 2.5]
    rows = np.array(values, np.float32).reshape(3, 2)
    answer = ask(client, "numbers", {"inputs": rows.astype(float).tolist()})
    text = answer.text.removeprefix('{"outputs":').removesuffix("}")
    np.testing.assert_array_equal(np.array(json.loads(text), np.float32), rows)
    told = text.translate(str.maketrans("", "", "[]")).split(",")
    assert told == ["0.1", "16777216.0", "1e-7", "3.4028235e+38", "1.1754944e-38", "2.5"]
