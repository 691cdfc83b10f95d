"""Data larger than memory: what the trainer takes for itself while it trains on a file."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.presets import resolve
from models.schema import DatasetSchema, ImageSchema, input_of

TREE = Path(__file__).parents[3]
SHAPE, CLASSES, TEST_ROWS = (64, 64, 3), 4, 1000
ARRAY_BYTES, MOST_MIB = 3 * 1024**3 // 2, 256
NETWORK = {
    "family": "cnn",
    "blocks": [{"filters": 4, "pooling": "max"}, {"filters": 4, "pooling": "max"}],
    "dense": [8],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A dataset in canonical form, written in pieces: brightness tells the class."""
    rows = ARRAY_BYTES // int(np.prod(SHAPE))
    y = np.arange(rows) % CLASSES
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (rows, *SHAPE))
    random = np.random.default_rng(0)
    noise = random.integers(0, 60, (1000, *SHAPE), np.uint8)
    for start in range(0, rows, 1000):
        part = y[start : start + 1000]
        x[start : start + 1000] = noise[: len(part)] + (part * 60).astype(np.uint8)[:, None, None, None]
    x.flush()
    del x
    np.save(tmp_path / "y.npy", y)
    np.save(tmp_path / "test.npy", np.arange(TEST_ROWS))
    return tmp_path


def order_of(folder: Path) -> dict[str, Any]:
    rows = len(np.load(folder / "y.npy"))
    schema = DatasetSchema(
        rows=rows,
        test_rows=TEST_ROWS,
        shape=SHAPE,
        dtype="uint8",
        labels=[str(number) for number in range(CLASSES)],
        image=ImageSchema(low=0, high=255, background=0),
    )
    resolved = resolve(NETWORK, {"epochs": 1, "max_seconds": 60, "batch_size": 64}, input_of(schema))
    return {
        "kind": "training",
        "job": "job_1",
        "attempt": 1,
        "model": "large",
        "dataset": "large@1",
        "dataset_schema": schema.model_dump(mode="json"),
        "files": {name: str(folder / name) for name in ("x.npy", "y.npy", "test.npy")},
        "network": resolved.network.model_dump(mode="json"),
        "training": resolved.training.model_dump(mode="json"),
        "threads": 2,
    }


def anonymous_bytes(pid: int) -> int:
    """Return what a process has in memory that is no file's; 0 for one that has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    line = next((line for line in status.splitlines() if line.startswith("RssAnon:")), "RssAnon: 0 kB")
    return int(line.split()[1]) * 1024


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells how much memory a process has")
def test_the_trainer_takes_little_memory_beside_a_large_file(folder: Path) -> None:
    (folder / "order.json").write_text(json.dumps(order_of(folder)))
    command = [sys.executable, "-P", "-m", "workers.children.trainer", str(folder)]
    environment = {"PYTHONPATH": str(TREE), "PATH": "", "TF_CPP_MIN_LOG_LEVEL": "2", "MPLBACKEND": "Agg"}
    phase, most, before, ended = "starting", {"starting": 0}, 0, threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            most[phase] = max(most.get(phase, 0), anonymous_bytes(trainer.pid))

    watcher = threading.Thread(target=watch)
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=TREE, env=environment, text=True) as trainer:
        assert trainer.stdout is not None
        watcher.start()
        events = []
        for line in trainer.stdout:
            events.append(json.loads(line))
            if events[-1]["type"] == "phase":
                phase = events[-1]["data"]["phase"]
                before = anonymous_bytes(trainer.pid) if phase == "training" else before
        ended.set()
        watcher.join()
    assert events[-1]["type"] == "result", events[-1]
    assert before > 0
    growth = {name: (peak - before) // 1024**2 for name, peak in most.items()}
    assert max(growth["training"], growth["evaluating"]) <= MOST_MIB, growth
    # The libraries of the export take about 350 MiB, whatever the data.
    assert growth["exporting"] <= 2 * MOST_MIB, growth
