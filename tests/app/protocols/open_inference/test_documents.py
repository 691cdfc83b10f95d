"""What the server and its versions tell of themselves: all of it, and nothing that is null."""

from contextlib import closing
from importlib.metadata import version

from app.database import Database

TENSOR_TYPES = {"FP32": "TYPE_FP32", "BYTES": "TYPE_STRING"}


def test_the_server_names_what_it_serves(client):
    assert client.get("/v2").json() == {
        "name": "keraforge",
        "version": version("keraforge"),
        "extensions": [
            "binary_tensor_data",
            "classification",
            "generate",
            "model_configuration",
            "model_repository",
            "parameters",
            "statistics",
        ],
    }


def test_metadata_counts_the_rows_and_the_configuration_does_not(client, registry, table):
    registry.publish(seed=1)
    table(registry)
    for model, inputs, outputs in (
        ("digits", {"image": ("FP32", [8, 8, 1])}, {"probabilities": ("FP32", [3])}),
        ("table", {"a": ("FP32", []), "b": ("BYTES", [])}, {"values": ("FP32", [1])}),
    ):
        assert client.get(f"/v2/models/{model}/versions/1").json() == {
            "name": model,
            "versions": ["1"],
            "platform": "keraforge_onnx",
            "inputs": metadata(inputs),
            "outputs": metadata(outputs),
        }
        config = client.get(f"/v2/models/{model}/versions/1/config").json()
        assert config.pop("max_batch_size") > 0
        assert config == {
            "name": model,
            "platform": "keraforge_onnx",
            "input": configured(inputs),
            "output": configured(outputs),
            "model_transaction_policy": {"decoupled": False},
        }


def test_a_server_that_does_not_know_its_models_yet_is_alive_but_not_ready(settings, serve):
    settings.data_dir.mkdir()
    with closing(Database(settings.resolved_database_url)) as database, serve(database).client() as anybody:
        assert anybody.get("/v2/health/live").json() == {"live": True}
        answer = anybody.get("/v2/health/ready")
        assert (answer.status_code, answer.json()) == (503, {"live": True, "ready": False})
        assert answer.headers["retry-after"] == "1"


def test_no_model_takes_the_address_of_the_statistics(service):
    with service.client("admin") as client:
        body = {"model": "stats", "dataset": "digits", "network": {"preset": "cnn-small"}}
        answer = client.post("/api/v1/jobs", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/model")


def metadata(tensors):
    return [
        {"name": name, "datatype": datatype, "shape": [-1, *shape]}
        for name, (datatype, shape) in tensors.items()
    ]


def configured(tensors):
    return [
        {"name": name, "data_type": TENSOR_TYPES[datatype], "dims": shape}
        for name, (datatype, shape) in tensors.items()
    ]
