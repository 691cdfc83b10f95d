import keras
import numpy as np
import pytest
import tensorflow as tf

from models.augmentation import augmenter
from models.schema import InputSchema
from models.specs.augmentations import (
    Augmentation,
    ContrastSpec,
    FlipSpec,
    MixupSpec,
    NoiseSpec,
    RotationSpec,
    TranslationSpec,
    ZoomSpec,
)

SOURCE = InputSchema(shape=(8, 8, 1), classes=2, low=-4.0, high=16.0)
EVERY = (
    RotationSpec(name="rotation", factor=0.2),
    TranslationSpec(name="translation", factor=0.3),
    ZoomSpec(name="zoom", factor=0.3),
    FlipSpec(name="flip"),
    FlipSpec(name="flip", axis="both"),
    NoiseSpec(name="noise", deviation=0.2),
    ContrastSpec(name="contrast", factor=0.5),
)
IMAGES = tf.constant(np.random.default_rng(0).uniform(-4, 16, (32, 8, 8, 1)), tf.float32)


def changed(network: keras.Model, state: list[tf.Tensor]) -> tuple[np.ndarray, list[tf.Tensor]]:
    images, state = network.stateless_call([], state, IMAGES, training=True)
    return images.numpy(), state


def first_state(network: keras.Model) -> list[tf.Tensor]:
    return [tf.identity(variable.value) for variable in network.non_trainable_variables]


def test_nothing_is_built_for_no_augmentation():
    assert augmenter((), SOURCE, seed=1) is None
    assert augmenter((MixupSpec(name="mixup"),), SOURCE, seed=1) is None


@pytest.mark.parametrize("spec", EVERY, ids=lambda spec: f"{spec.name}-{getattr(spec, 'axis', '')}")
def test_each_image_is_changed_in_its_own_way_and_stays_in_range(spec: Augmentation):
    network = augmenter((spec,), SOURCE, seed=1)
    images, _ = changed(network, first_state(network))
    assert images.shape == IMAGES.shape
    differs = np.abs(images - IMAGES.numpy()).max((1, 2, 3)) > 1e-3
    assert differs.mean() > 0.3
    assert images.min() >= SOURCE.low - 1e-3
    assert images.max() <= SOURCE.high + 1e-3
    same = np.broadcast_to(IMAGES[:1], IMAGES.shape)
    results = network.stateless_call([], first_state(network), same, training=True)[0].numpy()
    assert len(np.unique(results.round(3), axis=0)) > 1


def test_contrast_falls_as_well_as_rises():
    network = augmenter((EVERY[-1],), SOURCE, seed=1)
    images, _ = changed(network, first_state(network))
    spread = images.std((1, 2, 3)) / IMAGES.numpy().std((1, 2, 3))
    assert spread.min() < 0.9
    assert spread.max() > 1.05


def test_noise_is_a_share_of_the_range_of_the_images():
    grey = tf.fill((64, 8, 8, 1), 6.0)
    network = augmenter((NoiseSpec(name="noise", deviation=0.1),), SOURCE, seed=1)
    images, _ = network.stateless_call([], first_state(network), grey, training=True)
    assert images.numpy().std() == pytest.approx(0.1 * (16 - -4), rel=0.05)
    assert images.numpy().mean() == pytest.approx(6.0, abs=0.1)


def test_what_moves_into_a_picture_is_its_own_border():
    white = tf.fill((16, 8, 8, 1), SOURCE.high)
    network = augmenter(EVERY[:3], SOURCE, seed=1)
    images, _ = network.stateless_call([], first_state(network), white, training=True)
    np.testing.assert_allclose(images, white, atol=1e-3)


def test_the_next_batch_is_changed_otherwise_and_a_state_always_alike():
    network = augmenter(EVERY, SOURCE, seed=1)
    state = first_state(network)
    first, after = changed(network, state)
    again, _ = changed(network, state)
    second, _ = changed(network, after)
    assert np.array_equal(first, again)
    assert not np.allclose(first, second)


def test_the_seed_decides():
    one, same, other = (augmenter(EVERY, SOURCE, seed=seed) for seed in (1, 1, 2))
    first = changed(one, first_state(one))[0]
    assert np.array_equal(first, changed(same, first_state(same))[0])
    assert not np.allclose(first, changed(other, first_state(other))[0])
