import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

ROWS = np.random.default_rng(7).integers(0, 17, (3, 8, 8, 1)).astype(np.float32)
PREDICT = "/v1/models/digits:predict"


def error(response, status):
    assert response.status_code == status, response.text
    assert list(response.json()) == ["error"]
    return response.json()["error"]


@pytest.mark.parametrize(
    "body", [{"instances": ROWS.tolist()}, {"instances": [{"image": row} for row in ROWS.tolist()]}]
)
def test_rows_in_give_rows_out(client, registry, body):
    registry.publish(seed=4)
    response = client.post(PREDICT, json=body)
    assert list(response.json()) == ["predictions"]
    np.testing.assert_allclose(response.json()["predictions"], registry.expected(4, ROWS), atol=1e-6)
    assert response.headers["x-keraforge-version"] == "1"


@pytest.mark.parametrize("inputs", [ROWS.tolist(), {"image": ROWS.tolist(), "more": 1}])
def test_columns_in_give_columns_out(client, registry, inputs):
    registry.publish(seed=4)
    response = client.post(PREDICT, json={"inputs": inputs})
    assert list(response.json()) == ["outputs"]
    np.testing.assert_allclose(response.json()["outputs"], registry.expected(4, ROWS), atol=1e-6)


def test_versions_and_labels_have_addresses(client, registry):
    registry.publish(seed=1)
    registry.publish(seed=2, alias="candidate")
    for path, number in (
        ("/v1/models/digits/versions/2:predict", "2"),
        ("/v1/models/digits/labels/candidate:predict", "2"),
        ("/v1/models/digits/labels/champion:PREDICT", "1"),
    ):
        response = client.post(path, json={"instances": ROWS.tolist()})
        assert response.headers["x-keraforge-version"] == number


def test_what_curl_sends_is_not_asked_for_its_type(client, registry):
    registry.publish(seed=4)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = json.dumps({"signature_name": "serving_default", "instances": ROWS.tolist()}) + " trailing"
    response = client.post(PREDICT, content=body, headers=headers)
    np.testing.assert_allclose(response.json()["predictions"], registry.expected(4, ROWS), atol=1e-6)


def test_a_picture_in_base64_is_a_row(client, registry):
    registry.publish(seed=4)
    content = io.BytesIO()
    Image.fromarray(np.full((8, 8), 255, np.uint8)).save(content, "PNG")
    encoded = base64.b64encode(content.getvalue()).decode()
    response = client.post(PREDICT, json={"instances": [{"b64": encoded}, ROWS[0].tolist()]})
    assert response.status_code == 200, response.text
    np.testing.assert_allclose(
        response.json()["predictions"][1], registry.expected(4, ROWS[:1])[0], atol=1e-6
    )
    broken = base64.b64encode(b"no picture").decode()
    assert "PNG" in error(client.post(PREDICT, json={"instances": [{"b64": broken}]}), 400)


def test_named_inputs_are_numbers_and_strings(client, registry, table):
    table(registry)
    rows = [{"a": 1, "b": "red"}, {"a": 2.5, "b": "green"}]
    response = client.post("/v1/models/table:predict", json={"instances": rows})
    assert response.json() == {"predictions": [[4.0], [5.0]]}
    columns = {"a": [1, 2.5], "b": ["blue", "red"]}
    assert client.post("/v1/models/table:predict", json={"inputs": columns}).json() == {
        "outputs": [[5.0], [7.0]]
    }


def test_no_row_at_all_is_answered_with_none(client, registry, table):
    table(registry)
    answer = client.post("/v1/models/table:predict", json={"inputs": {"a": [], "b": []}})
    assert answer.json() == {"outputs": []}


def test_examples_are_classified_with_labels_and_scores(client, registry):
    registry.publish(seed=4)
    examples = [{"image": row.reshape(-1).tolist()} for row in ROWS]
    found = client.post("/v1/models/digits:classify", json={"examples": examples}).json()["results"]
    assert [[label for label, _ in row] for row in found] == [["zero", "one", "two"]] * 3
    scores = [[score for _, score in row] for row in found]
    np.testing.assert_allclose(scores, registry.expected(4, ROWS), atol=1e-6)


def test_labels_may_be_words_of_json_beside_scores_that_json_lacks(client, registry):
    labels = ["null", 'a "null" \\', "NaN"]
    registry.publish(seed=4, signature=registry.signature(labels=labels))

    def classified(first):
        examples = [{"image": [first] + [0] * 63}]
        answer = client.post("/v1/models/digits:classify", content=json.dumps({"examples": examples}))
        assert answer.status_code == 200, answer.text
        # Unlike other readers, Python's takes NaN as it stands.
        return dict(answer.json()["results"][0])

    assert list(classified(0)) == labels
    assert str(classified(float("nan"))) == str(dict.fromkeys(labels, float("nan")))


