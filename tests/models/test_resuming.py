"""A training that was interrupted, wherever, ends with the same bits as one that was not."""

import logging
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

from models.checkpoints import Checkpoint, newest, save
from models.keeper import Keeper
from models.lesson import TrainingData
from models.loop import Left, TrainingOutcome, Watch
from models.presets import Resolved, resolve
from models.registry import build
from models.schema import InputSchema
from models.statistics import measure
from models.training import train

log = logging.getLogger(__name__)

ROWS, VALIDATION = 52, 12
IMAGES = InputSchema(shape=(8, 8, 1), dtype="uint8", classes=3, high=16.0)
VECTORS = InputSchema(shape=(6,), targets=2)
SEQUENCES = InputSchema(shape=(7, 2), classes=3, variable_length=True)
TEXTS = InputSchema(shape=(9,), dtype="int32", vocabulary=12, classes=3)
# A plateau and early stopping have a memory of their own.
WATCHED = {
    "optimizer": {"name": "adam", "schedule": {"name": "plateau", "patience": 1, "min_delta": 0.01}},
    "early_stopping": {"patience": 3, "min_delta": 0.01},
}
MOMENTUM = {"name": "sgd", "momentum": 0.9, "nesterov": True}
MODERN = {"filters": 4, "batch_normalization": True, "dropout": 0.2}
GAN = {"family": "gan", "latent": 4, "generator": [8], "discriminator": [8], "dropout": 0.2}
STACK = [{"type": "dense", "units": 8, "activation": "relu"}, {"type": "dropout", "rate": 0.3}]


# Tells how many threads a training of one core has that began on three.
THREADS = """
import sys
from pathlib import Path
import tensorflow as tf
from models.keeper import Keeper
from models.presets import resolve
from models.schema import InputSchema
from models.training import configure
source = InputSchema(shape=(6,), targets=2)
specs = resolve({"family": "mlp", "dense": [8]}, None, source)
keeper = Keeper(Path(sys.argv[1]), print)
keeper.chosen({"threads": [2, 3]})
configure(1, specs.network, specs.training, source, keeper, rows=100)
print(tf.config.threading.get_intra_op_parallelism_threads(), end=" ")
print(tf.config.threading.get_inter_op_parallelism_threads())
"""


class Case(NamedTuple):
    source: InputSchema
    network: dict[str, Any]
    training: dict[str, Any]


CASES = {
    "cnn": Case(
        IMAGES,
        {"family": "cnn", "blocks": [MODERN], "dropout": 0.4},
        WATCHED | {"augmentation": [{"name": "rotation"}, {"name": "zoom"}, {"name": "mixup"}]},
    ),
    "rnn": Case(
        SEQUENCES,
        {"family": "rnn", "layers": [{"units": 5, "dropout": 0.2, "recurrent_dropout": 0.3}]},
        {"optimizer": MOMENTUM, "clip_norm": 1.0},
    ),
    "variational": Case(
        IMAGES,
        {"family": "autoencoder", "dense": [8], "latent": 2, "variational": True, "kl_warmup_epochs": 2},
        {},
    ),
    "wgan": Case(IMAGES, GAN | {"loss": "wgan_gp", "critic_steps": 3, "conditional": True}, {}),
    "mlp": Case(VECTORS, {"family": "mlp", "dense": [8]}, WATCHED),
    "mlp without validation": Case(VECTORS, {"family": "mlp", "dense": [8]}, {"validation": 0}),
    "compiled mlp": Case(VECTORS, {"family": "mlp", "dense": [8]}, {"xla": "on"}),
    "mixed precision": Case(IMAGES, {"family": "cnn", "blocks": [MODERN]}, {"mixed_precision": "on"}),
    "attention": Case(
        TEXTS,
        {"family": "attention", "attention": [{"name": "self", "heads": 2, "dropout": 0.2}]},
        {"optimizer": {"name": "adamw", "schedule": {"name": "cosine", "warmup_epochs": 1}}},
    ),
    "text_generator": Case(
        TEXTS.model_copy(update={"classes": None}),
        {"family": "text_generator", "units": [6], "dropout": 0.2},
        {"optimizer": {"name": "rmsprop", "momentum": 0.5}},
    ),
    "autoencoder": Case(
        IMAGES, {"family": "autoencoder", "dense": [8], "latent": 2, "latent_dropout": 0.2}, {}
    ),
    "gan": Case(IMAGES, GAN | {"batch_normalization": True, "generator_optimizer": MOMENTUM}, {}),
    "layers": Case(VECTORS, {"family": "layers", "layers": STACK}, {}),
}
QUICK = ("cnn", "variational", "mlp")


