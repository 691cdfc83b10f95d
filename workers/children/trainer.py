"""The training program: a network is built, trained, evaluated and exported.

Run it by hand: ``python -P -m workers.children.trainer ORDER_DIR``. It may also be forked from a process that
has imported this module and done nothing with it.
"""

import math
import time
from pathlib import Path
from typing import Any

import tensorflow as tf

from models.cnn_backbone import NoWeights
from models.cross_validation import CrossValidated, cross_validate
from models.ensembles import ensemble, mean_epochs
from models.lesson import TrainingData
from models.rows import Rows
from models.schema import input_of
from models.snapshots import snapshots_of
from models.statistics import measure
from models.suitability import overlooked
from models.training import PROGRESS_SECONDS, Diverged, Report, configure, train
from workers.children.artifact import Trained, write_artifact
from workers.children.events import Events
from workers.children.making import Maker
from workers.children.program import Failed, out_of_memory, run, start
from workers.children.rows import open_rows, open_vocabulary
from workers.children.stopping import Stop
from workers.protocol import Failure, Order, TrainingOrder


def main(order_dir: Path, events_fd: int, *, parent_pid: int | None = None) -> int:
    """Train what the order asks for; return the exit status."""
    return run(do, order_dir, events_fd, parent_pid=parent_pid)


def do(order: Order, output: Path, events: Events, stop: Stop) -> None:
    """Do a training order: its files, its events, its result."""
    assert isinstance(order, TrainingOrder)
    events.phase("preparing")
    try:
        configure(order.threads, order.network, order.training, input_of(order.dataset_schema))
        rows = open_rows(order)
        stop.check()
        trained = _train(order, rows, events, stop)
        result = write_artifact(trained, order, rows, output, events)
    except Diverged as error:
        raise Failed(_diverged(error)) from error
    except NoWeights as error:
        raise Failed(_no_weights(error)) from error
    except tf.errors.ResourceExhaustedError as error:
        raise Failed(out_of_memory()) from error
    stop.check()
    events.send("result", result)


def _train(order: TrainingOrder, rows: Rows, events: Events, stop: Stop) -> Trained:
    source = input_of(order.dataset_schema)
    statistics = measure(rows.x, rows.y, rows.training, source)
    data = TrainingData(rows.x, rows.y, rows.training, rows.validation, source, statistics, rows.weights)
    for warning in overlooked(order.network, source):
        events.log("warning", warning)
    make = Maker(order)
    checked = _cross_validated(order, make, data, events, stop) if order.training.cross_validation else None
    if checked and checked.members:
        make.tell(events)
        return _ensemble(order, make, checked, events)
    events.phase("building")
    network = make(statistics, order.training.seed)
    make.tell(events)
    stop.check()
    events.phase("training")
    snapshots = snapshots_of(
        order.network,
        network,
        order.training,
        schema=order.dataset_schema,
        rows=rows,
        vocabulary=open_vocabulary(order),
    )
    outcome = train(
        network,
        order.network,
        order.training,
        data,
        report=events.send,
        should_stop=stop.requested,
        watch=snapshots.watch if snapshots else None,
    )
    stop.check()
    return Trained(
        network,
        outcome.epochs,
        outcome.best,
        outcome.stop_reason,
        checked.report if checked else None,
        make.notes(),
        snapshots=snapshots.taken if snapshots else {},
    )


def _cross_validated(
    order: TrainingOrder, make: Maker, data: TrainingData, events: Events, stop: Stop
) -> CrossValidated:
    events.phase("cross_validating")

    def said(fold: dict[str, Any]) -> None:
        message = "Fold {fold} of {folds}, seed {seed}: {figure:.4f} on the rows left out."
        events.log("info", message.format(**fold))

    found = cross_validate(
        make,
        order.network,
        order.training,
        data,
        said=said,
        report=_sparingly(events.send),
        should_stop=stop.requested,
    )
    stop.check()
    return found


def _sparingly(report: Report) -> Report:
    """Return what reports at most so often; many small trainings would else say more than can be kept."""
    last = -math.inf

    def sent(kind: str, figures: dict[str, Any]) -> None:
        nonlocal last
        if time.monotonic() - last >= PROGRESS_SECONDS:
            last = time.monotonic()
            report(kind, figures)

    return sent


def _ensemble(order: TrainingOrder, make: Maker, checked: CrossValidated, events: Events) -> Trained:
    """Return the networks of all folds as one; its curves are the means of theirs."""
    epochs = mean_epochs(checked.histories)
    for figures in epochs:
        events.send("epoch", figures)
    notes = {**make.notes(), "ensemble": {"members": len(checked.members)}}
    return Trained(ensemble(checked.members), epochs, None, "completed", checked.report, notes)


def _diverged(error: Diverged) -> Failure:
    return Failure(
        code="diverged",
        message=f"The loss became infinite or not a number in epoch {error.epoch}.",
        hint="Use a smaller learning rate, or a schedule with a warm-up.",
    )


def _no_weights(error: NoWeights) -> Failure:
    return Failure(
        code="bad_data",
        message=f"The ImageNet weights of {error.architecture} could not be fetched: {error.reason[:300]}",
        hint="Send weights null to start from random ones; or let the machine that trains reach the address, "
        "or put the file into keras/models of its data folder.",
    )


if __name__ == "__main__":
    start(main)
