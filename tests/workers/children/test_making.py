"""What a network takes over where ids or classes mean something else than in the version it starts from."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.schema import DatasetSchema, input_of
from models.statistics import neutral
from workers.children.events import Events
from workers.children.making import Maker
from workers.protocol import TrainingOrder

NETWORK = {"family": "rnn", "layers": [{"units": 2}], "embedding_size": 3}
WORDS = ["", "\ufffd", "good", "bad"]


def schema(*labels: str) -> dict[str, Any]:
    text = {"tokens": "word", "vocabulary": len(WORDS)}
    rows = {"rows": 10, "test_rows": 2, "shape": [5], "dtype": "int32"}
    return {"kind": "text", "labels": labels, "text": text, **rows}


def vocabulary(folder: Path, words: list[str]) -> str:
    path = folder / f"{'-'.join(words[2:])}.json"
    path.write_text(json.dumps(words))
    return str(path)


def maker(folder: Path, start: dict[str, Any] | None = None, **fields: Any) -> Maker:
    order = {"job": "job_1", "attempt": 1, "model": "m", "dataset": "d@1", "threads": 1, "network": NETWORK}
    order |= {"dataset_schema": schema("a", "b"), "training": {}, "start_from": start} | fields
    order |= {"files": {"vocabulary.json": vocabulary(folder, WORDS)}}
    return Maker(TrainingOrder.model_validate_json(json.dumps(order)))


STATISTICS = neutral(input_of(DatasetSchema.model_validate(schema("a", "b"))))


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A version that knows the same words and classes."""
    folder = tmp_path_factory.mktemp("parent")
    maker(folder)(STATISTICS, 1).save(folder / "network.keras")
    files = {
        "network.keras": str(folder / "network.keras"),
        "vocabulary.json": vocabulary(folder, WORDS),
    }
    return {"version": "m@1", "network": NETWORK, "dataset_schema": schema("a", "b"), "files": files}


def test_equal_words_and_classes_take_everything_over(start: dict[str, Any], tmp_path: Path) -> None:
    make = maker(tmp_path, start)
    network = make(STATISTICS, 2)
    assert make.taken == (("embedding", "lstm_1", "probabilities"), ())
    assert make.notes()["start_from"]["version"] == "m@1"
    parent = maker(tmp_path)(STATISTICS, 1)
    for one, other in zip(network.get_weights(), parent.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_other_words_begin_at_random(start: dict[str, Any], tmp_path: Path) -> None:
    files = start["files"] | {"vocabulary.json": vocabulary(tmp_path, ["", "\ufffd", "bad", "good"])}
    make = maker(tmp_path, start | {"files": files})
    make(STATISTICS, 2)
    assert make.taken == (("lstm_1", "probabilities"), ("embedding",))


def test_other_classes_begin_at_random(start: dict[str, Any], tmp_path: Path) -> None:
    make = maker(tmp_path, start | {"dataset_schema": schema("b", "a")})
    make(STATISTICS, 2)
    assert make.taken == (("embedding", "lstm_1"), ("probabilities",))


def test_what_is_frozen_at_random_is_warned_of(start: dict[str, Any], tmp_path: Path) -> None:
    other = start | {"dataset_schema": schema("b", "a")}
    make = maker(tmp_path, other, training={"freeze": ["prob"]})
    make(STATISTICS, 2)
    with (tmp_path / "events").open("wb") as file:
        make.tell(Events(file.fileno()))
    said = json.loads((tmp_path / "events").read_text())["data"]
    assert said["level"] == "warning"
    assert said["message"].endswith("Frozen, and so at random for good: probabilities.")


def test_without_a_version_nothing_is_told(tmp_path: Path) -> None:
    make = maker(tmp_path)
    make(STATISTICS, 1)
    assert (make.taken, make.notes()) == (None, {})
