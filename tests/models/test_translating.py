from typing import Any

import numpy as np
import pytest

from models.rows import Rows
from models.schema import DatasetSchema
from models.signature import Signature
from models.translating import translated, translated_schema, unknown_tokens

NONE = np.array([], np.int64)
COLUMNS = [
    {"name": "city", "kind": "category", "categories": ["York", "Rome"]},
    {"name": "age", "kind": "number"},
]


def version(role: str, inputs: list[Any], outputs: list[Any], **members: Any) -> Signature:
    tensors = [
        [{"name": name, "dtype": "float32", "shape": shape} for name, shape in side]
        for side in (inputs, outputs)
    ]
    played = {"graph": "g", "inputs": tensors[0], "outputs": tensors[1]}
    return Signature.model_validate({"roles": {role: played}, **members})


def dataset(kind: str, x: np.ndarray, **members: Any) -> DatasetSchema:
    whole = {"kind": kind, "rows": len(x), "test_rows": 1, "shape": x.shape[1:], "dtype": str(x.dtype)}
    return DatasetSchema.model_validate(whole | members)


def read(
    signature: Signature,
    schema: DatasetSchema,
    x: np.ndarray,
    y: np.ndarray | None = None,
    **words: list[str],
) -> tuple[np.ndarray, np.ndarray]:
    """Return all rows and targets as the version takes them."""
    targets = np.zeros(len(x), np.int64) if y is None else y
    rows = Rows(x, targets, NONE, NONE, np.arange(len(x)))
    vocabularies = {"mine": words.get("mine", []), "theirs": words.get("theirs", [])}
    found = translated(rows, signature, schema, **vocabularies)
    return found.read(found.test), np.asarray(found.y)


def test_columns_and_categories_are_found_by_their_names() -> None:
    signature = version("predict", [("city", ()), ("age", ())], [("probabilities", (2,))], columns=COLUMNS)
    theirs = [
        *({"name": "age", "kind": "number"}, {"name": "more", "kind": "number"}),
        {"name": "city", "kind": "category", "categories": ["Rome", "Oslo", "York"]},
    ]
    # Unknown, missing, Rome, Oslo, York.
    x = np.array([[1, 7, 0], [np.nan, 7, 1], [3, 7, 2], [4, 7, 3], [5, 7, 4]], np.float32)
    rows, _ = read(signature, schema := dataset("table", x, columns=theirs), x)
    np.testing.assert_array_equal(rows, [[0, 1], [1, np.nan], [3, 3], [0, 4], [2, 5]])
    assert translated_schema(signature, schema).columns == signature.columns
    assert translated_schema(signature, schema).shape == (2,)


def test_classes_and_targets_are_found_by_their_names() -> None:
    x, y = np.zeros((3, 4), np.float32), np.array([0, 1, 1])
    signature = version("predict", [("vector", (4,))], [("probabilities", (3,))], labels=["a", "b", "c"])
    schema = dataset("vectors", x, labels=["c", "a"])
    assert read(signature, schema, x, y)[1].tolist() == [2, 0, 0]
    assert translated_schema(signature, schema).labels == ["a", "b", "c"]
    values = version("predict", [("vector", (4,))], [("values", (2,))], task="regression", targets=["u", "v"])
    schema = dataset("vectors", x, targets=["v", "w", "u"])
    found = read(values, schema, x, np.array([[1.0, 2.0, 3.0]]))[1]
    assert found.tolist() == [[3.0, 1.0]]
    assert translated_schema(values, schema).targets == ["u", "v"]


@pytest.mark.parametrize(("length", "expected"), [(5, [3, 1, 2, 0, 0]), (2, [3, 1])])
def test_tokens_are_found_by_what_they_are(length: int, expected: list[int]) -> None:
    text = {"tokens": "word", "vocabulary": 4}
    signature = version("predict", [("text", (length,))], [("probabilities", (2,))], text=text)
    mine, theirs = ["", "\ufffd", "is", "sky"], ["", "\ufffd", "sky", "blue", "is"]
    x = np.array([[2, 3, 4, 0]], np.int32)
    schema = dataset("text", x, text=text | {"vocabulary": 5})
    assert read(signature, schema, x, mine=mine, theirs=theirs)[0].tolist() == [expected]
    assert unknown_tokens(mine, theirs) == 1
    assert translated_schema(signature, schema).shape == (length,)


def test_what_writes_takes_texts_of_any_length() -> None:
    text = {"tokens": "word", "vocabulary": 3}
    signature = version("step", [("token", ())], [("logits", (3,))], text=text, task="generation")
    x = np.array([[2, 1, 0]], np.int32)
    schema = dataset("text", x, text=text)
    assert read(signature, schema, x, mine=["", "?", "a"], theirs=["", "?", "a"])[0].tolist() == [[2, 1, 0]]
    assert translated_schema(signature, schema).shape == (3,)


def test_short_sequences_are_filled_up() -> None:
    signature = version(
        "predict", [("sequence", (3, 2))], [("probabilities", (2,))], labels=["a", "b"], variable_length=True
    )
    x = np.ones((1, 2, 2), np.float32)
    rows, _ = read(signature, dataset("sequences", x, labels=["a", "b"]), x)
    np.testing.assert_array_equal(rows, [[[1, 1], [1, 1], [np.nan, np.nan]]])


def test_a_forecast_looks_at_no_targets() -> None:
    signature = version("predict", [("sequence", (2, 1))], [("values", (1,))], task="forecasting")
    x = np.ones((1, 3, 1), np.float32)
    found = translated_schema(signature, dataset("sequences", x, labels=["a", "b"]))
    assert (found.labels, found.targets, found.shape) == ([], [], (3, 1))
