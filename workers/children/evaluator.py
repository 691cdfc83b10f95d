"""The evaluation program: a version's own graphs answer the test rows of a dataset, and a report is written.

Run it by hand: ``python -P -m workers.children.evaluator ORDER_DIR``. TensorFlow is not loaded.
"""

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from models.asking import Arrays, Serve, questions, row_inputs
from models.onnx_runtime import onnxruntime
from models.reports.report import Examined
from models.reports.writing import report_of
from models.schema import input_of
from models.signature import RoleSignature, TensorSignature
from models.translating import translated, translated_schema, unknown_tokens
from workers.children.events import Events
from workers.children.program import run, start
from workers.children.rows import open_rows, vocabulary_of
from workers.children.stopping import Stop
from workers.children.writing import media_types, write_json
from workers.protocol import EvaluationOrder, Order

_REPORT_SECONDS = 2.0
# A picture of the training, which this was not.
_OF_TRAINING = "curves.png"


def main(order_dir: Path, events_fd: int, *, parent_pid: int | None = None) -> int:
    """Evaluate what the order names; return the exit status."""
    return run(evaluate, order_dir, events_fd, parent_pid=parent_pid)


def evaluate(order: Order, output: Path, events: Events, stop: Stop) -> None:
    """Do an order for an evaluation: its files, its events, its result."""
    assert isinstance(order, EvaluationOrder)
    events.phase("preparing")
    examined = _examined(order, events, _Progress(events, stop))
    events.phase("evaluating")
    report = report_of(examined)
    told = {"version": order.version, "dataset": order.dataset, "on": "test"}
    write_json(output / "report.json", report.content | told)
    events.phase("drawing")
    for name, draw in report.pictures.items():
        stop.check()
        if name != _OF_TRAINING:
            draw(output / name)
    result = {"files": media_types(output.iterdir()), "metrics": report.metrics}
    events.send("result", result)


class _Asked(NamedTuple):
    inputs: tuple[TensorSignature, ...]
    examples: Callable[[np.ndarray], Arrays]


class _Progress:
    """Tells now and then how many rows were answered; ends the work when asked to leave."""

    def __init__(self, events: Events, stop: Stop) -> None:
        self._events, self._stop = events, stop
        self._rows, self._next = 0, time.monotonic() + _REPORT_SECONDS

    def __call__(self, rows: int) -> None:
        self._stop.check()
        self._rows += rows
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _REPORT_SECONDS
            self._events.send("progress", {"step": self._rows})


def _examined(order: EvaluationOrder, events: Events, told: _Progress) -> Examined:
    mine, theirs = vocabulary_of(order.artifact), vocabulary_of(order.files)
    if unknown := unknown_tokens(mine, theirs):
        message = f"{order.version} does not know {unknown} of the {len(theirs)} tokens of {order.dataset}."
        events.log("warning", message)
    signature, rows = order.signature, open_rows(order)
    schema = translated_schema(signature, order.dataset_schema)
    source = input_of(schema)
    ask = questions if signature.task == "forecasting" else row_inputs
    roles = signature.roles.items()
    return Examined(
        spec=order.network,
        training=order.training,
        schema=schema,
        rows=translated(rows, signature, order.dataset_schema, mine=mine, theirs=theirs),
        roles={name: _Asked(role.inputs, lambda rows: ask(rows, source)) for name, role in roles},
        serve={name: _serving(role, order, told) for name, role in roles},
        epochs=[],
        vocabulary=mine,
        threshold=signature.threshold,
    )


def _serving(role: RoleSignature, order: EvaluationOrder, told: _Progress) -> Serve:
    """Return a role as its graph plays it; that is loaded when it is first asked."""
    names = [tensor.name for tensor in role.outputs]

    @cache
    def session() -> Any:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = order.threads
        path = str(order.artifact[role.graph])
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def serve(inputs: Arrays) -> dict[str, np.ndarray]:
        given = {tensor.name: np.asarray(inputs[tensor.name], tensor.dtype) for tensor in role.inputs}
        answers = session().run(names, given)
        told(len(answers[0]))
        return dict(zip(names, answers, strict=True))

    return serve


if __name__ == "__main__":
    start(main)
