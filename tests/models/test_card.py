import numpy as np
import pytest

from models.card import card, weakest_classes
from models.evaluation import evaluate
from models.reports.report import Report
from models.schema import DatasetSchema, ImageSchema

SCHEMA = DatasetSchema(
    rows=1797,
    test_rows=360,
    shape=(8, 8, 1),
    dtype="uint8",
    labels=["cat", "dog"],
    image=ImageSchema(low=0, high=16, background=0),
)


@pytest.fixture
def facts() -> dict:
    return {
        "model": "digits",
        "job": "job_1",
        "dataset": "digits@1",
        "family": "cnn",
        "parameters": 12_345,
        "task": "classification",
        "schema": SCHEMA,
        "report_on": "test",
        "reported": 40,
        "rows": {"train": 1293, "validation": 144, "test": 360},
        "epochs": 9,
        "best_epoch": 7,
        "stop_reason": "early_stopping",
        "training": {"epochs": 10, "batch_size": 64, "seed": 7, "optimizer": {"name": "adam"}},
        "parity": {"max_difference": 1.5e-7, "rows": 360},
    }


def report_of(labels: list[str]) -> Report:
    y = np.arange(40) % len(labels)
    content = evaluate(np.eye(len(labels), dtype=np.float32)[y], y, np.arange(40), labels)
    pictures = dict.fromkeys(("confusion.png", "curves.png"), lambda path: None)
    return Report(content, {"accuracy": 1.0, "macro_f1": 1.0}, pictures, weakest_classes(content["classes"]))


def test_the_card_tells_the_facts(facts: dict) -> None:
    text = card(facts, report_of(["cat", "dog"]))
    for fact in (
        "# digits",
        "12,345 parameters",
        "2 classes apart in images of 8 by 8 pixels, grey",
        "On 40 test rows",
        "| accuracy | 1.0000 |",
        "| cat | 1.000 | 1.000 | 1.000 | 20 |",
        "9 of 10, the best was 7",
        "1,293 training, 144 validation, 360 test",
        "at most 1.5e-07 on 360 rows",
        "confusion.png",
    ):
        assert fact in text


@pytest.mark.parametrize(
    ("on", "told"), [("validation", "no test rows"), ("training", "its own training rows")]
)
def test_the_card_says_so_if_there_were_no_test_rows(on: str, told: str, facts: dict) -> None:
    assert told in card(facts | {"report_on": on}, report_of(["cat", "dog"]))


def test_of_many_classes_the_weakest_are_listed(facts: dict) -> None:
    text = card(facts, report_of([f"class {number}" for number in range(20)]))
    assert "The 10 weakest classes" in text
    assert text.count("| class ") == 11


def test_names_cannot_write_markup(facts: dict) -> None:
    text = card(facts | {"model": "[x](http://example.org)"}, report_of(["<script>", "a|b"]))
    assert "<script>" not in text
    assert "[x](" not in text
    assert "a\\|b" in text


@pytest.mark.parametrize(
    ("schema", "task", "told"),
    [
        (
            {"kind": "table", "shape": (4,), "labels": [], "targets": ["price"]},
            "regression",
            "predicts price from",
        ),
        ({"kind": "vectors", "shape": (9,)}, "classification", "2 classes apart in vectors of 9 numbers"),
        ({"kind": "sequences", "shape": (5, 2), "variable_length": True}, "classification", "up to 5 steps"),
        ({"labels": []}, "sampling", "makes up images of 8 by 8 pixels"),
    ],
)
def test_the_card_says_what_the_network_is_for(schema: dict, task: str, told: str, facts: dict) -> None:
    changed = {"schema": SCHEMA.model_copy(update=schema), "task": task}
    assert told in card(facts | changed, report_of(["cat", "dog"]))
