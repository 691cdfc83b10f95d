from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from models.mixing import mixer
from models.objectives import classification
from models.presets import resolve
from models.registry import build
from models.schema import InputSchema
from models.specs.augmentations import CutmixSpec, MixupSpec, RotationSpec
from models.specs.training import TrainingSpec
from models.state import values_of
from models.step import Batch

SOURCE = InputSchema(shape=(8, 6, 1), classes=3)
ROWS = 64
# Each row is one number throughout, and so tells what it is made of.
X = np.broadcast_to(np.arange(ROWS, dtype=np.float32)[:, None, None, None], (ROWS, 8, 6, 1))
Y = np.arange(ROWS, dtype=np.int64)
OWN, OTHER = np.arange(ROWS), np.roll(np.arange(ROWS), 1)


def mixed(spec: MixupSpec | CutmixSpec, step: int = 0, seed: int = 1) -> tuple[np.ndarray, Any, np.ndarray]:
    mix = mixer((RotationSpec(name="rotation"), spec), seed)
    assert mix is not None
    x, more = tf.function(mix)(tf.constant(X), tf.constant(Y), tf.constant(step, tf.int64))
    return x.numpy(), more.y.numpy(), more.share.numpy()


def test_nothing_is_mixed_unless_asked_for() -> None:
    assert mixer((RotationSpec(name="rotation"),), 1) is None
    assert mixer((), 1) is None


def test_mixup_blends_each_row_with_another_by_its_share() -> None:
    x, y, share = mixed(MixupSpec(name="mixup", alpha=1.0))
    np.testing.assert_array_equal(y, OTHER)
    np.testing.assert_allclose(x[:, 3, 3, 0], OWN + share * (OTHER - OWN), rtol=1e-4, atol=1e-3)
    assert 0 <= share.min() < 0.2
    assert 0.8 < share.max() <= 1
    assert len(np.unique(share)) == ROWS


def test_a_small_alpha_leaves_rows_nearly_as_they_are_or_as_the_other() -> None:
    _, _, share = mixed(MixupSpec(name="mixup", alpha=0.05))
    assert (np.minimum(share, 1 - share) < 0.1).mean() > 0.7
    _, _, even = mixed(MixupSpec(name="mixup", alpha=50.0))
    assert np.abs(even - 0.5).max() < 0.3


def test_cutmix_pastes_one_rectangle_and_counts_its_area() -> None:
    x, y, share = mixed(CutmixSpec(name="cutmix"))
    np.testing.assert_array_equal(y, OTHER)
    pasted = x[..., 0] == OTHER[:, None, None]
    assert (pasted | (x[..., 0] == OWN[:, None, None])).all()
    np.testing.assert_allclose(pasted.mean((1, 2)), share, atol=1e-6)
    rows, columns = pasted.any(2), pasted.any(1)
    np.testing.assert_array_equal(pasted, rows[:, :, None] & columns[:, None, :])
    for places in (rows, columns):
        # An interval begins once at most.
        assert (np.diff(np.pad(places.astype(int), ((0, 0), (1, 1))), axis=1) == 1).sum(1).max() <= 1
    assert 0.1 < share.mean() < 0.5
    assert rows[:, 0].any()
    assert rows[:, -1].any()


@pytest.mark.parametrize("spec", [MixupSpec(name="mixup"), CutmixSpec(name="cutmix")])
def test_seed_and_step_decide(spec: MixupSpec | CutmixSpec) -> None:
    first = mixed(spec)
    assert all(np.array_equal(one, same) for one, same in zip(first, mixed(spec), strict=True))
    assert not np.array_equal(first[2], mixed(spec, step=1)[2])
    assert not np.array_equal(first[2], mixed(spec, seed=2)[2])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_a_mixed_row_is_to_be_both_classes_by_their_shares(smoothing: float) -> None:
    network = build(resolve({"family": "cnn", "blocks": [2]}, None, SOURCE).network, SOURCE, seed=1)
    weights = np.array([1.0, 2.0, 0.5], np.float32)
    objective = classification(network, weights, smoothing)
    state = values_of(network.trainable_variables), values_of(network.non_trainable_variables)
    x = tf.random.stateless_uniform([4, 8, 6, 1], [1, 2])
    y, step = tf.constant([0, 1, 2, 0], tf.int64), tf.constant(0, tf.int64)
    mix = mixer((MixupSpec(name="mixup", alpha=1.0),), 1)
    assert mix is not None
    _, more = mix(x, y, step)
    answer = network(x).numpy()
    loss = objective(*state, Batch(x, y, step, more), True)
    targets = np.eye(3) * (1 - smoothing) + smoothing / 3
    entropy = -(targets[:, None, :] * np.log(answer)[None]).sum(-1) * weights[:, None]  # [class, row]
    own, other, share = entropy[y, np.arange(4)], entropy[more.y, np.arange(4)], more.share.numpy()
    assert float(loss.value) == pytest.approx(float((own + share * (other - own)).mean()), rel=1e-4)
    found = answer.argmax(1)
    right = (1 - share) * (found == y.numpy()) + share * (found == more.y.numpy())
    assert float(loss.sums.totals[1]) == pytest.approx(right.sum(), rel=1e-5)


def test_the_options_are_read() -> None:
    read = TrainingSpec.model_validate(
        {"augmentation": [{"name": "noise"}, {"name": "cutmix", "alpha": 2.0}]}
    )
    assert [change.name for change in read.augmentation] == ["noise", "cutmix"]