class Ended(NamedTuple):
    network: keras.Model
    outcome: TrainingOutcome
    made: dict[int, np.ndarray | str]
    told: list[tuple[str, dict[str, Any]]]

    def steps(self) -> int:
        return int(self.outcome.epochs[-1]["step"])


class Killed(Exception):
    """The training ended there and then."""


def data_of(case: Case, *, validated: bool) -> TrainingData:
    source, generator = case.source, np.random.default_rng(1)
    if source.dtype == "float32":
        x = generator.normal(2, 3, (ROWS, *source.shape)).astype(np.float32)
    else:
        x = generator.integers(1, source.vocabulary or 16, (ROWS, *source.shape)).astype(source.dtype)
    if source.variable_length:
        x[::3, 4:] = np.nan
    y = generator.normal(size=(ROWS, source.targets)).astype(np.float32) if source.targets else None
    if y is None:
        y = np.arange(ROWS) % (source.classes or 1)
    rows = np.arange(ROWS)
    kept_back = rows[-VALIDATION:] if validated else rows[:0]
    return TrainingData(x, y, rows[:-VALIDATION], kept_back, source, measure(x, y, rows, source))


def resolved(case: Case) -> Resolved:
    return resolve(case.network, {"epochs": 5, "batch_size": 6, "seed": 3} | case.training, case.source)


def trained(case: Case, **company: Any) -> Ended:
    """Train a new network."""
    specs = resolved(case)
    data = data_of(case, validated=specs.training.validation > 0)
    network = build(specs.network, case.source, data.statistics, seed=specs.training.seed)
    made: dict[int, np.ndarray | str] = {}

    def look(epoch: int) -> None:
        weights = network.variables[0].numpy()
        made[epoch] = weights if epoch % 2 else f"{weights.sum():.9f}"

    told: list[tuple[str, dict[str, Any]]] = []
    calls = {"should_stop": lambda: False, "watch": Watch(frozenset({1, 2, 4}), look, made)} | company
    outcome = train(
        network, specs.network, specs.training, data, report=lambda *each: told.append(each), **calls
    )
    return Ended(network, outcome, made, told)


def until(place: int, ending: Callable[[], bool]) -> Callable[[], bool]:
    """Return what is asked between chunks, and at so many of them says how training ends."""
    left = iter(range(place))
    return lambda: ending() if next(left, None) is None else False


def killed() -> bool:
    raise Killed


def told_nothing(kind: str, figures: dict[str, Any]) -> None:
    """Tell nobody."""


def epochs_in(folder: Path) -> int:
    """Return how many epochs are over in the newest checkpoint."""
    found = newest(folder)
    return len(found.facts["epochs"]) if found else 0


def assert_same(one: Ended, other: Ended) -> None:
    pairs = zip(one.network.variables, other.network.variables, strict=True)
    assert all(a.numpy().tobytes() == b.numpy().tobytes() for a, b in pairs)
    figures = [[(e["epoch"], e["step"], e["metrics"]) for e in each.outcome.epochs] for each in (one, other)]
    assert figures[0] == figures[1]
    assert one.outcome.best == other.outcome.best
    assert one.outcome.stop_reason == other.outcome.stop_reason
    assert one.made.keys() == other.made.keys()
    assert all(np.array_equal(one.made[epoch], other.made[epoch]) for epoch in one.made)


