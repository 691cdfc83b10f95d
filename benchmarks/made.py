"""Versions to serve that nobody trained: convolutions of a chosen cost, published as a training job does.

As a program it publishes small versions of a model, one every so many seconds, to a data folder:

    python -m benchmarks.made FOLDER MODEL COUNT SECONDS
"""

import io
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from app.database import Database
from app.identifiers import new_id
from app.prepare import prepare
from app.registry.publishing import publish
from app.serving.role import LoadedRole
from app.settings import Settings
from app.storage import Store
from app.tables import Job
from models.onnx_runtime import onnxruntime
from models.signature import RoleSignature

SIDE, CLASSES = 16, 3
CHANNELS = 32
GOLDEN_ROWS = 2


@dataclass(frozen=True)
class Registry:
    """A data folder to publish versions to."""

    settings: Settings

    @classmethod
    def in_folder(cls, folder: Path, **settings: object) -> "Registry":
        """Prepare a data folder."""
        # Loading may take as long as it takes: it is not what is measured.
        made = cls(Settings(_env_file=None, data_dir=folder, loading_seconds=600, **settings))
        prepare(made.settings)
        return made

    @property
    def key(self) -> str:
        return self.settings.key_file.read_text().strip()

    def publish(self, name: str, graph: bytes) -> None:
        """Publish the next version of a model; it becomes the champion."""
        store, database = Store(self.settings.data_dir), Database(self.settings.resolved_database_url)
        image = np.random.default_rng(0).uniform(0, 16, (GOLDEN_ROWS, SIDE, SIDE, 1)).astype(np.float32)
        (answer,) = onnxruntime.InferenceSession(graph).run(None, {"image": image})
        golden = io.BytesIO()
        np.savez(golden, **{"predict/image": image, "predict/probabilities": answer})
        files = {}
        for path, content in {"predict.onnx": graph, "golden.npz": golden.getvalue()}.items():
            staged = store.staging / new_id("file")
            staged.write_bytes(content)
            stored = store.adopt(staged)
            files[path] = {"sha256": stored.sha256, "bytes": stored.bytes, "media_type": "application/x"}
        with database.write() as session:
            job = Job(
                id=new_id("job"),
                owner="local",
                kind="training",
                slot="training",
                state="running",
                attempt=1,
                model=name,
                promote="always",
                request={},
                resolved={"network": {"family": "cnn"}, "training": {}},
            )
            session.add(job)
            session.flush()
            result = {
                "parameters": 1,
                "signature": {
                    "roles": {"predict": signature().model_dump(mode="json")},
                    "labels": [str(place) for place in range(CLASSES)],
                    "image": {"low": 0, "high": 16, "background": 0},
                },
                "metrics": {},
                "parity": {},
                "best": None,
                "stop_reason": "finished",
            }
            publish(session, job, result, files)
        database.close()


def graph(milliseconds: float, *, seed: int = 0) -> bytes:
    """Return a network whose answer to one row takes about so long here; 0 for as little as possible."""
    layers, made = 0, _graph(0, seed)
    if milliseconds:
        # Two points of a straight line.
        few, many = (_seconds(_graph(count, seed)) for count in (2, 10))
        layers = max(1, round((milliseconds / 1000 - few) / (many - few) * 8 + 2))
        made = _graph(layers, seed)
    return made


def _seconds(made: bytes) -> float:
    role = LoadedRole(signature(), made)
    role.measure({"image": np.zeros((1, SIDE, SIDE, 1), np.float32)})
    return role.row_seconds


def signature() -> RoleSignature:
    """Return what they take and answer."""
    return RoleSignature(
        graph="predict.onnx",
        inputs=[{"name": "image", "dtype": "float32", "shape": (SIDE, SIDE, 1)}],
        outputs=[{"name": "probabilities", "dtype": "float32", "shape": (CLASSES,)}],
    )


def _graph(layers: int, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    constants = {
        "first": rng.normal(0, 0.1, (CHANNELS, 1, 3, 3)),
        "kernel": rng.normal(0, 0.05, (CHANNELS, CHANNELS, 3, 3)),
        "weights": rng.normal(0, 0.01, (CHANNELS * SIDE * SIDE, CLASSES)),
    }
    if not layers:
        del constants["kernel"]
    nodes = [
        helper.make_node("Transpose", ["image"], ["channels_first"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["channels_first", "first"], ["layer_0"], pads=[1, 1, 1, 1]),
    ]
    for layer in range(layers):
        name = f"layer_{layer}"
        nodes.append(helper.make_node("Conv", [name, "kernel"], [f"{name}_conv"], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"{name}_conv"], [f"layer_{layer + 1}"]))
    nodes += [
        helper.make_node("Flatten", [f"layer_{layers}"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    shapes = {"image": (SIDE, SIDE, 1), "probabilities": (CLASSES,)}
    taken, given = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", *shape])
        for name, shape in shapes.items()
    )
    kept = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()]
    made = helper.make_graph(nodes, "made", [taken], [given], kept)
    return helper.make_model(
        made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9
    ).SerializeToString()


def main() -> None:
    folder, name, count, seconds = sys.argv[1:]
    registry = Registry(Settings(_env_file=None, data_dir=Path(folder)))
    for number in range(int(count)):
        print(number, flush=True)
        time.sleep(float(seconds))
        registry.publish(name, graph(0, seed=number))


if __name__ == "__main__":
    main()
