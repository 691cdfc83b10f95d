"""What goes wrong is told in the form that a dialect's clients read, whatever it is and wherever."""

import numpy as np
import pytest
from made import Made


@pytest.fixture(scope="module")
def client(module_service, module_registry):
    role = Made.role("predict", {"x": ()}, {"values": (1,)})
    # Of three values there is no fourth: a graph that fails for what it is asked.
    role.node("Cast", ["x"], ["place"], to=7)
    role.node("Gather", [role.constant(np.zeros((3, 1), np.float32)), "place"], ["values"], axis=0)
    examples = {"predict": {"x": np.zeros(1, np.float32)}}
    module_registry.publish("three", **Made().artifact([role], examples, task="regression"))
    with module_service.client("predict") as client:
        yield client


def told(answer, status):
    """Return the text of an error: all that there is of it, but an object where OpenAI's clients read it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]
    error = answer.json()["error"]
    if answer.request.url.path.startswith(("/v1/models/", "/v2")):
        assert isinstance(error, str)
        return error
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["type"] == ("server_error" if status >= 500 else "invalid_request_error")
    return error["message"]


@pytest.mark.parametrize("path", ["/v1/models/three:predict", "/v2/models/three/infer", "/v1/completions"])
def test_a_body_that_is_too_large_is_told(client, module_service, path):
    content = bytes(module_service.settings.predict_body_bytes + 1)
    assert "The body may have at most" in told(client.post(path, content=content), 413)


def test_a_graph_that_fails_is_our_fault_and_says_no_more(client):
    def ask(x):
        tensor = {"name": "x", "shape": [1], "datatype": "FP32", "data": [x]}
        yield client.post("/v1/models/three:predict", json={"instances": [x]})
        yield client.post("/v2/models/three/infer", json={"inputs": [tensor]})

    assert [answer.status_code for answer in ask(2)] == [200, 200]
    for answer in ask(3):
        assert told(answer, 500).startswith("Something went wrong that is not your fault.")
        assert answer.headers["x-keraforge-model"] == "three"


def test_a_version_that_cannot_be_loaded_is_told_with_when_to_ask_again(client, module_registry):
    module_registry.damage(module_registry.publish("broken", alias=None), "predict.onnx")
    for answer in (
        client.post("/v1/models/broken/versions/1:predict"),
        client.post("/v2/models/broken/versions/1/infer"),
        client.get("/v2/models/broken/versions/1/ready"),
        client.post("/v1/completions", json={"model": "broken@1", "prompt": "a"}),
    ):
        assert told(answer, 503)
        assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/models/three:predict"),
        ("DELETE", "/v2/models/three"),
        ("POST", "/v2/health/live"),
        ("POST", "/v2"),
        ("GET", "/v2/repository/index"),
        ("GET", "/v1/completions"),
        ("POST", "/v1/models"),
    ],
)
def test_another_method_is_told_with_those_that_are_taken(client, method, path):
    answer = client.request(method, path)
    assert told(answer, 405)
    assert answer.headers["allow"]


@pytest.mark.parametrize(
    "path",
    [
        *("/v2/nothing", "/v2/models/three/nothing", "/v2/repository", "/v1/chat"),
        # Triton's, which are not served.
        *("/v2/trace/setting", "/v2/models/three/trace/setting", "/v2/logging"),
        *("/v2/systemsharedmemory/status", "/v2/cudasharedmemory/region/x/status"),
    ],
)
def test_another_address_is_told(client, path):
    assert "nothing at" in told(client.get(path), 404)


@pytest.mark.parametrize("path", ["/v1/models/three:predict", "/v2/models/three/infer", "/v1/completions"])
def test_without_a_key_that_is_told(module_service, path):
    with module_service.client() as nobody:
        assert "key" in told(nobody.post(path), 401)