def place_within(most: int) -> int:
    """Return where to interrupt, and tell it to whoever has to find out why it failed."""
    place = random.randint(1, most)
    log.warning("interrupted after %d looks between chunks", place)
    return place


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.long]) for name in CASES]
)
def test_every_family_goes_on_bit_for_bit(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    whole = trained(case)
    keeper = Keeper(tmp_path, told_nothing)
    with pytest.raises(Left):
        trained(case, keeper=keeper, should_leave=until(place_within(7), lambda: True))
    keeper = Keeper(tmp_path, told_nothing, seconds=0)
    with pytest.raises(Killed):
        trained(case, keeper=keeper, should_leave=until(place_within(3), killed))
    last = trained(case, keeper=Keeper(tmp_path, told_nothing))
    assert_same(whole, last)
    (resumed,) = [place for kind, place in last.told if kind == "resumed"]
    assert 0 < resumed["step"] < whole.steps()
    # Once more from the end: there is nothing left to train.
    again = trained(case, keeper=Keeper(tmp_path, told_nothing), should_leave=killed)
    assert_same(whole, again)
    epochs = [figures["epoch"] for kind, figures in again.told if kind == "epoch"]
    assert epochs == [each["epoch"] for each in whole.outcome.epochs]


MLP = CASES["mlp"]


def test_patience_is_not_begun_anew(tmp_path: Path) -> None:
    plateau = {"name": "plateau", "patience": 2, "min_delta": 1000.0}
    stopping = {"patience": 4, "min_delta": 1000.0}
    training = {"epochs": 9, "optimizer": {"name": "sgd", "schedule": plateau}, "early_stopping": stopping}
    case = MLP._replace(training=training)
    whole = trained(case)
    assert whole.outcome.stop_reason == "early_stopping"
    keeper = Keeper(tmp_path, told_nothing, seconds=0)
    with pytest.raises(Left):
        trained(case, keeper=keeper, should_leave=lambda: epochs_in(tmp_path) == 2)
    assert_same(whole, trained(case, keeper=Keeper(tmp_path, told_nothing)))


def test_time_is_counted_over_all_attempts(tmp_path: Path) -> None:
    with pytest.raises(Left):
        trained(MLP, keeper=Keeper(tmp_path, told_nothing), should_leave=until(4, lambda: True))
    kept = newest(tmp_path)
    save(tmp_path, Checkpoint(kept.arrays, kept.facts | {"seconds": 1000.0}))
    limited = MLP._replace(training=MLP.training | {"max_seconds": 900.0})
    ended = trained(limited, keeper=Keeper(tmp_path, told_nothing))
    assert ended.outcome.stop_reason == "max_seconds"
    assert len(ended.outcome.epochs) <= 1


def test_what_was_compiled_is_compiled_again(tmp_path: Path) -> None:
    compiled = CASES["compiled mlp"]
    with pytest.raises(Left):
        trained(compiled, keeper=Keeper(tmp_path, told_nothing), should_leave=until(3, lambda: True))
    assert newest(tmp_path).facts["chosen"]["xla"] is True
    # The rule may have been another then.
    plain = compiled._replace(training={"xla": "off"})
    ended = trained(plain, keeper=Keeper(tmp_path, told_nothing, seconds=0))
    assert ended.outcome.stop_reason == "completed"
    assert newest(tmp_path).facts["chosen"]["xla"] is True


def test_it_goes_on_with_as_many_threads_as_it_began_with(tmp_path: Path) -> None:
    command = [sys.executable, "-c", THREADS, str(tmp_path)]
    assert subprocess.run(command, check=True, capture_output=True).stdout.split() == [b"2", b"3"]


def test_a_checkpoint_of_another_network_is_of_no_use(tmp_path: Path) -> None:
    with pytest.raises(Left):
        trained(MLP, keeper=Keeper(tmp_path, told_nothing), should_leave=until(4, lambda: True))
    other = MLP._replace(network={"family": "mlp", "dense": [9]})
    whole, ended = trained(other), trained(other, keeper=Keeper(tmp_path, told_nothing))
    assert_same(whole, ended)
    assert ("resumed", {"step": 0, "epoch": 0, "seconds": 0.0}) in ended.told
    (line,) = [figures for kind, figures in ended.told if kind == "log"]
    assert "does not fit" in line["message"]


def test_whoever_does_not_resume_begins_anew(tmp_path: Path) -> None:
    with pytest.raises(Left):
        trained(MLP, keeper=Keeper(tmp_path, told_nothing), should_leave=until(4, lambda: True))
    ended = trained(MLP, keeper=Keeper(tmp_path, told_nothing, resume=False))
    assert "resumed" not in {kind for kind, _ in ended.told}
    assert_same(trained(MLP), ended)


def test_an_untrained_network_is_never_what_is_left(tmp_path: Path) -> None:
    ended = trained(MLP, should_stop=lambda: True)
    untrained = build(resolved(MLP).network, MLP.source, data_of(MLP, validated=True).statistics, seed=3)
    assert ended.outcome.stop_reason == "stopped"
    assert not np.array_equal(ended.network.variables[-1].numpy(), untrained.variables[-1].numpy())
