import gzip
import io
import json
import zlib

import numpy as np
import pytest
from PIL import Image

ROWS = np.random.default_rng(7).integers(0, 17, (3, 8, 8, 1)).astype(np.float32)
INFER = "/v2/models/digits/infer"
LENGTH = "Inference-Header-Content-Length"


def error(response, status=400):
    assert response.status_code == status, response.text
    assert list(response.json()) == ["error"]
    return response.json()["error"]


def tensor(name="image", values=ROWS, datatype="FP32", **more):
    return {"name": name, "shape": list(values.shape), "datatype": datatype, "data": values.tolist(), **more}


def as_bytes(inputs, *contents, **document):
    text = json.dumps({"inputs": inputs, **document}).encode()
    return {"content": b"".join([text, *contents]), "headers": {LENGTH: str(len(text))}}


def sized(name, shape, datatype, size):
    return {"name": name, "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": size}}


def outputs_of(response):
    """Return the outputs of an answer by name, whether in JSON or as bytes."""
    assert response.status_code == 200, response.text
    length = int(response.headers.get(LENGTH, len(response.content)))
    document, place, found = json.loads(response.content[:length]), length, {}
    for each in document["outputs"]:
        if "data" in each:
            found[each["name"]] = np.array(each["data"], np.float32).reshape(each["shape"])
        else:
            size = each["parameters"]["binary_data_size"]
            values = np.frombuffer(response.content[place : place + size], "<f4")
            found[each["name"]] = values.reshape(each["shape"])
            place += size
    assert place == len(response.content)
    return found


