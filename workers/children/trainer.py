"""The training program: a network is built, trained, evaluated and exported.

Run it by hand: ``python -P -m workers.children.trainer ORDER_DIR``. It may also be forked from a process that
has imported this module and done nothing with it.
"""

import math
import time
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from models.cnn_backbone import NoWeights
from models.cross_validation import CrossValidated, cross_validate
from models.ensembles import ensemble, mean_epochs
from models.gangs import LOST, Alone, Gang
from models.keeper import Keeper, Report
from models.lesson import TrainingData
from models.loop import ALONE, PROGRESS_SECONDS, Diverged, Left
from models.rows import Rows
from models.schema import input_of
from models.snapshots import snapshots_of
from models.statistics import measure
from models.suitability import overlooked
from models.training import configure, train
from workers.children.artifact import Trained, write_artifact
from workers.children.events import Events
from workers.children.making import Maker
from workers.children.memory import memory_failure
from workers.children.program import Failed, run, start
from workers.children.rows import open_rows, open_vocabulary
from workers.children.stopping import Stop, Stopped, hear_signals
from workers.protocol import Failure, Order, TrainingOrder


def main(order_dir: Path, events_fd: int, *, parent_pid: int | None = None) -> int:
    """Train what the order asks for; return the exit status."""
    return run(do, order_dir, events_fd, parent_pid=parent_pid)


class _Attempt(NamedTuple):
    """An order, its rows, and who is there while it is done."""

    order: TrainingOrder
    rows: Rows
    events: Events
    stop: Stop
    keeper: Keeper | None
    gang: Alone = ALONE


def do(order: Order, output: Path, events: Events, stop: Stop) -> None:
    """Do a training order: its files, its events, its result."""
    assert isinstance(order, TrainingOrder)
    events.phase("preparing")
    keeper = None
    if order.checkpoints is not None:
        keeper = Keeper(order.checkpoints, events.send, order.checkpoint_seconds, resume=order.resume)
    gang = ALONE
    try:
        rows, source = open_rows(order), input_of(order.dataset_schema)
        configure(order.threads, order.network, order.training, source, keeper, rows=len(rows.training))
        if order.gang is not None:
            gang = Gang(order.gang.rank, order.gang.addresses)
            # TensorFlow waits for SIGTERM itself, and would tell nobody.
            hear_signals(stop)
        attempt = _Attempt(order, rows, events, stop, keeper, gang)
        stop.check()
        trained = _train(attempt)
        if not gang.is_chief:
            return
        result = write_artifact(trained, order, attempt.rows, output, events)
    except Left:
        raise Stopped from None
    except Exception as error:
        if failure := _failure_of(error, gang):
            raise Failed(failure) from error
        raise
    stop.check()
    events.send("result", result)


def _train(attempt: _Attempt) -> Trained:
    order, rows, events, stop, keeper, gang = attempt
    source = input_of(order.dataset_schema)
    statistics = measure(rows.x, rows.y, rows.training, source)
    data = TrainingData(rows.x, rows.y, rows.training, rows.validation, source, statistics, rows.weights)
    for warning in overlooked(order.network, source):
        events.log("warning", warning)
    make = Maker(order)
    checked = _cross_validated(attempt, make, data) if order.training.cross_validation else None
    if checked and checked.members:
        make.tell(events)
        return _ensemble(attempt, make, checked)
    if checked and keeper:
        keeper.steps_before = checked.steps
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
        should_stop=stop.finishing,
        should_leave=stop.requested,
        watch=snapshots.watch if snapshots else None,
        keeper=keeper,
        gang=gang,
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


def _cross_validated(attempt: _Attempt, make: Maker, data: TrainingData) -> CrossValidated:
    order, events, stop = attempt.order, attempt.events, attempt.stop
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
        should_stop=stop.finishing,
        should_leave=stop.requested,
        keeper=attempt.keeper,
    )
    stop.check()
    return found


def _sparingly(report: Report) -> Report:
    """Return what tells of progress at most so often: many small trainings would else say too much."""
    last = -math.inf

    def sent(kind: str, figures: dict[str, Any]) -> None:
        nonlocal last
        if kind != "progress":
            report(kind, figures)
        elif time.monotonic() - last >= PROGRESS_SECONDS:
            last = time.monotonic()
            report(kind, figures)

    return sent


def _ensemble(attempt: _Attempt, make: Maker, checked: CrossValidated) -> Trained:
    """Return the networks of the folds as one; its curves are the means of theirs."""
    epochs = mean_epochs(checked.histories)
    for figures in epochs:
        attempt.events.send("epoch", figures)
    network, notes = checked.members[0], make.notes()
    if len(checked.members) > 1:
        network = ensemble(checked.members)
        notes["ensemble"] = {"members": len(checked.members)}
    reason = "stopped" if attempt.stop.finishing() else "completed"
    return Trained(network, epochs, None, reason, checked.report, notes)


def _failure_of(error: Exception, gang: Alone) -> Failure | None:
    """Return what the owner is told of an error; None where there is nothing to tell."""
    match error:
        case Diverged():
            return _diverged(error)
        case NoWeights():
            return _no_weights(error)
        case tf.errors.OpError() if gang is not ALONE and isinstance(error, LOST):
            return _left_alone()
        case tf.errors.OpError():
            return memory_failure(error)
    return None


def _diverged(error: Diverged) -> Failure:
    return Failure(
        code="diverged",
        message=f"The loss became infinite or not a number in epoch {error.epoch}.",
        hint="Use a smaller learning rate, or a schedule with a warm-up.",
    )


def _left_alone() -> Failure:
    return Failure(
        code="worker_lost",
        message="Another member of the gang that trained this job was lost, or did not answer.",
        hint="Look for its worker, and whether the workers reach each other at KERAFORGE_GANG_HOST.",
        retryable=True,
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
