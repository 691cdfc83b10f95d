"""The artifact of a version: evaluation, export, the gate, and every file that is kept of a network."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from models.asking import Serve
from models.card import card
from models.export import Parity, export_onnx, parity, serving_function
from models.registry import roles_of
from models.reports.report import Examined, Made, Report
from models.reports.writing import report_of
from models.roles import PlayedRole
from models.rows import Rows, spread
from models.schema import VOCABULARY_FILE, input_of
from models.signature import Role, RoleSignature, Signature
from models.tasks import task_of
from workers.children.events import Events, finite
from workers.children.program import Failed
from workers.children.rows import open_vocabulary
from workers.children.writing import media_types, write_json
from workers.protocol import NETWORK_FILE, Failure, TrainingOrder

GOLDEN_ROWS = 16
PARITY_ROWS = 512


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
    played = roles_of(order.network, trained.network, input_of(order.dataset_schema))
    examined = _examined(trained, order, rows, played)
    events.phase("evaluating")
    report = report_of(examined)
    events.phase("exporting")
    proof = _export(examined, played, output)
    trained.network.save(output / NETWORK_FILE)
    signature = signature_of(order, played, report)
    content = {**report.content, "on": rows.report_on, "best": trained.best, "epochs": trained.curves}
    metrics = dict(report.metrics)
    content |= trained.notes
    if trained.cross_validation:
        content["cross_validation"] = trained.cross_validation
        metrics[f"cv_{trained.cross_validation['measure']}"] = trained.cross_validation["mean"]
        metrics["cv_deviation"] = trained.cross_validation["deviation"]
    facts = _facts(trained, order, rows, proof) | {"reported": content["rows"]}
    write_json(output / "signature.json", signature.model_dump(mode="json"))
    write_json(output / "spec.json", order.model_dump(mode="json", include={"sent", "network", "training"}))
    write_json(output / "report.json", content)
    if examined.vocabulary:
        write_json(output / VOCABULARY_FILE, examined.vocabulary)
    (output / "card.md").write_text(card(facts, report))
    for name, draw in report.pictures.items():
        draw(output / name)
    return {
        "files": media_types(output.iterdir()),
        "metrics": metrics,
        "parameters": facts["parameters"],
        "signature": signature.model_dump(mode="json"),
        "best": trained.best,
        "stop_reason": trained.stop_reason,
        "parity": asdict(proof),
    }


def _examined(trained: Trained, order: TrainingOrder, rows: Rows, played: Sequence[PlayedRole]) -> Examined:
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


def _export(examined: Examined, played: Sequence[PlayedRole], output: Path) -> Parity:
    """Write the graph of each role and the golden rows; return the least good proof."""
    rows = examined.rows
    proofs: list[Parity] = []
    golden: dict[str, np.ndarray] = {}
    places = spread(rows.reported, GOLDEN_ROWS)
    compared = rows.read(rows.reported[:PARITY_ROWS])
    for role in played:
        path, serve = output / graph_of(role.name), examined.serve[role.name]
        export_onnx(role, path)
        proofs.append(prove(role, serve, path, role.examples(compared)))
        inputs = role.examples(rows.read(places))
        golden |= {f"{role.name}/{tensor}": array for tensor, array in {**inputs, **serve(inputs)}.items()}
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