@pytest.mark.parametrize("values", [ROWS, ROWS.reshape(-1)])
def test_rows_in_json_nested_or_flat(client, registry, values):
    registry.publish(seed=4)
    body = {"id": "r-1", "inputs": [{**tensor(), "data": values.tolist()}], "parameters": {"unknown": 1}}
    response = client.post(INFER, json=body)
    answer = response.json()
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("digits", "1", "r-1")
    (output,) = answer["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("probabilities", "FP32", [3, 3])
    np.testing.assert_allclose(outputs_of(response)["probabilities"], registry.expected(4, ROWS), atol=1e-6)
    assert LENGTH not in response.headers


def test_no_id_is_made_up(client, registry):
    registry.publish(seed=4)
    assert "id" not in client.post(INFER, json={"inputs": [tensor()]}).json()


@pytest.mark.parametrize("wished", [True, False])
def test_bytes_in_and_bytes_or_json_out(client, registry, wished):
    registry.publish(seed=4)
    parameters = {"binary_data_output": wished}
    request = as_bytes(
        [sized("image", [3, 8, 8, 1], "FP32", ROWS.nbytes)], ROWS.tobytes(), parameters=parameters
    )
    response = client.post(INFER, **request)
    assert (LENGTH in response.headers) == wished
    np.testing.assert_allclose(outputs_of(response)["probabilities"], registry.expected(4, ROWS), atol=1e-6)


def test_the_output_itself_has_the_last_word_on_its_form(client, registry):
    registry.publish(seed=4)
    wanted = [{"name": "probabilities", "parameters": {"binary_data": False}}]
    body = {"inputs": [tensor()], "outputs": wanted, "parameters": {"binary_data_output": True}}
    assert LENGTH not in client.post(INFER, json=body).headers


@pytest.mark.parametrize("datatype", ["FP16", "FP64", "UINT8", "INT64"])
def test_numbers_of_any_datatype_are_taken(client, registry, datatype):
    registry.publish(seed=4)
    dtype = {"FP16": "<f2", "FP64": "<f8", "UINT8": "u1", "INT64": "<i8"}[datatype]
    content = ROWS.astype(dtype).tobytes()
    response = client.post(INFER, **as_bytes([sized("image", [3, 8, 8, 1], datatype, len(content))], content))
    np.testing.assert_allclose(outputs_of(response)["probabilities"], registry.expected(4, ROWS), atol=1e-6)


def test_bytes_and_json_in_one_request(client, registry, table):
    table(registry)
    a = np.array([1, 2.5], np.float32)
    strings = b"".join(len(text).to_bytes(4, "little") + text for text in (b"red", b"blue"))
    inputs = [tensor("a", a), sized("b", [2, 1], "BYTES", len(strings))]
    response = client.post("/v2/models/table/infer", **as_bytes(inputs, strings))
    assert response.json()["outputs"][0]["data"] == [4.0, 8.0]
    named = [tensor("a", a), {"name": "b", "shape": [2], "datatype": "BYTES", "data": ["red", "green"]}]
    assert client.post("/v2/models/table/infer", json={"inputs": named}).json()["outputs"][0]["data"] == [
        4.0,
        5.0,
    ]


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed_bodies_are_unpacked(client, registry, encoding, pack):
    registry.publish(seed=4)
    request = as_bytes([sized("image", [3, 8, 8, 1], "FP32", ROWS.nbytes)], ROWS.tobytes())
    headers = {**request["headers"], "Content-Encoding": encoding}
    response = client.post(INFER, content=pack(request["content"]), headers=headers)
    np.testing.assert_allclose(outputs_of(response)["probabilities"], registry.expected(4, ROWS), atol=1e-6)
    assert "damaged" in error(client.post(INFER, content=b"no such", headers=headers))
    bomb = client.post(INFER, content=pack(bytes(64 * 1024**2)), headers=headers)
    assert "unpacked" in error(bomb, 413)


def test_a_raw_body_is_one_row(client, registry):
    registry.publish(seed=4)
    expected = registry.expected(4, ROWS[:1])
    response = client.post(INFER, content=ROWS[0].tobytes(), headers={LENGTH: "0"})
    assert LENGTH in response.headers
    np.testing.assert_allclose(outputs_of(response)["probabilities"], expected, atol=1e-6)
    as_json = client.post(
        INFER, content=ROWS[0].tobytes(), headers={LENGTH: "0", "Accept": "application/json"}
    )
    np.testing.assert_allclose(outputs_of(as_json)["probabilities"], expected, atol=1e-6)
    picture = io.BytesIO()
    Image.fromarray(np.full((8, 8), 255, np.uint8)).save(picture, "PNG")
    assert outputs_of(client.post(INFER, content=picture.getvalue(), headers={LENGTH: "0"}))[
        "probabilities"
    ].shape == (1, 3)
    assert "256 bytes" in error(client.post(INFER, content=b"123", headers={LENGTH: "0"}))


def test_classes_come_with_score_index_and_label(client, registry):
    registry.publish(seed=4)
    wanted = [{"name": "probabilities", "parameters": {"classification": 2}}]
    (output,) = client.post(INFER, json={"inputs": [tensor()], "outputs": wanted}).json()["outputs"]
    assert (output["datatype"], output["shape"]) == ("BYTES", [3, 2])
    scores = registry.expected(4, ROWS)
    score, index, label = output["data"][0].split(":")
    assert int(index) == scores[0].argmax()
    assert label == ["zero", "one", "two"][int(index)]
    assert float(score) == pytest.approx(scores[0].max(), abs=1e-5)


def test_no_row_at_all_is_answered_with_none(client, registry):
    registry.publish(seed=4)
    nothing = {"name": "image", "shape": [0, 8, 8, 1], "datatype": "FP32", "data": []}
    assert client.post(INFER, json={"inputs": [nothing]}).json()["outputs"][0]["shape"] == [0, 3]


def test_the_server_and_its_models_describe_themselves(client, registry, service):
    with service.client() as anybody:
        assert anybody.get("/v2/health/live").json() == {"live": True}
        assert anybody.get("/v2/health/ready").json() == {"live": True, "ready": True}
    registry.publish(seed=1)
    registry.publish(seed=2, alias="candidate")
    for path in ("/v2", "/v2/"):
        assert client.get(path).json()["name"] == "keraforge"
    assert client.get("/v2/models/digits/ready").json() == {"name": "digits", "ready": True}
    found = client.get("/v2/models/digits").json()
    assert found["versions"] == ["1", "2"]
    assert found["inputs"] == [{"name": "image", "datatype": "FP32", "shape": [-1, 8, 8, 1]}]
    assert found["outputs"] == [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]}]
    assert client.get("/v2/models").json() == {"models": ["digits"]}
    config = client.get("/v2/models/digits/config").json()
    assert config["input"] == [{"name": "image", "data_type": "TYPE_FP32", "dims": [8, 8, 1]}]
    assert config["max_batch_size"] > 0
    index = client.post("/v2/repository/index").json()
    assert [(each["version"], each["state"]) for each in index] == [("1", "READY"), ("2", "READY")]


def test_a_version_is_named_by_its_number_or_by_an_alias(client, registry):
    registry.publish(seed=1)
    registry.publish(seed=2, alias="candidate")
    for which in ("2", "candidate"):
        response = client.post(f"/v2/models/digits/versions/{which}/infer", json={"inputs": [tensor()]})
        assert response.json()["model_version"] == "2"


IMAGE = {"name": "image", "shape": [1, 8, 8, 1], "datatype": "FP32"}
DATA = [0.5] * 64


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
    long = as_bytes([sized("image", [3, 8, 8, 1], "FP32", ROWS.nbytes)], ROWS.tobytes() + b"more")
    assert "unexpected additional input data: 4 bytes" in error(client.post(INFER, **long))
    for length in ("9999", "-1", "x", "12"):
        assert error(client.post(INFER, content=long["content"], headers={LENGTH: length}))


def test_models_that_are_not_there_are_told_in_words_that_clients_look_for(client, registry):
    registry.publish(seed=4)
    for path in (
        "/v2/models/none/infer",
        "/v2/models/digits/versions/9/infer",
        "/v2/models/digits/versions/x/infer",
    ):
        assert "Request for unknown model" in error(client.post(path, json={}), 404)
    assert error(client.get(INFER), 405)
    assert error(client.get("/v2/models/digits/trace"), 404)
    assert error(client.post("/v2/models/digits"), 405)
