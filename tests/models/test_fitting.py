from typing import Any

import pytest

from models.fitting import kind_of, misfits, shape_of, wrong_kind
from models.schema import DatasetSchema
from models.signature import Signature

CLASSES = [{"name": "probabilities", "dtype": "float32", "shape": [2]}]
VALUES = [{"name": "values", "dtype": "float32", "shape": [2]}]


def tensor(name: str, *shape: int, dtype: str = "float32") -> dict[str, Any]:
    return {"name": name, "dtype": dtype, "shape": shape}


def signature(name: str, *shape: int, role: str = "predict", **members: Any) -> Signature:
    """A version that takes one tensor, and tells two classes unless told otherwise."""
    outputs = members.pop("outputs", CLASSES)
    played = {"graph": "g", "inputs": members.pop("inputs", [tensor(name, *shape)]), "outputs": outputs}
    return Signature.model_validate({"roles": {role: played}, "labels": ["a", "b"]} | members)


def schema(kind: str, *shape: int, **members: Any) -> DatasetSchema:
    whole = {
        "kind": kind,
        "rows": 9,
        "test_rows": 3,
        "shape": shape,
        "dtype": "float32",
        "labels": ["b", "a"],
    }
    return DatasetSchema.model_validate(whole | members)


IMAGE = {"low": 0, "high": 16, "background": 0}
COLUMNS = ({"name": "age", "kind": "number"}, {"name": "city", "kind": "category", "categories": ["York"]})
OTHER_COLUMNS = ({"name": "extra", "kind": "number"}, {"name": "city", "kind": "category"}, COLUMNS[0])
WORDS = {"tokens": "word", "vocabulary": 9, "lowercase": True}
VECTORS, IMAGES = signature("vector", 4), signature("image", 8, 8, 1, image=IMAGE)
FORECASTS = signature("sequence", 5, 2, outputs=VALUES, task="forecasting", labels=[])
REGRESSION = signature("vector", 4, outputs=VALUES, task="regression", labels=[], targets=["x", "y"])
TABLES = signature("", inputs=[tensor("age"), tensor("city")], columns=COLUMNS)
TEXTS = signature("text", 7, text=WORDS)
WRITER = signature(
    "token", role="step", inputs=[tensor("token", dtype="int32")], text=WORDS, task="generation", labels=[]
)
VARIABLE = signature("sequence", 6, 2, variable_length=True)
GENERATOR = signature(
    "", role="sample", inputs=[tensor("latent", 3), tensor("label", dtype="int32")],
    outputs=[tensor("sample", 4)], task="sampling",
)  # fmt: skip
CODER = signature(
    "vector", 4, role="reconstruct", outputs=[tensor("reconstruction", 4), tensor("error")],
    task="reconstruction", labels=[], threshold=1.0,
)  # fmt: skip

FITTING: list[tuple[Signature, DatasetSchema]] = [
    (VECTORS, schema("vectors", 4)),
    (IMAGES, schema("images", 8, 8, 1, image=IMAGE | {"background": 3})),
    (TABLES, schema("table", 3, columns=OTHER_COLUMNS)),
    (FORECASTS, schema("sequences", 6, 2, labels=[])),
    (FORECASTS, schema("sequences", 6, 2)),
    (VARIABLE, schema("sequences", 4, 2)),
    (TEXTS, schema("text", 99, text=WORDS | {"vocabulary": 4})),
    (WRITER, schema("text", 99, text=WORDS, labels=[])),
    (REGRESSION, schema("vectors", 4, labels=[], targets=["y", "z", "x"])),
    (CODER, schema("vectors", 4)),
    (CODER, schema("vectors", 4, labels=[])),
    (GENERATOR, schema("vectors", 4)),
]
UNFIT: list[tuple[Signature, DatasetSchema, str]] = [
    (VECTORS, schema("vectors", 5), "wrong_shape"),
    (VECTORS, schema("sequences", 4, 1), "wrong_kind"),
    (VECTORS, schema("vectors", 4, labels=[], targets=["x"]), "no_classes"),
    (VECTORS, schema("vectors", 4, labels=["a", "c"]), "unknown_classes"),
    (VECTORS, schema("vectors", 4, test_rows=0), "no_test_rows"),
    (IMAGES, schema("images", 8, 8, 3, image=IMAGE), "wrong_shape"),
    (IMAGES, schema("images", 8, 8, 1, image=IMAGE | {"high": 255}), "wrong_range"),
    (TABLES, schema("table", 1, columns=COLUMNS[:1]), "missing_columns"),
    (TABLES, schema("table", 2, columns=(COLUMNS[0], {"name": "city", "kind": "number"})), "wrong_column"),
    (FORECASTS, schema("sequences", 5, 2, labels=[]), "wrong_shape"),
    (VARIABLE, schema("sequences", 7, 2), "wrong_shape"),
    (VARIABLE, schema("sequences", 6, 3), "wrong_shape"),
    (TEXTS, schema("text", 7, text=WORDS | {"tokens": "character"}), "wrong_tokens"),
    (TEXTS, schema("text", 7, text=WORDS | {"lowercase": False}), "wrong_tokens"),
    (REGRESSION, schema("vectors", 4, labels=[], targets=["x"]), "missing_targets"),
    (CODER, schema("vectors", 3), "wrong_shape"),
    (GENERATOR, schema("vectors", 4, labels=[]), "no_classes"),
    (GENERATOR, schema("vectors", 3), "wrong_shape"),
]


@pytest.mark.parametrize(("version", "dataset"), FITTING)
def test_what_is_known_by_name_fits_in_any_order(version: Signature, dataset: DatasetSchema) -> None:
    assert list(misfits("m@1", version, dataset)) == []


@pytest.mark.parametrize(("version", "dataset", "code"), UNFIT)
def test_what_a_version_cannot_take_is_told(version: Signature, dataset: DatasetSchema, code: str) -> None:
    (problem,) = misfits("m@1", version, dataset)
    assert (problem.code, problem.pointer) == (code, "/dataset")
    assert "m@1" in problem.message or code == "no_test_rows"


def test_a_kind_is_wrong_before_anything_is_read() -> None:
    assert list(wrong_kind("m@1", IMAGES, "images")) == []
    (problem,) = wrong_kind("m@1", IMAGES, "table")
    assert "learnt from images" in problem.message


def test_the_whole_row_of_a_forecast_has_the_step_that_is_foretold() -> None:
    assert (kind_of(FORECASTS), shape_of(FORECASTS)) == ("sequences", (6, 2))
    assert (kind_of(GENERATOR), shape_of(GENERATOR)) == ("vectors", (4,))
