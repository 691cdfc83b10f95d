import keras
import numpy as np
import pytest
import tensorflow as tf

from models.fusing import fused
from models.normalization import FusedBatchNormalization


def network_for(shape: tuple[int, ...]) -> keras.Model:
    rows = keras.Input(shape)
    layer = keras.layers.BatchNormalization(
        name="norm", momentum=0.9, epsilon=0.01, gamma_initializer="random_normal", beta_initializer="ones"
    )
    return keras.Model(rows, keras.layers.Activation("tanh")(layer(rows)))


def step(network: keras.Model, x: tf.Tensor) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Return the answer, the gradients of its squares' mean, and what the moving statistics become."""
    weights = [variable.value for variable in network.trainable_variables]
    others = [variable.value for variable in network.non_trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch([x, *weights])
        answer, moved = network.stateless_call(weights, others, x, training=True)
        loss = tf.reduce_mean(tf.square(answer) * tf.range(1.0, 1.0 + x.shape[-1]))
    gradients = tape.gradient(loss, [x, *weights])
    return answer.numpy(), [each.numpy() for each in gradients], [each.numpy() for each in moved]


@pytest.mark.parametrize("shape", [(5, 4, 3), (7, 3)], ids=str)
def test_the_fused_operation_trains_as_the_layer_of_keras_does(shape: tuple[int, ...]) -> None:
    keras.utils.set_random_seed(1)
    network = network_for(shape)
    x = tf.random.stateless_normal((6, *shape), (1, 2), mean=3.0, stddev=2.0)

    plain = step(network, x)
    with fused(network, 6):
        assert type(network.get_layer("norm")) is FusedBatchNormalization
        ours = step(network, x)

    assert type(network.get_layer("norm")) is keras.layers.BatchNormalization
    np.testing.assert_allclose(ours[0], plain[0], atol=1e-5)
    for mine, theirs in zip(ours[1] + ours[2], plain[1] + plain[2], strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


def test_outside_training_the_moving_statistics_normalise() -> None:
    network = network_for((5, 4, 3))
    x = tf.random.stateless_normal((6, 5, 4, 3), (1, 2), mean=3.0)

    plain = network(x, training=False)
    with fused(network, 6):
        ours = network(x, training=False)

    np.testing.assert_array_equal(ours, plain)


def test_a_frozen_layer_does_not_move() -> None:
    network = network_for((5, 4, 3))
    network.get_layer("norm").trainable = False
    x = tf.random.stateless_normal((6, 5, 4, 3), (1, 2), mean=3.0)

    with fused(network, 6):
        network(x, training=True)

    np.testing.assert_array_equal(network.get_layer("norm").moving_mean, np.zeros(3))


def test_rows_of_features_are_left_to_keras() -> None:
    network = network_for((3,))

    with fused(network, 6):
        assert type(network.get_layer("norm")) is keras.layers.BatchNormalization
