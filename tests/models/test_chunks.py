import numpy as np
import pytest
import tensorflow as tf

from models.augmentation import augmenter
from models.chunks import Chunks, Feed, Scores
from models.lesson import Lesson, TrainingData
from models.objectives import predicting
from models.optimizers import rate_of, update_of
from models.registry import build
from models.schema import InputSchema
from models.specs.augmentations import RotationSpec
from models.specs.cnn import CnnSpec
from models.specs.optimizers import AdamSpec
from models.specs.training import TrainingSpec
from models.state import State, values_of
from models.statistics import neutral
from models.step import Sums

SOURCE = InputSchema(shape=(8, 8, 1), dtype="uint8", classes=3, high=16.0)
SPEC = CnnSpec.model_validate({"blocks": [{"filters": 4, "dropout": 0.2, "batch_normalization": True}]})
RANDOM = np.random.default_rng(0)
X = RANDOM.integers(0, 17, (60, 8, 8, 1), dtype=np.uint8)
Y = RANDOM.integers(0, 3, 60)
NOTHING = Sums(np.zeros(2), 0.0)
ORDER = RANDOM.permutation(60)[:48].reshape(12, 4)


def prepared(feed: Feed, *, xla: bool = False, turned: bool = True) -> tuple[Chunks, Scores, State]:
    network = build(SPEC, SOURCE, seed=1)
    spec = AdamSpec()
    update = update_of(spec, rate_of(spec, 12, 1))
    rotations = (RotationSpec(name="rotation", factor=0.1),) if turned else ()
    augment = augmenter(rotations, SOURCE, seed=1)
    data = TrainingData(X, Y, np.arange(60), np.arange(0), SOURCE, neutral(SOURCE))
    learning = predicting(Lesson(network, TrainingSpec(), data, update, augment))
    weights = learning.packing.pack(values_of(network.trainable_variables))
    state = State(
        tf.constant(0, tf.int64),
        weights,
        values_of(network.non_trainable_variables),
        [[tf.zeros_like(weight) for weight in weights] for _ in range(update.slots)],
        values_of(augment.non_trainable_variables) if augment is not None else [],
        tf.constant(1.0),
    )
    return Chunks(learning, feed, state, xla=xla), Scores(learning, feed, state), state


def trained(feed: Feed, pieces: list[int], *, xla: bool = False) -> tuple[list[np.ndarray], float]:
    """The whole state after the order, taken in pieces of so many steps, and the sum of the loss."""
    chunks, _, state = prepared(feed, xla=xla)
    sums = NOTHING
    for part in np.split(ORDER, np.cumsum(pieces)[:-1]):
        state, sums = chunks.run(state, sums, part)
    return [value.numpy() for value in tf.nest.flatten(state)], sums.totals[0]


def assert_same_bits(one: list[np.ndarray], other: list[np.ndarray]) -> None:
    assert len(one) == len(other)
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_how_many_steps_a_chunk_has_changes_no_bit():
    feed = Feed(X, Y)
    whole, loss = trained(feed, [12])
    pieces, sum_of_losses = trained(feed, [1, 4, 1, 6])
    assert_same_bits(whole, pieces)
    assert loss == sum_of_losses


def test_rows_from_a_memory_map_give_the_same_bits_as_rows_on_the_device(tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    mapped = Feed(
        np.load(tmp_path / "x.npy", mmap_mode="r"),
        np.load(tmp_path / "y.npy", mmap_mode="r"),
        resident_bytes=0,
    )
    resident = Feed(X, Y)
    assert resident.is_resident
    assert not mapped.is_resident
    assert_same_bits(trained(resident, [5, 7])[0], trained(mapped, [5, 7])[0])
    scored = []
    for feed in (resident, mapped):
        _, scores, state = prepared(feed)
        scored.append(scores.run(state, np.arange(7, 60)))
    assert scored[0].totals.tolist() == scored[1].totals.tolist()
    assert scored[0].weight == scored[1].weight


def test_a_state_is_never_changed_in_place():
    chunks, _, state = prepared(Feed(X, Y))
    before = [value.numpy() for value in tf.nest.flatten(state)]
    after, _ = chunks.run(state, NOTHING, ORDER)
    assert_same_bits(before, [value.numpy() for value in tf.nest.flatten(state)])
    assert int(after.step) == 12


def test_sums_are_over_every_row_also_of_a_smaller_last_batch():
    chunks, _, state = prepared(Feed(X, Y))
    state, sums = chunks.run(state, NOTHING, ORDER)
    assert sums.weight == 48
    assert 0 <= sums.totals[1] <= 48
    _, last = chunks.run(state, NOTHING, ORDER[:1, :3])
    assert last.weight == 3


def test_scores_are_the_same_however_many_rows_there_are():
    feed = Feed(np.tile(X, (20, 1, 1, 1)), np.tile(Y, 20))
    _, scores, state = prepared(feed)
    once, often = scores.run(state, np.arange(60)), scores.run(state, np.arange(1200))
    assert often.weight == 1200
    assert often.totals[1] == pytest.approx(20 * once.totals[1])
    assert often.totals[0] == pytest.approx(20 * once.totals[0], rel=1e-5)


def test_chunks_grow_from_one_step_and_never_beyond_what_is_left():
    chunks, _, state = prepared(Feed(X, Y))
    assert chunks.steps(1000) == 1
    for _ in range(4):
        state, _ = chunks.run(state, NOTHING, ORDER[: chunks.steps(12)])
    assert 1 < chunks.steps(1000) <= 8**3
    assert chunks.steps(2) == 2


@pytest.mark.long
def test_xla_trains_nearly_alike_and_compiles_for_powers_of_two_only():
    losses = []
    for xla in (False, True):
        chunks, _, state = prepared(Feed(X, Y), xla=xla, turned=False)
        done, sums = 0, NOTHING
        while done < 12:
            steps = chunks.steps(12 - done)
            assert steps in (1, 2, 4, 8) or not xla
            state, sums = chunks.run(state, sums, ORDER[done : done + steps])
            done += steps
        losses.append(sums.totals[0])
    assert losses[1] == pytest.approx(losses[0], rel=0.05)