def test_a_feature_of_steps_that_are_cut_off_is_refused(client, registry, made):
    role = made.role("predict", {"steps": (4, 2)}, {"values": (2,)})
    role.node("ReduceMax", ["steps"], ["values"], axes=[1], keepdims=0)
    examples = {"predict": {"steps": np.ones((1, 4, 2), np.float32)}}
    registry.publish("waves", **made.artifact([role], examples, task="regression", variable_length=True))
    answer = client.post("/v1/models/waves:regress", json={"examples": [{"steps": [1, 2, 3]}]})
    assert "has 3 values, a multiple of 2 were expected" in error(answer, 400)


def test_examples_are_regressed_and_take_features_from_the_context(client, registry, table):
    table(registry)
    body = {"context": {"b": "red"}, "examples": [{"a": 1}, {"a": [2], "b": ["blue"]}, {"a": [True]}]}
    assert client.post("/v1/models/table:regress", json=body).json() == {"results": [4.0, 7.0, 4.0]}
    mixed = {"examples": [{"a": [True, 1], "b": "red"}]}
    assert "Boolean" in error(client.post("/v1/models/table:regress", json=mixed), 400)
    for none in ({}, {"examples": []}, {"examples": {}}):
        assert "'examples'" in error(client.post("/v1/models/table:regress", json=none), 400)
    assert "method classify" in error(client.post("/v1/models/table:classify", json=body), 400)


def test_the_status_lists_versions_as_strings(client, registry):
    registry.publish(seed=1)
    registry.publish(seed=2, alias="candidate")
    found = client.get("/v1/models/digits").json()["model_version_status"]
    assert [(each["version"], each["state"]) for each in found] == [("1", "AVAILABLE"), ("2", "AVAILABLE")]
    assert found[0]["status"] == {"error_code": "OK", "error_message": ""}
    for path, number in (
        ("/v1/models/digits/versions/2", "2"),
        ("/v1/models/digits/labels/candidate", "2"),
        ("/v1/models/digits/labels/champion", "1"),
    ):
        assert [each["version"] for each in client.get(path).json()["model_version_status"]] == [number]


def test_the_metadata_describes_the_tensors(client, registry, table):
    registry.publish(seed=1)
    found = client.get("/v1/models/digits/metadata").json()
    assert found["model_spec"] == {"name": "digits", "signature_name": "", "version": "1"}
    definition = found["metadata"]["signature_def"]["signature_def"]["serving_default"]
    image = definition["inputs"]["image"]
    assert image["dtype"] == "DT_FLOAT"
    assert [side["size"] for side in image["tensor_shape"]["dim"]] == ["-1", "8", "8", "1"]
    table(registry)
    inputs = client.get("/v1/models/table/metadata").json()["metadata"]["signature_def"]["signature_def"][
        "predict"
    ]
    assert {name: each["dtype"] for name, each in inputs["inputs"].items()} == {
        "a": "DT_FLOAT",
        "b": "DT_STRING",
    }


