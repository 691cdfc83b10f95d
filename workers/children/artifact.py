"""The artifact of a version: evaluation, export, the gate, and every file that is kept of a network."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from models.card import card
from models.evaluation import Evaluation, Predict, evaluate
from models.export import INPUT, OUTPUT, Parity, export_onnx, parity, serving_function
from models.pictures import draw_confusion, draw_curves, draw_worst
from models.signature import RoleSignature, Signature, TensorSignature
from workers.children.events import Events, finite
from workers.children.program import Failed
from workers.children.rows import Rows
from workers.protocol import Failure, TrainingOrder

GRAPH = "predict.onnx"
GOLDEN_ROWS = 16
PARITY_ROWS = 512
MEDIA_TYPES = {
    "network.keras": "application/zip",
    GRAPH: "application/octet-stream",
    "signature.json": "application/json",
    "spec.json": "application/json",
    "report.json": "application/json",
    "golden.npz": "application/zip",
    "card.md": "text/markdown",
    "confusion.png": "image/png",
    "curves.png": "image/png",
    "worst.png": "image/png",
}


@dataclass(frozen=True)
class Trained:
    """A network with its best weights, and how it came to them; ``epochs`` holds what was told of each."""

    network: keras.Model
    epochs: Sequence[dict[str, Any]]
    best: dict[str, Any] | None
    stop_reason: str

    @property
    def curves(self) -> list[dict[str, Any]]:
        """The figures of each epoch, NaN and infinity as None."""
        return [finite({"epoch": each["epoch"], **each["metrics"]}) for each in self.epochs]


def write_artifact(
    trained: Trained, order: TrainingOrder, rows: Rows, output: Path, events: Events
) -> dict[str, Any]:
    """Write all files into ``output`` and return the result of the job.

    Raises :class:`Failed`, ``export_mismatch``, where the graph answers otherwise than the network.
    """
    predict = serving_function(trained.network)
    events.phase("evaluating")
    evaluation = evaluate(predict, rows.x, rows.y, rows.reported, order.dataset_schema.labels)
    events.phase("exporting")
    export_onnx(trained.network, output / GRAPH)
    proof = prove(predict, output / GRAPH, rows)
    trained.network.save(output / "network.keras")
    signature = signature_of(order)
    report = {**evaluation.report, "on": rows.report_on, "best": trained.best, "epochs": trained.curves}
    facts = _facts(trained, order, rows, proof)
    _write_json(output / "signature.json", signature.model_dump(mode="json"))
    _write_json(output / "spec.json", order.model_dump(mode="json", include={"sent", "network", "training"}))
    _write_json(output / "report.json", report)
    (output / "card.md").write_text(card(facts, report))
    _write_golden(evaluation, rows, output / "golden.npz")
    draw_confusion(report, output / "confusion.png")
    draw_curves(trained.curves, output / "curves.png")
    draw_worst(report, rows.x, order.dataset_schema.image, output / "worst.png")
    return {
        "files": MEDIA_TYPES,
        "metrics": {
            "accuracy": report["accuracy"],
            "loss": report["loss"],
            "macro_f1": report["macro"]["f1"],
        },
        "parameters": facts["parameters"],
        "signature": signature.model_dump(mode="json"),
        "best": trained.best,
        "stop_reason": trained.stop_reason,
        "parity": asdict(proof),
    }


def signature_of(order: TrainingOrder) -> Signature:
    """Return the public contract of a network that was trained by this order."""
    schema = order.dataset_schema
    predict = RoleSignature(
        graph=GRAPH,
        inputs=(TensorSignature(name=INPUT, dtype="float32", shape=schema.shape),),
        outputs=(TensorSignature(name=OUTPUT, dtype="float32", shape=(len(schema.labels),)),),
    )
    return Signature(roles={"predict": predict}, labels=tuple(schema.labels), image=schema.image)


def prove(predict: Predict, graph: Path, rows: Rows) -> Parity:
    """Let a graph pass that answers as the network does; raise :class:`Failed` for any other."""
    proof = parity(predict, graph, rows.read(rows.reported[:PARITY_ROWS]))
    if not proof.passed:
        raise Failed(
            Failure(
                code="export_mismatch",
                message=f"The exported graph differs from the network by {proof.max_difference:.2g};"
                f" at most {proof.tolerance:g} was expected.",
                hint="The network was not published, for it would answer wrongly. Please report its spec.",
            )
        )
    return proof


def _write_golden(evaluation: Evaluation, rows: Rows, path: Path) -> None:
    """Keep some rows, evenly spread, with the network's own answers: serving must agree with them."""
    count = min(GOLDEN_ROWS, len(rows.reported))
    places = np.linspace(0, len(rows.reported) - 1, count).astype(int)
    answers = {INPUT: rows.read(rows.reported[places]), OUTPUT: evaluation.probabilities[places]}
    np.savez(path, **answers)


def _facts(trained: Trained, order: TrainingOrder, rows: Rows, proof: Parity) -> dict[str, Any]:
    return {
        "model": order.model,
        "job": order.job,
        "dataset": order.dataset,
        "family": order.network.family,
        "parameters": int(trained.network.count_params()),
        "shape": order.dataset_schema.shape,
        "rows": {"train": len(rows.training), "validation": len(rows.validation), "test": len(rows.test)},
        "epochs": len(trained.epochs),
        "best_epoch": trained.best["epoch"] if trained.best else len(trained.epochs),
        "stop_reason": trained.stop_reason,
        "training": order.training.model_dump(mode="json"),
        "parity": asdict(proof),
    }


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")
