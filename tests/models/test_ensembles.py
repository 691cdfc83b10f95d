from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models.ensembles import ensemble, mean_epochs
from models.export import export_onnx, parity, serving_function
from models.presets import resolve
from models.registry import build, roles_of
from models.schema import Column, InputSchema

IMAGES = InputSchema(shape=(8, 8, 1), classes=3)
TEXT = InputSchema(kind="text", shape=(6,), dtype="int32", vocabulary=9, classes=2)
TABLE = InputSchema(
    kind="table",
    shape=(2,),
    targets=1,
    columns=(Column(name="a", kind="number"), Column(name="b", kind="category", categories=("x", "y"))),
)
RANDOM = np.random.default_rng(0)
NETWORKS: list[tuple[dict[str, Any], InputSchema, np.ndarray]] = [
    ({"family": "cnn", "blocks": [2], "dropout": 0.5}, IMAGES, RANDOM.uniform(0, 1, (5, 8, 8, 1))),
    ({"family": "mlp", "dense": [4]}, TABLE, np.array([[0.5, 2], [np.nan, 0], [1, 3], [2, 1], [3, 2]])),
    ({"family": "rnn", "layers": [3], "cell": "gru"}, TEXT, RANDOM.integers(0, 9, (5, 6))),
    ({"preset": "attention-lstm-text"}, TEXT, RANDOM.integers(1, 9, (5, 6))),
]


@pytest.mark.parametrize(
    ("network", "source", "rows"), NETWORKS, ids=["images", "table", "text", "attention"]
)
def test_an_ensemble_answers_with_the_mean_and_is_exported_kept_and_served_as_one(
    network: dict[str, Any], source: InputSchema, rows: np.ndarray, tmp_path: Path
) -> None:
    spec = resolve(network, None, source).network
    members = [build(spec, source, seed=seed) for seed in (1, 2, 3)]
    rows = rows.astype(np.int32 if source.kind == "text" else np.float32)
    answers = [member(rows, training=False) for member in members]
    parts = [each if isinstance(each, list) else [each] for each in answers]
    expected = [np.mean([np.asarray(part) for part in each], axis=0) for each in zip(*parts, strict=True)]

    together = ensemble(members)
    (role,) = roles_of(spec, together, source)
    serve = serving_function(role)
    found = serve(role.examples(rows))
    for tensor, mean in zip(role.outputs, expected, strict=True):
        np.testing.assert_allclose(found[tensor.name], mean, rtol=1e-4, atol=1e-5)
    export_onnx(role, tmp_path / "predict.onnx")
    assert parity(role, serve, tmp_path / "predict.onnx", role.examples(rows)).passed
    together.save(tmp_path / "network.keras")
    again = ensemble([build(spec, source, seed=seed) for seed in (4, 5, 6)])
    again.load_weights(tmp_path / "network.keras")
    for one, other in zip(together.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert together.count_params() == sum(member.count_params() for member in members)
    assert isinstance(together, keras.Model)


def test_epochs_are_told_as_means_over_those_that_came_so_far() -> None:
    def told(epoch: int, loss: float) -> dict[str, Any]:
        return {
            "epoch": epoch,
            "epochs": 3,
            "step": epoch,
            "metrics": {"loss": loss},
            "seconds": 1.0,
            "eta": 9,
        }

    found = mean_epochs([[told(1, 4.0), told(2, 3.0)], [told(1, 2.0)]])
    assert [(each["epoch"], each["metrics"]["loss"]) for each in found] == [(1, 3.0), (2, 3.0)]
    assert [each["seconds"] for each in found] == [2.0, 1.0]