def test_numbers_that_json_lacks_come_and_go_as_tokens(client, registry, made):
    role = made.role("predict", {"vector": (2,)}, {"values": (2,)})
    role.node("Identity", ["vector"], ["values"])
    registry.publish(
        "echo",
        **made.artifact(
            [role],
            {"predict": {"vector": np.zeros((1, 2), np.float32)}},
            task="regression",
            targets=["a", "b"],
        ),
    )
    response = client.post("/v1/models/echo:predict", content=b'{"instances": [[NaN, 1], [2, -Infinity]]}')
    assert response.content == b'{"predictions":[[NaN,1.0],[2.0,-Infinity]]}'
    beyond = client.post("/v1/models/echo:predict", content=b'{"inputs": [[1e39, 1e-60]]}')
    assert beyond.content == b'{"outputs":[[Infinity,0.0]]}'


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b"hello", "JSON Parse error: Invalid value"),
        (b"[1]", "Is not object"),
        (b'{"signature_name": 100, "instances": []}', "'signature_name' key must be a string value."),
        (b'{"signature_name": "x", "instances": []}', "not found in signature def"),
        (b"{}", "Missing 'inputs' or 'instances' key"),
        (b'{"inputs": [], "instances": []}', "expecting only one of 'inputs' or 'instances' keys to exist"),
        (b'{"instances": 1}', "to be an list/array"),
        (b'{"instances": []}', "No values in 'instances' array"),
        (b'{"instances": ["x"]}', 'JSON Value: "x" Type: String is not of expected type: float'),
        (b'{"instances": [true]}', "JSON Value: true Type: Boolean is not of expected type: float"),
        (b'{"instances": [[null]]}', "JSON Value: null Type: Null is not of expected type: float"),
        (b'{"inputs": [[{"a": 1}]]}', "Type: Object is not of expected type: float"),
        (b'{"instances": [[[1, 2], [3]]]}', "Expecting tensor size: 2 but got: 1"),
        (b'{"instances": [[1, 2], [3]]}', "Expecting shape [2] but got: [1]"),
        (b'{"instances": [[1, 2]]}', "expected the shape [-1, 8, 8, 1]"),
        (b'{"instances": [{"image": 1}, [1]]}', "Expecting object but got list"),
        (b'{"instances": [[1], {"image": 1}]}', "Expecting value/list but got object"),
        (b'{"instances": [{"picture": 1}]}', "keys must be equal to: image"),
        (b'{"inputs": {"picture": 1}}', "Missing named input: image in 'inputs' object."),
        (b'{"instances": [{"b64": "%"}]}', "Unable to base64 decode"),
        (b'{"instances": [{"b64": 1}]}', "not formatted correctly for base64 data"),
        (b'{"instances": %b}' % (b"[" * 2000), "JSON Parse error: Invalid value"),
        (b"\xff", "JSON Parse error"),
    ],
)
def test_wrong_bodies_are_answered_in_the_words_of_tensorflow_serving(client, registry, body, text):
    registry.publish(seed=4)
    assert text in error(client.post(PREDICT, content=body), 400)


def test_several_inputs_want_objects(client, registry, table):
    table(registry)
    address = "/v1/models/table:predict"
    assert "instances is a plain list, but expecting list of objects" in error(
        client.post(address, json={"instances": [[1, 2]]}), 400
    )
    wrong = {"instances": [{"a": 1, "b": "red"}, {"a": 1, "b": 2}]}
    assert "process element: 1 key: b of 'instances' list" in error(client.post(address, json=wrong), 400)
    for keys in ({"a": 1}, {"a": 1, "b": "red", "c": 1}):
        assert "keys must be equal to: a,b" in error(client.post(address, json={"instances": [keys]}), 400)
    lacking = client.post(address, json={"inputs": {"a": [1]}})
    assert error(lacking, 400) == "Missing named input: b in 'inputs' object."
    assert "plain value/list" in error(client.post(address, json={"inputs": [1]}), 400)
    assert "different numbers of rows" in error(
        client.post(address, json={"inputs": {"a": [1, 2], "b": ["red"]}}), 400
    )


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("POST", "/v1/models/none:predict", 404, "Servable not found for request: Latest(none)"),
        ("POST", "/v1/models/digits/versions/50:predict", 404, "Specific(digits, 50)"),
        ("POST", "/v1/models/digits/labels/x:predict", 400, "Unrecognized servable version label: x"),
        ("GET", "/v1/models/none/metadata", 404, "Servable not found for request: Latest(none)"),
        ("GET", "/v1/models/none", 404, "Could not find any versions of model none"),
        ("GET", "/v1/models/digits/versions/9", 404, "Could not find version 9 of model digits"),
        ("GET", "/v1/models/digits/versions/99999999999999999999", 400, "Failed to convert version"),
        ("GET", "/v1/models/digits:predict", 400, "Malformed request: GET /v1/models/digits:predict"),
        ("POST", "/v1/models/digits", 400, "Malformed request: POST"),
        ("POST", "/v1/models/digits/versions/HELLO:regress", 400, "Malformed request"),
        ("POST", "/v1/models/digits/versions/1/labels/x:predict", 400, "Malformed request"),
        ("POST", "/v1/models/digits:pred\u0131ct", 400, "Malformed request"),
        ("GET", "/v1/models/digits/versions/\u0663", 400, "Malformed request"),
    ],
)
def test_wrong_addresses_are_answered_in_the_words_of_tensorflow_serving(
    client, registry, method, path, status, text
):
    registry.publish(seed=4)
    assert text in error(
        client.request(method, path, json={"instances": [1]} if method == "POST" else None), status
    )


def test_without_a_key_nothing_is_answered(service, registry):
    registry.publish(seed=4)
    with service.client() as client:
        assert "key" in error(client.post(PREDICT, json={"instances": ROWS.tolist()}), 401)


def test_large_bodies_of_many_small_members_are_refused_before_they_are_read(client, registry):
    registry.publish(seed=4)
    body = b'{"instances":[' + b"[]," * 10_000_000 + b"[]]}"
    assert "rows" in error(client.post(PREDICT, content=body), 400)
