import pytest
from tensors import error

INDEX = "/v2/repository/index"


@pytest.fixture
def client(service):
    """A client of the whole web process that may load and unload too."""
    with service.client("predict", "models:write") as client:
        yield client


def repository(verb, model="digits"):
    return f"/v2/repository/models/{model}/{verb}"


def states(client, **body):
    """Return the state of each version."""
    found = client.post(INDEX, json=body).json()
    return {(each["name"], each["version"]): each["state"] for each in found}


def test_the_index_tells_the_state_of_every_version(client, registry, until):
    registry.publish(seed=1, alias=None)
    registry.publish(seed=2)
    registry.publish("other", seed=3)
    until(lambda: list(states(client).values()).count("READY") == 2, "the champions")
    assert states(client) == {
        ("digits", "1"): "UNAVAILABLE",
        ("digits", "2"): "READY",
        ("other", "1"): "READY",
    }
    assert states(client, ready=True).keys() == {("digits", "2"), ("other", "1")}
    # Clients of Triton send nothing at all.
    everything = client.post(INDEX).json()
    assert [each["name"] for each in everything] == ["digits", "digits", "other"]
    assert "not in memory" in everything[0]["reason"]


def test_a_model_is_unloaded_and_loaded(client, registry, until):
    registry.publish(seed=1)
    ready = "/v2/models/digits/ready"
    until(lambda: client.get(ready).status_code == 200, "the champion")
    assert client.get(ready).json() == {"name": "digits", "ready": True}
    answer = client.post(repository("unload"), json={"parameters": {"unload_dependents": False}})
    assert (answer.status_code, answer.json()) == (200, {"name": "digits", "unload": True})
    refused = client.get(ready)
    assert "not in memory" in error(refused, 503)
    assert refused.headers["retry-after"]
    assert states(client) == {("digits", "1"): "UNAVAILABLE"}
    answer = client.post(repository("load"))
    assert (answer.status_code, answer.json()) == (200, {"name": "digits", "load": True})
    assert client.get("/v2/models/digits/versions/1/ready").status_code == 200
    assert client.get("/v2/models/digits/versions/champion/ready").status_code == 200


def test_what_was_unloaded_is_loaded_again_for_who_asks_for_it(client, registry, until):
    registry.publish(seed=1)
    assert client.get("/v2/models/digits").status_code == 200
    client.post(repository("unload"))
    assert client.get("/v2/models/digits/ready").status_code == 503
    assert client.get("/v2/models/digits/config").status_code == 200
    assert client.get("/v2/models/digits/ready").status_code == 200


def test_what_cannot_be_loaded_says_why(client, registry):
    registry.damage(registry.publish(seed=1), "predict.onnx")
    told = error(client.post(repository("load")), 503)
    assert "failed to load 'digits'" in told
    assert "is damaged" in told
    assert client.get("/v2/models/digits/ready").status_code == 503
    for verb in ("load", "unload"):
        assert f"failed to {verb} 'none'" in error(client.post(repository(verb, "none")), 404)
    assert "Request for unknown model" in error(client.get("/v2/models/none/ready"), 404)
    assert "Request for unknown model" in error(client.get("/v2/models/digits/versions/7/ready"), 404)


@pytest.mark.parametrize("parameters", [{"config": "{}"}, {"file:1/model.onnx": "AA=="}])
def test_versions_are_as_they_were_trained(client, registry, parameters):
    registry.publish()
    told = error(client.post(repository("load"), json={"parameters": parameters}))
    assert "failed to load 'digits'" in told
    assert "as they were trained" in told


def test_loading_is_not_for_keys_that_only_predict(service, registry):
    registry.publish()
    with service.client("predict") as client:
        assert client.post(INDEX).status_code == 200
        assert "models:write" in error(client.post(repository("unload")), 403)
