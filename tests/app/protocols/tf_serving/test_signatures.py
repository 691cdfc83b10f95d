import numpy as np


def test_the_metadata_is_what_protocol_buffers_make_of_it(client, registry):
    registry.publish(seed=1)

    def tensor(name, *sides):
        dimensions = [{"size": side, "name": ""} for side in sides]
        shape = {"dim": dimensions, "unknown_rank": False}
        return {name: {"dtype": "DT_FLOAT", "tensor_shape": shape, "name": f"{name}:0"}}

    definition = {
        "inputs": tensor("image", "-1", "8", "8", "1"),
        "outputs": tensor("probabilities", "-1", "3"),
        "method_name": "tensorflow/serving/predict",
        "defaults": {},
    }
    assert client.get("/v1/models/digits/metadata").json() == {
        "model_spec": {"name": "digits", "signature_name": "", "version": "1"},
        "metadata": {
            "signature_def": {"signature_def": {"serving_default": definition, "predict": definition}}
        },
    }


def test_every_role_is_a_signature(client, registry, made):
    encode = made.role("encode", {"x": (2,)}, {"code": (2,)})
    encode.node("Neg", ["x"], ["code"])
    reconstruct = made.role("reconstruct", {"x": (2,)}, {"reconstruction": (2,)})
    reconstruct.node("Identity", ["x"], ["reconstruction"])
    rows = {"x": np.ones((1, 2), np.float32)}
    registry.publish(
        "squeeze",
        **made.artifact([encode, reconstruct], {"encode": rows, "reconstruct": rows}, task="reconstruction"),
    )

    def ask(**signature):
        body = {"instances": [[1, 2]], **signature}
        return client.post("/v1/models/squeeze:predict", json=body).json()["predictions"]

    assert ask() == ask(signature_name="serving_default") == ask(signature_name="reconstruct") == [[1, 2]]
    assert ask(signature_name="encode") == [[-1, -2]]
