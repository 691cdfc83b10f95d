"""What servers are asked in the comparison: a network each, and requests in the words of each server."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from benchmarks.gallery.grammar import sentences
from benchmarks.load import request_bytes

REQUESTS = 32
_WIDE = 96
_SENTENCES = 2000


@dataclass(frozen=True)
class Workload:
    """Requests of ``rows`` rows to a preset that learnt from a file; ``binary`` ones carry them as bytes."""

    name: str
    title: str
    preset: str
    kind: str
    ending: str
    write: Callable[[Path], None]
    ask: Callable[[np.random.Generator], Any]
    rows: int = 1
    binary: bool = False

    @property
    def model(self) -> str:
        """Name of the model that the workload asks."""
        return self.preset

    def asked(self) -> list[list[Any]]:
        """Return the rows of each request: arrays, or texts."""
        chance = np.random.default_rng(0)
        return [[self.ask(chance) for _ in range(self.rows)] for _ in range(REQUESTS)]


def native(workload: Workload, key: str) -> list[bytes]:
    """Return requests in Keraforge's own JSON, or those that clients of Triton make for bytes."""
    credentials = {"Authorization": f"Bearer {key}"}
    if not workload.binary:
        path = f"/api/v1/models/{workload.model}/predict"
        rows = ([_told(row) for row in rows] for rows in workload.asked())
        bodies = (json.dumps({"instances": each}).encode() for each in rows)
        return [request_bytes(path, body, credentials) for body in bodies]
    requests = []
    for rows in workload.asked():
        tensor = np.stack(rows).astype(np.float32)
        head = _binary_head(tensor, "image")
        headers = {**credentials, "Inference-Header-Content-Length": str(len(head))}
        path = f"/v2/models/{workload.model}/infer"
        requests.append(request_bytes(path, head + tensor.tobytes(), headers))
    return requests


def tensors(workload: Workload, tensor: Mapping[str, Any]) -> list[np.ndarray]:
    """Return what the graph itself takes, for peers that do not know texts: as many ids as texts have."""
    if workload.kind != "text":
        return [np.stack(rows).astype(np.float32) for rows in workload.asked()]
    chance = np.random.default_rng(0)
    ids = np.zeros((REQUESTS, workload.rows, *tensor["shape"]), np.int32)
    ids[..., :8] = chance.integers(2, 40, (*ids.shape[:2], 8))
    return list(ids)


def _told(row: Any) -> Any:
    return row if isinstance(row, str) else row.tolist()


def _binary_head(tensor: np.ndarray, name: str) -> bytes:
    about = {"name": name, "shape": list(tensor.shape), "datatype": "FP32"}
    about["parameters"] = {"binary_data_size": tensor.nbytes}
    wanted = {"name": "probabilities", "parameters": {"binary_data": True}}
    return json.dumps({"inputs": [about], "outputs": [wanted]}).encode()


def _digits(path: Path) -> None:
    digits = load_digits()
    np.savez(path, x=_enlarged(digits.images, 28), y=digits.target)


def _enlarged(images: np.ndarray, size: int) -> np.ndarray:
    nearest = np.arange(size) * images.shape[1] // size
    return images[:, nearest][:, :, nearest].astype(np.uint8)


def _digit(chance: np.random.Generator) -> np.ndarray:
    return chance.integers(0, 17, (28, 28, 1))


def _wide(path: Path) -> None:
    images = _enlarged(load_digits().images[:200], _WIDE)[..., None].repeat(3, -1)
    np.savez(path, x=images, y=load_digits().target[:200])


def _wide_picture(chance: np.random.Generator) -> np.ndarray:
    return chance.integers(0, 17, (_WIDE, _WIDE, 3))


def _grammar(path: Path) -> None:
    texts, labels = sentences(_SENTENCES, seed=0)
    lines = [json.dumps({"text": text, "label": label}) for text, label in zip(texts, labels, strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _sentence(chance: np.random.Generator) -> str:
    return sentences(1, seed=int(chance.integers(2**31)))[0][0]


_SMALL = ("cnn-basic", "images", ".npz", _digits, _digit)
_PICTURES = ("cnn-small", "images", ".npz", _wide, _wide_picture)
_TEXTS = ("lstm-text", "text", ".jsonl", _grammar, _sentence)

WORKLOADS = (
    Workload("small", "28x28x1, cnn-basic, one row as JSON", *_SMALL),
    Workload("batch", "28x28x1, cnn-basic, 32 rows as JSON", *_SMALL, rows=32),
    Workload("wide", "96x96x3, cnn-small, one row as JSON", *_PICTURES),
    Workload("text", "a sentence, lstm-text, one row as JSON", *_TEXTS),
    Workload("binary", "28x28x1, cnn-basic, one row as bytes", *_SMALL, binary=True),
)
