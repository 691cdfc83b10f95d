from typing import Any

import pytest

from app.registry.compatibility import changes
from models.signature import Signature


def signature(roles: dict[str, Any], labels: tuple[str, ...] = ("a", "b")) -> Signature:
    return Signature.model_validate({"roles": roles, "labels": labels})


def role(
    shape: tuple[int, ...] = (8, 8, 1), dtype: str = "float32", name: str = "image", classes: int = 2
) -> dict[str, Any]:
    return {
        "graph": "predict.onnx",
        "inputs": [{"name": name, "dtype": dtype, "shape": shape}],
        "outputs": [{"name": "probabilities", "dtype": "float32", "shape": [classes]}],
    }


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"predict": role()}, []),
        ({"predict": role(), "encode": role()}, []),
        ({"predict": role() | {"graph": "other.onnx"}}, []),
        ({}, ["predict is gone"]),
        (
            {"predict": role(shape=(28, 28, 1))},
            ["predict takes image float32[28, 28, 1], not image float32[8, 8, 1]"],
        ),
        (
            {"predict": role(dtype="uint8")},
            ["predict takes image uint8[8, 8, 1], not image float32[8, 8, 1]"],
        ),
        (
            {"predict": role(name="x")},
            ["predict takes x float32[8, 8, 1], not image float32[8, 8, 1]"],
        ),
        (
            {"predict": role(classes=3)},
            ["predict returns probabilities float32[3], not probabilities float32[2]"],
        ),
    ],
)
def test_what_callers_would_have_to_change_is_named(after: dict[str, Any], said: list[str]) -> None:
    assert changes(signature({"predict": role()}), signature(after)) == said


def test_other_labels_break_nobody() -> None:
    assert changes(signature({"predict": role()}), signature({"predict": role()}, labels=("c", "d"))) == []
