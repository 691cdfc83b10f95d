"""A version to measure: a preset trained on digits for an epoch, published in a data folder of its own."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from shutil import copy2

import numpy as np
from sklearn.datasets import load_digits

from app.database import Database
from app.identifiers import new_id
from app.prepare import prepare
from app.registry.publishing import publish
from app.settings import Settings
from app.storage import Store
from app.tables import Job
from models.presets import resolve
from models.schema import TEST_FILE, X_FILE, Y_FILE, DatasetSchema, ImageSchema, input_of
from workers.protocol import ORDER_FILE, OUTPUT_DIR, TrainingOrder

MODEL = "digits"
TEST_ROWS = 360


@dataclass(frozen=True)
class Published:
    """Where the version is, and rows to ask it."""

    settings: Settings
    key: str
    keras_file: Path
    onnx_file: Path
    rows: np.ndarray


def publish_digits(folder: Path, preset: str, size: int) -> Published:
    """Train ``preset`` on the digits, enlarged to ``size`` by ``size``, with the trainer; publish it."""
    settings = Settings(_env_file=None, data_dir=folder / "data")
    prepare(settings)
    images, labels = _digits(size)
    order_dir = folder / "order"
    result = _train(_write_order(order_dir, preset, images, labels), order_dir)
    output = order_dir / OUTPUT_DIR
    # Publishing moves the files into the store.
    keras_file, onnx_file = (Path(copy2(output / name, folder)) for name in ("network.keras", "predict.onnx"))
    _publish(settings, result, output)
    key = settings.key_file.read_text().strip()
    return Published(settings, key, keras_file, onnx_file, images[-TEST_ROWS:])


def _digits(size: int) -> tuple[np.ndarray, np.ndarray]:
    images, labels = load_digits(return_X_y=True)
    nearest = np.arange(size) * 8 // size
    return images.reshape(-1, 8, 8)[:, nearest][:, :, nearest][..., None].astype(np.uint8), labels


def _write_order(order_dir: Path, preset: str, images: np.ndarray, labels: np.ndarray) -> TrainingOrder:
    order_dir.mkdir()
    schema = DatasetSchema(
        rows=len(images),
        test_rows=TEST_ROWS,
        shape=images.shape[1:],
        dtype=str(images.dtype),
        labels=[str(digit) for digit in range(10)],
        image=ImageSchema(low=0, high=16, background=0),
    )
    test = np.arange(len(images) - TEST_ROWS, len(images))
    arrays = {X_FILE: images, Y_FILE: labels.astype(np.int64), TEST_FILE: test}
    for name, array in arrays.items():
        np.save(order_dir / name, array)
    resolved = resolve({"preset": preset}, {"epochs": 1}, input_of(schema))
    order = TrainingOrder(
        job=new_id("job"),
        attempt=1,
        model=MODEL,
        dataset="digits@1",
        dataset_schema=schema,
        files={name: order_dir / name for name in arrays},
        network=resolved.network,
        training=resolved.training,
        threads=os.cpu_count() or 1,
    )
    (order_dir / ORDER_FILE).write_text(order.model_dump_json())
    return order


def _train(order: TrainingOrder, order_dir: Path) -> dict:
    command = [sys.executable, "-P", "-m", "workers.children.trainer", str(order_dir)]
    with (
        tempfile.TemporaryFile("w+") as log,
        # The trainer ends when its standard input does, so that stays open.
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as child,
    ):
        events = [json.loads(line) for line in child.stdout]
        log.seek(0)
        told = log.read()
    last = events[-1] if events else {"type": "nothing"}
    if last["type"] != "result":
        raise SystemExit(f"the trainer ended with {last}\n{told}")
    return {**last["data"], "order": order}


def _publish(settings: Settings, result: dict, output: Path) -> None:
    store, order = Store(settings.data_dir), result["order"]
    files = {}
    for path, media_type in result["files"].items():
        stored = store.adopt(output / path)
        files[path] = {"sha256": stored.sha256, "bytes": stored.bytes, "media_type": media_type}
    database = Database(settings.resolved_database_url)
    with database.write() as session:
        job = Job(
            id=order.job,
            owner="local",
            kind="training",
            slot="training",
            state="running",
            attempt=1,
            model=MODEL,
            promote="always",
            request={},
            resolved=order.model_dump(mode="json", include={"network", "training"}),
        )
        session.add(job)
        session.flush()
        publish(session, job, result, files)
    database.close()
