import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from models.schema import DatasetSchema
from workers.children import reader
from workers.children.events import Events
from workers.children.stopping import Stop, Stopped
from workers.protocol import ReadingOrder

READER = "workers.children.reader"
ORDER = {
    "kind": "reading",
    "job": "job_1",
    "attempt": 1,
    "dataset_kind": "images",
    "options": {},
    "max_bytes": 10**9,
}


def test_the_digits_are_read_by_hand(run_program: Callable, order_dir: Path) -> None:
    run = run_program(READER, ORDER | {"builtin": "digits"})
    assert run.status == 0
    assert run.phases() == ["unpacking", "reading"]
    result = run.only("result")
    schema = DatasetSchema.model_validate(result["schema"])
    assert (schema.rows, schema.test_rows) == (1797, 360)
    assert len(result["digest"]) == 64
    assert set(result) == {"schema", "profile", "split", "warnings", "digest"}
    output = order_dir / "output"
    assert {file.name for file in output.iterdir()} == {"x.npy", "y.npy", "test.npy", "schema.json"}
    assert np.load(output / "x.npy", mmap_mode="r").shape == (1797, 8, 8, 1)


def test_an_upload_is_read_and_what_was_unpacked_is_gone(run_program: Callable, order_dir: Path) -> None:
    path = order_dir.parent / "upload"
    with path.open("wb") as file:
        np.savez(file, x=np.arange(40 * 16, dtype=np.uint16).reshape(40, 4, 4), y=["a", "b"] * 20)
    run = run_program(READER, ORDER | {"file": str(path), "options": {"test_fraction": 0.5}})
    assert run.status == 0
    assert run.only("result")["schema"]["labels"] == ["a", "b"]
    assert run.only("result")["split"]["test_rows"] == 20
    assert {entry.name for entry in order_dir.iterdir()} == {"order.json", "output"}


def test_an_upload_that_is_no_dataset_is_bad_data(run_program: Callable, order_dir: Path) -> None:
    path = order_dir.parent / "upload.npz"
    np.savez(path, x=np.array([{}] * 20, object), y=np.arange(20) % 2)
    run = run_program(READER, ORDER | {"file": str(path)})
    assert run.status == 64
    error = run.only("error")
    assert error["code"] == "bad_data"
    assert "x holds Python objects" in error["message"]
    assert "numpy.stack" in error["hint"]
    assert error["retryable"] is False
    assert "Traceback" not in run.stderr
    assert {entry.name for entry in order_dir.iterdir()} == {"order.json", "output"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"builtin": "digits", "options": {"test_fraction": 2}}, "options.test_fraction"),
        ({"builtin": "digits", "options": {"fraction": 0.2}}, "options.fraction"),
        ({"builtin": "digits", "options": {"range": [0, 10]}}, "between 0 and 16"),
        ({"builtin": "letters"}, "'letters'"),
    ],
)
def test_what_the_order_asks_wrongly_is_bad_data(change: dict, told: str, run_program: Callable) -> None:
    run = run_program(READER, ORDER | change)
    assert run.status == 64
    assert run.only("error")["code"] == "bad_data"
    assert told in run.only("error")["message"]


def test_the_reader_loads_no_deep_learning() -> None:
    code = "import sys, workers.children.reader; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-P", "-c", code], check=True, cwd=Path(__file__).parents[3],
                   env={"PYTHONPATH": str(Path(__file__).parents[3])})  # fmt: skip


@pytest.fixture
def pictures(tmp_path: Path) -> ReadingOrder:
    path = tmp_path / "pictures.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for row in range(20):
            with archive.open(f"{'ab'[row % 2]}/{row}.png", "w") as file:
                Image.new("L", (4, 4), row).save(file, "PNG")
    return ReadingOrder.model_validate(ORDER | {"file": path})


class Told(Events):
    """Events that are kept; ``stop`` is asked to leave at the first progress."""

    def __init__(self, stop: Stop | None = None) -> None:
        self.kept: list[tuple[str, dict[str, Any]]] = []
        self._stop = stop

    def send(self, event: str, data: dict[str, Any]) -> None:
        self.kept.append((event, data))
        if self._stop and event == "progress":
            self._stop.request()


def test_a_long_reading_tells_how_far_it_is(
    pictures: ReadingOrder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_REPORT_SECONDS", 0)
    (tmp_path / "output").mkdir()
    events = Told()
    reader.read(pictures, tmp_path / "output", events, Stop())
    # Headers first, then pixels.
    steps = [(data["step"], data["steps"]) for event, data in events.kept if event == "progress"]
    assert steps == [(step, 40) for step in range(40)]


def test_a_long_reading_leaves_in_the_middle_when_asked(
    pictures: ReadingOrder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_REPORT_SECONDS", 0)
    (tmp_path / "output").mkdir()
    stop = Stop()
    events = Told(stop)
    with pytest.raises(Stopped):
        reader.read(pictures, tmp_path / "output", events, stop)
    assert [event for event, _ in events.kept] == ["phase", "progress"]
