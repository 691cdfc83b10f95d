"""Cross-validation: how well a network trains, measured on rows that were left out, again and again."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import keras
import numpy as np

from models.batches import split_rows
from models.keeper import Keeper, Report
from models.lesson import TrainingData
from models.schema import InputSchema
from models.specs.network import NetworkSpec
from models.specs.training import CrossValidation, TrainingSpec
from models.statistics import Statistics, measure
from models.training import train

# Folds are drawn apart from validation rows and from the order of any epoch.
_FOLD_STREAM = 2**63 + 1
SCORED_ROWS = 512

Said = Callable[[dict[str, Any]], None]
Make = Callable[[Statistics, int], keras.Model]
"""Makes a network that knows statistics of its training rows, for a seed."""


@dataclass(frozen=True)
class Fold:
    """One training: its number, its seed, and the rows to train with and to measure on."""

    number: int
    seed: int
    training: np.ndarray
    left_out: np.ndarray


@dataclass(frozen=True)
class CrossValidated:
    """``report``: figures of all trainings; and, where an ensemble was asked for, the networks themselves.

    Where it was to stop there is at least one, whatever was asked for. ``steps`` is as many as all trainings
    together can have.
    """

    report: dict[str, Any]
    members: list[keras.Model]
    histories: list[list[dict[str, Any]]]
    steps: int


def cross_validate(
    make: Make,
    spec: NetworkSpec,
    training: TrainingSpec,
    data: TrainingData,
    *,
    said: Said,
    report: Report,
    should_stop: Callable[[], bool],
    should_leave: Callable[[], bool] = lambda: False,
    keeper: Keeper | None = None,
) -> CrossValidated:
    """Train once for each fold and seed; report the figure of each training, their mean and deviation.

    ``said`` is called after each training, ``report("progress", {epoch, epochs})`` often, which counts the
    epochs of all trainings together.

    ``data`` holds all rows but the test rows as training and validation rows. The figure is the accuracy, or
    of values the explained variance (R²). Ends early, with what there is, when asked to stop; the training
    that is cut short then is not measured. What is kept of a training that is over is not trained again.
    """
    assert training.cross_validation is not None
    figures: list[float] = []
    members: list[keras.Model] = []
    histories: list[list[dict[str, Any]]] = []
    folds = list(folds_of(data, training.cross_validation, training.seed))
    rows = len(data.train_rows) + len(data.validation_rows)
    steps = training.epochs * math.ceil(rows / training.batch_size)
    for fold in folds:
        own, part = _of_fold(training, data, fold)
        told = partial(_told, report, fold.number, len(folds))
        kept = keeper.part(f"fold-{fold.number}", told) if keeper else None
        if kept:
            kept.steps_before = (fold.number - 1) * steps
        network = make(part.statistics, fold.seed)
        outcome = train(
            network,
            spec,
            own,
            part,
            report=told,
            should_stop=should_stop,
            should_leave=should_leave,
            keeper=kept,
        )
        is_cut = outcome.stop_reason == "stopped"
        if not is_cut:
            figures.append(_measured(network, data, fold.left_out, data.source))
            said({"fold": fold.number, "folds": len(folds), "seed": fold.seed, "figure": figures[-1]})
        if (training.cross_validation.ensemble and not is_cut) or (should_stop() and not members):
            members.append(network)
            histories.append(outcome.epochs)
        if should_stop():
            break
    found = {
        "measure": "accuracy" if data.source.classes else "r2",
        "folds": training.cross_validation.folds,
        "seeds": training.cross_validation.seeds,
        "figures": figures,
        "mean": float(np.mean(figures)) if figures else None,
        "deviation": float(np.std(figures)) if figures else None,
    }
    return CrossValidated(found, members, histories, len(folds) * steps)


def folds_of(data: TrainingData, wanted: CrossValidation, seed: int) -> Iterator[Fold]:
    """Yield the folds, those of each seed together: each row is left out once by each seed.

    Classes are spread evenly over the folds.
    """
    rows = np.sort(np.concatenate([data.train_rows, data.validation_rows]))
    classes = data.y[rows] if data.source.classes else np.zeros(len(rows), np.int64)
    for repeat in range(wanted.seeds):
        generator = np.random.Generator(np.random.Philox(key=[seed + repeat, _FOLD_STREAM]))
        places = np.empty(len(rows), np.int64)
        # Dealt out like cards, class after class, so that no fold gets all the remainders.
        order = np.lexsort((generator.random(len(rows)), classes))
        places[order] = np.arange(len(rows)) % wanted.folds
        for fold in range(wanted.folds):
            number = repeat * wanted.folds + fold + 1
            yield Fold(number, seed + repeat, rows[places != fold], rows[places == fold])


def _told(report: Report, fold: int, folds: int, kind: str, figures: dict[str, Any]) -> None:
    """Tell of one training as a part of all: how many epochs have been begun, and what is kept."""
    if kind in {"checkpoint", "log"}:
        report(kind, figures)
    elif "epochs" in figures:
        epochs = figures["epochs"]
        report("progress", {"epoch": (fold - 1) * epochs + figures["epoch"], "epochs": folds * epochs})


def _of_fold(training: TrainingSpec, data: TrainingData, fold: Fold) -> tuple[TrainingSpec, TrainingData]:
    """Return the training of a fold and the rows that it sees, some of them for validation."""
    source = data.source
    hidden = np.setdiff1d(np.arange(len(data.x)), fold.training)
    classes = np.asarray(data.y) if source.classes else np.zeros(len(data.x), np.int64)
    train_rows, validation_rows = split_rows(classes, hidden, training.validation, fold.seed)
    statistics = measure(data.x, data.y, train_rows, source)
    part = replace(data, train_rows=train_rows, validation_rows=validation_rows, statistics=statistics)
    return training.model_copy(update={"seed": fold.seed}), part


def _measured(network: keras.Model, data: TrainingData, rows: np.ndarray, source: InputSchema) -> float:
    parts = np.split(rows, range(SCORED_ROWS, len(rows), SCORED_ROWS))
    answers = [network(_taken(data.x[part]), training=False) for part in parts]
    found = np.concatenate([np.asarray(each[0] if isinstance(each, list) else each) for each in answers])
    true = np.asarray(data.y[rows])
    if source.classes:
        return float((found.argmax(1) == true).mean())
    # Squares of the largest values allowed are beyond float32.
    true = true.astype(np.float64)
    unexplained = np.square(found - true).sum(0)
    there = np.square(true - true.mean(0)).sum(0)
    return float(np.mean(1 - unexplained / np.maximum(there, 1e-12)))


def _taken(x: np.ndarray) -> np.ndarray:
    return x if x.dtype == np.int32 else x.astype(np.float32)
