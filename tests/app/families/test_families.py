from typing import Any

import httpx
import pytest

from app.tables import DatasetVersion

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

VALIDATE = "/api/v1/specs/validate"
INPUT = {"shape": [28, 28, 1], "dtype": "float32", "classes": 10}


def places(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


def test_families_come_with_their_schema_and_presets(client: httpx.Client) -> None:
    found = client.get("/api/v1/families").json()
    families = [family["family"] for family in found["items"]]
    assert families[:2] == ["cnn", "mlp"]
    assert len(set(families)) == len(families)
    assert "blocks" in found["items"][0]["schema"]["properties"]
    assert "epochs" in found["training"]["properties"]
    presets = {preset["name"] for preset in found["items"][0]["presets"]}
    assert presets >= {"cnn-basic", "cnn-shallow", "cnn-mnist", "cnn-small", "cnn-modern"}


def test_every_preset_is_a_valid_spec(client: httpx.Client) -> None:
    for preset in client.get("/api/v1/families").json()["items"][0]["presets"]:
        network = {"family": "cnn"} | preset["network"]
        body = {"network": network, "training": preset["training"], "input": INPUT}
        assert client.post(VALIDATE, json=body).status_code == 200, preset["name"]


@pytest.mark.parametrize(
    ("preset", "parameters"), [("cnn-basic", 93_322), ("cnn-shallow", 693_962), ("cnn-mnist", 225_034)]
)
def test_a_spec_becomes_layers_parameters_and_memory(
    client: httpx.Client, preset: str, parameters: int
) -> None:
    answer = client.post(VALIDATE, json={"network": {"preset": preset}, "input": INPUT})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["parameters"] == sum(layer["parameters"] for layer in found["layers"]) == parameters
    assert found["layers"][-1] == {
        "name": "probabilities",
        "shape": [10],
        "parameters": found["layers"][-1]["parameters"],
    }
    assert found["memory"]["training"] > found["memory"]["serving"] >= 4 * parameters
    assert isinstance(found["warnings"], list)
    assert found["resolved"]["preset"] == preset
    assert found["resolved"]["training"]["seed"] == 0


def test_a_spec_is_checked_against_a_dataset(client: httpx.Client, rows: Any) -> None:
    version = rows.get(DatasetVersion, rows.version())
    body = {"network": {"family": "cnn", "preset": "cnn-small"}, "dataset": f"{version.dataset.name}@1"}
    found = client.post(VALIDATE, json=body).json()
    assert (found["layers"][0]["shape"], found["layers"][-1]["shape"]) == ([8, 8, 1], [2])


def test_weights_that_a_family_does_not_look_at_are_told(client: httpx.Client) -> None:
    for network, told in (({"preset": "cnn-small"}, 0), ({"preset": "vae"}, 1), ({"preset": "dcgan"}, 1)):
        body = {"network": network, "input": {"shape": [28, 28, 1], "classes": 10, "weighted": True}}
        warnings = client.post(VALIDATE, json=body).json()["warnings"]
        assert sum("have weights" in warning for warning in warnings) == told, network


def test_a_dataset_that_is_being_read_tells_no_shape_yet(client: httpx.Client) -> None:
    client.post("/api/v1/datasets", json={"name": "digits", "builtin": "digits"})
    answer = client.post(VALIDATE, json={"network": {"preset": "cnn-small"}, "dataset": "digits"})
    assert (answer.status_code, answer.json()["current_state"]) == (409, "reading")


def test_what_is_wrong_is_told_with_its_place(client: httpx.Client) -> None:
    network = {"preset": "cnn-small"}
    for body, pointers in (
        ({"network": network, "input": INPUT, "dataset": "digits"}, [""]),
        ({"network": network}, [""]),
        ({"network": network, "dataset": "none"}, ["/dataset"]),
        ({"network": {"preset": "none"}, "input": INPUT}, ["/network/preset"]),
        ({"network": network, "training": {"epochs": -1}, "input": INPUT}, ["/training/epochs"]),
        ({"network": {"family": "cnn", "dense": [65536, 65536]}, "input": INPUT}, ["/network"]),
        ({"network": network, "input": {**INPUT, "classes": 1}}, ["/input/classes"]),
        ({"network": network, "input": {**INPUT, "shape": [0, 28, 1]}}, ["/input/shape/0"]),
        ({"network": network, "input": {**INPUT, "shape": []}}, ["/input/shape"]),
        ({"network": network, "input": {**INPUT, "shape": [28, 28, 10**18]}}, ["/input/shape/2"]),
        ({"network": network, "input": {**INPUT, "shape": [28]}}, ["/network/family"]),
        ({"network": network, "input": {**INPUT, "dtype": "x"}}, ["/input/dtype"]),
        ({"network": network, "input": {**INPUT, "low": 1}}, ["/input"]),
        ({"input": INPUT}, ["/network"]),
    ):
        assert places(client.post(VALIDATE, json=body)) == pointers, body


def test_a_stack_of_layers_is_counted_and_told_where_it_is_wrong(client: httpx.Client) -> None:
    layers: list[dict[str, Any]] = [
        {"type": "conv2d", "filters": 8, "kernel": [3, 5], "name": "found"},
        {"type": "max_pooling2d", "size": 2},
        {"type": "flatten"},
    ]
    body: dict[str, Any] = {"network": {"family": "layers", "layers": layers}, "input": INPUT}
    found = client.post(VALIDATE, json=body).json()
    assert found["parameters"] == 8 * (3 * 5 + 1) + 10 * (14 * 14 * 8 + 1)
    assert [layer["name"] for layer in found["layers"]] == [
        "rows", "scaling", "found", "max_pooling2d_2", "flatten_3", "probabilities",
    ]  # fmt: skip
    assert set(found["layers"][2]) == {"name", "shape", "parameters"}
    assert client.post(VALIDATE, json={**body, "network": found["resolved"]["network"]}).json() == found
    layers[1]["size"] = 29
    assert places(client.post(VALIDATE, json=body)) == ["/network/layers/1/size"]
    layers[1]["size"] = 2
    layers[0] |= {"kernal": 3, "filters": 0}
    assert places(client.post(VALIDATE, json=body)) == [
        "/network/layers/0/filters",
        "/network/layers/0/kernal",
    ]


def test_a_known_architecture_is_counted(client: httpx.Client) -> None:
    body = {"network": {"family": "cnn", "backbone": {"name": "mobilenetv2"}}, "input": INPUT}
    found = client.post(VALIDATE, json=body).json()
    assert found["parameters"] == 2_257_984 + 10 * 1281
    # What its layers hold counts too.
    assert found["memory"]["training"] > 4 * 2 * 32 * 400 * 32 * 32
