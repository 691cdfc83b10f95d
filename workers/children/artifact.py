"""The artifact of a version: evaluation, export, the gate, and every file that is kept of a network."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from models.card import card
from models.export import Parity, Serve, export_onnx, parity, serving_function
from models.registry import roles_of
from models.reports.report import Examined, Report
from models.reports.writing import report_of
from models.roles import PlayedRole
from models.rows import Rows, spread
from models.schema import VOCABULARY_FILE, input_of
from models.signature import Role, RoleSignature, Signature
from models.snapshots import Made
from models.tasks import task_of
from workers.children.events import Events, finite
from workers.children.program import Failed
from workers.children.rows import open_vocabulary
from workers.protocol import NETWORK_FILE, Failure, TrainingOrder

GOLDEN_ROWS = 16
PARITY_ROWS = 512
_MEDIA_TYPES = {
    ".keras": "application/zip",
    ".onnx": "application/octet-stream",
    ".json": "application/json",
    ".npz": "application/zip",
    ".md": "text/markdown",
    ".png": "image/png",
    ".txt": "text/plain",
}


@dataclass(frozen=True)
class Trained:
    """A network with its best weights, and how it came to them; ``epochs`` holds what was told of each.

    ``notes`` is what else the report tells of the training, ``snapshots`` what was made up on the way.
    """

    network: keras.Model
    epochs: Sequence[dict[str, Any]]
    best: dict[str, Any] | None
    stop_reason: str
    cross_validation: dict[str, Any] | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    snapshots: Mapping[int, Made] = field(default_factory=dict)

    @property
    def curves(self) -> list[dict[str, Any]]:
        """The figures of each epoch, NaN and infinity as None."""
        return [finite({"epoch": each["epoch"], **each["metrics"]}) for each in self.epochs]


def write_artifact(
    trained: Trained, order: TrainingOrder, rows: Rows, output: Path, events: Events
) -> dict[str, Any]:
    """Write all files into ``output`` and return the result of the job.

    Raises :class:`Failed`, ``export_mismatch``, where a graph answers otherwise than the network.
    """
    examined = examine(trained, order, rows)
    events.phase("evaluating")
    report = report_of(examined)
    events.phase("exporting")
    proof = _export(examined, output)
    trained.network.save(output / NETWORK_FILE)
    signature = signature_of(order, tuple(examined.roles.values()), report)
    content = {**report.content, "on": rows.report_on, "best": trained.best, "epochs": trained.curves}
    metrics = dict(report.metrics)
    content |= trained.notes
    if trained.cross_validation:
        content["cross_validation"] = trained.cross_validation
        metrics[f"cv_{trained.cross_validation['measure']}"] = trained.cross_validation["mean"]
        metrics["cv_deviation"] = trained.cross_validation["deviation"]
    facts = _facts(trained, order, rows, proof) | {"reported": content["rows"]}
    _write_json(output / "signature.json", signature.model_dump(mode="json"))
    _write_json(output / "spec.json", order.model_dump(mode="json", include={"sent", "network", "training"}))
    _write_json(output / "report.json", content)
    if examined.vocabulary:
        _write_json(output / VOCABULARY_FILE, examined.vocabulary)
    (output / "card.md").write_text(card(facts, report))
    for name, draw in report.pictures.items():
        draw(output / name)
    return {
        "files": {path.name: _MEDIA_TYPES[path.suffix] for path in sorted(output.iterdir())},
        "metrics": metrics,
        "parameters": facts["parameters"],
        "signature": signature.model_dump(mode="json"),
        "best": trained.best,
        "stop_reason": trained.stop_reason,
        "parity": asdict(proof),
    }


def examine(trained: Trained, order: TrainingOrder, rows: Rows) -> Examined:
    """Return a trained network as it will be served, with all that a report asks for."""
    played = roles_of(order.network, trained.network, input_of(order.dataset_schema))
    return Examined(
        spec=order.network,
        training=order.training,
        schema=order.dataset_schema,
        rows=rows,
        roles={role.name: role for role in played},
        serve={role.name: serving_function(role) for role in played},
        epochs=trained.curves,
        vocabulary=open_vocabulary(order),
        snapshots=trained.snapshots,
    )


def signature_of(order: TrainingOrder, roles: Sequence[PlayedRole], report: Report) -> Signature:
    """Return the public contract of a network that was trained by this order."""
    schema = order.dataset_schema
    return Signature(
        task=task_of(order.network, input_of(schema)),
        roles={
            role.name: RoleSignature(graph=graph_of(role.name), inputs=role.inputs, outputs=role.outputs)
            for role in roles
        },
        labels=tuple(schema.labels),
        targets=tuple(schema.targets),
        image=schema.image,
        columns=schema.columns,
        text=schema.text,
        variable_length=schema.variable_length,
        threshold=report.threshold,
    )


def graph_of(role: Role) -> str:
    """Return the name of the file that holds a role's graph."""
    return f"{role}.onnx"


