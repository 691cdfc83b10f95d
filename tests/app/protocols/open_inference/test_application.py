import gzip
import io
import json
import zlib

import numpy as np
import pytest
from PIL import Image
from tensors import LENGTH, as_bytes, error, outputs_of, sized, tensor

ROWS = np.random.default_rng(7).integers(0, 17, (3, 8, 8, 1)).astype(np.float32)
INFER = "/v2/models/digits/infer"


@pytest.mark.parametrize("values", [ROWS, ROWS.reshape(-1)])
def test_rows_in_json_nested_or_flat(client, registry, values):
    registry.publish(seed=4)
    body = {
        "id": "r-1",
        "inputs": [{**tensor("image", ROWS), "data": values.tolist()}],
        "parameters": {"unknown": 1},
    }
    response = client.post(INFER, json=body)
    answer = response.json()
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("digits", "1", "r-1")
    (output,) = answer["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("probabilities", "FP32", [3, 3])
    np.testing.assert_allclose(outputs_of(response)["probabilities"], registry.expected(4, ROWS), atol=1e-6)
    assert LENGTH not in response.headers


def test_no_id_is_made_up(client, registry):
    registry.publish(seed=4)
    assert "id" not in client.post(INFER, json={"inputs": [tensor("image", ROWS)]}).json()


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
    body = {"inputs": [tensor("image", ROWS)], "outputs": wanted, "parameters": {"binary_data_output": True}}
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


@pytest.mark.parametrize(("accepted", "packed"), [("gzip", True), ("deflate", True), ("gzip, br", False)])
def test_answers_are_packed_for_who_asks_for_nothing_else(client, registry, accepted, packed):
    registry.publish(seed=4)
    request = as_bytes(
        [sized("image", [3, 8, 8, 1], "FP32", ROWS.nbytes)],
        ROWS.tobytes(),
        parameters={"binary_data_output": True},
    )
    response = client.post(
        INFER, content=request["content"], headers=request["headers"] | {"Accept-Encoding": accepted}
    )
    assert (response.headers.get("content-encoding") == accepted) is packed
    # The client has unpacked it; the header counts what was packed.
    np.testing.assert_allclose(outputs_of(response)["probabilities"], registry.expected(4, ROWS), atol=1e-6)


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
    (output,) = client.post(INFER, json={"inputs": [tensor("image", ROWS)], "outputs": wanted}).json()[
        "outputs"
    ]
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
    pictures = {"name": "image", "shape": [0, 1], "datatype": "BYTES", "data": []}
    assert client.post(INFER, json={"inputs": [pictures]}).json()["outputs"][0]["shape"] == [0, 3]
    binary = as_bytes([sized("image", [0, 8, 8, 1], "FP32", 0)], parameters={"binary_data_output": True})
    assert outputs_of(client.post(INFER, **binary))["probabilities"].shape == (0, 3)


def test_outputs_come_in_the_order_in_which_they_are_asked_for_and_all_where_none_is(client, registry, made):
    role = made.role("predict", {"x": (2,)}, {"same": (2,), "twice": (2,)})
    role.node("Identity", ["x"], ["same"])
    role.node("Add", ["x", "x"], ["twice"])
    examples = {"predict": {"x": np.ones((1, 2), np.float32)}}
    registry.publish("two", **made.artifact([role], examples, task="regression"))
    sent = tensor("x", np.array([[1, 2]], np.float32))

    def names(**more):
        answer = client.post("/v2/models/two/infer", json={"inputs": [sent], **more}).json()
        return [each["name"] for each in answer["outputs"]]

    assert names() == names(outputs=[]) == names(outputs=None, parameters=None) == ["same", "twice"]
    assert names(outputs=[{"name": "twice", "parameters": None}, {"name": "same"}]) == ["twice", "same"]
    assert names(outputs=[{"name": "twice"}]) == ["twice"]
    mixed = [{"name": "twice", "parameters": {"binary_data": True}}, {"name": "same"}]
    found = outputs_of(client.post("/v2/models/two/infer", json={"inputs": [sent], "outputs": mixed}))
    assert (found["twice"].tolist(), found["same"].tolist()) == ([[2, 4]], [[1, 2]])


def test_numbers_that_json_lacks_come_and_go_as_tokens(client, registry, made):
    role = made.role("predict", {"x": (3,)}, {"same": (3,)})
    role.node("Identity", ["x"], ["same"])
    examples = {"predict": {"x": np.ones((1, 3), np.float32)}}
    registry.publish("echo", **made.artifact([role], examples, task="regression"))
    text = b'{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[NaN,Infinity,-Infinity]}]}'
    assert b'"data":[NaN,Infinity,-Infinity]' in client.post("/v2/models/echo/infer", content=text).content


def test_the_server_and_its_models_describe_themselves(client, registry, service):
    with service.client() as anybody:
        assert anybody.get("/v2/health/live").json() == {"live": True}
        assert anybody.get("/v2/health/ready").json() == {"live": True, "ready": True}
    registry.publish(seed=1)
    registry.publish(seed=2, alias="candidate")
    for path in ("/v2", "/v2/"):
        assert client.get(path).json()["name"] == "keraforge"
    found = client.get("/v2/models/digits").json()
    assert found["versions"] == ["1", "2"]
    assert found["inputs"] == [{"name": "image", "datatype": "FP32", "shape": [-1, 8, 8, 1]}]
    assert found["outputs"] == [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]}]
    assert client.get("/v2/models").json() == {"models": ["digits"]}
    config = client.get("/v2/models/digits/config").json()
    assert config["input"] == [{"name": "image", "data_type": "TYPE_FP32", "dims": [8, 8, 1]}]
    assert config["max_batch_size"] > 0


def test_a_client_may_say_how_long_it_waits(client, registry, made):
    role = made.role("predict", {"x": (1500,)}, {"y": (1500,)})
    weights, name = role.constant(np.zeros((1500, 1500), np.float32)), "x"
    for number in range(8):
        role.node("MatMul", [name, weights], [name := f"layer_{number}"])
    role.node("Identity", [name], ["y"])
    rows = np.ones((1, 1500), np.float32)
    registry.publish("slow", **made.artifact([role], {"predict": {"x": rows}}, task="regression"))

    def ask(timeout):
        body = {"inputs": [tensor("x", rows)], "parameters": {"timeout": timeout}}
        return client.post("/v2/models/slow/infer", json=body)

    assert error(ask(1), 504)
    # In microseconds; what is none means nothing.
    for timeout in (60_000_000, 0, -1, 1.5, "1", True):
        assert ask(timeout).status_code == 200
    inputs = json.dumps([tensor("x", rows)])
    endless = f'{{"x": NaN, "parameters": {{"timeout": {10**400}}}, "inputs": {inputs}}}'
    assert client.post("/v2/models/slow/infer", content=endless).status_code == 200


def test_a_version_is_named_by_its_number_or_by_an_alias(client, registry):
    registry.publish(seed=1)
    registry.publish(seed=2, alias="v1.2-b_c")
    for which in ("2", "v1.2-b_c"):
        response = client.post(
            f"/v2/models/digits/versions/{which}/infer", json={"inputs": [tensor("image", ROWS)]}
        )
        assert response.json()["model_version"] == "2"


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
