from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from models.export import export_onnx, parity, serving_function
from models.registry import build, roles_of
from models.schema import InputSchema
from models.specs.activations import Activation
from models.specs.cnn import CnnSpec

SOURCE = InputSchema(shape=(6, 6, 1), classes=3, low=-8.0, high=8.0)


def test_there_are_activations_enough():
    assert len(get_args(Activation)) >= 10


@pytest.mark.parametrize("activation", get_args(Activation))
def test_every_activation_is_served_as_it_was_trained(activation: Activation, tmp_path: Path):
    spec = CnnSpec(activation=activation, scaling="none", blocks=[2], dense=[4])
    network = build(spec, SOURCE, seed=0)
    rows = np.random.default_rng(0).uniform(-8, 8, (40, 6, 6, 1)).astype(np.float32)
    (role,) = roles_of(spec, network, SOURCE)
    export_onnx(role, tmp_path / "predict.onnx")
    proof = parity(role, serving_function(role), tmp_path / "predict.onnx", role.examples(rows))
    assert proof.passed, proof