def prove(role: PlayedRole, serve: Serve, graph: Path, inputs: Mapping[str, np.ndarray]) -> Parity:
    """Let a graph pass that answers as the network does; raise :class:`Failed` for any other."""
    proof = parity(role, serve, graph, inputs)
    if not proof.passed:
        raise Failed(
            Failure(
                code="export_mismatch",
                message=f"The exported graph {graph.name} differs from the network by"
                f" {proof.max_difference:.2g} of its scale; at most {proof.tolerance:g} was expected.",
                hint="The network was not published, for it would answer wrongly. Please report its spec.",
            )
        )
    return proof


def _export(examined: Examined, output: Path) -> Parity:
    """Write the graph of each role and the golden rows; return the least good proof."""
    rows = examined.rows
    proofs: list[Parity] = []
    golden: dict[str, np.ndarray] = {}
    places = spread(rows.reported, GOLDEN_ROWS)
    compared = rows.read(rows.reported[:PARITY_ROWS])
    for name, role in examined.roles.items():
        path = output / graph_of(name)
        export_onnx(role, path)
        proofs.append(prove(role, examined.serve[name], path, role.examples(compared)))
        inputs = role.examples(rows.read(places))
        answers = {**inputs, **examined.serve[name](inputs)}
        golden |= {f"{name}/{tensor}": array for tensor, array in answers.items()}
    _write_golden(golden, output / "golden.npz")
    return max(proofs, key=lambda proof: proof.max_difference)


def _write_golden(golden: Mapping[str, np.ndarray], path: Path) -> None:
    """Keep some rows, evenly spread, with the network's own answers: serving must agree with them."""
    np.savez(path, allow_pickle=False, **golden)


def _facts(trained: Trained, order: TrainingOrder, rows: Rows, proof: Parity) -> dict[str, Any]:
    return {
        "model": order.model,
        "job": order.job,
        "dataset": order.dataset,
        "family": order.network.family,
        "task": task_of(order.network, input_of(order.dataset_schema)),
        "parameters": int(trained.network.count_params()),
        "schema": order.dataset_schema,
        "rows": {"train": len(rows.training), "validation": len(rows.validation), "test": len(rows.test)},
        "report_on": rows.report_on,
        "epochs": len(trained.epochs),
        "best_epoch": trained.best["epoch"] if trained.best else len(trained.epochs),
        "stop_reason": trained.stop_reason,
        "training": order.training.model_dump(mode="json"),
        "parity": asdict(proof),
        "start_from": order.start_from.version if order.start_from else None,
        "members": trained.notes.get("ensemble", {}).get("members"),
    }


def _write_json(path: Path, content: Any) -> None:
    try:
        text = json.dumps(content, indent=1, allow_nan=False)
    except ValueError as error:
        raise Failed(
            Failure(
                code="bad_data",
                message=f"{path.name} would hold a figure that is infinite or no number: values of the rows,"
                " or what the network makes of them, are too large to be squared and summed.",
                hint="Scale the rows to smaller numbers, for example thousands instead of units.",
            )
        ) from error
    path.write_text(text + "\n")
