from itertools import product
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.fusing import fused
from models.recurrence import FusedLSTM

STEPS, FEATURES = 7, 3


def network_of(layer: keras.Layer, *, masked: bool = False) -> keras.Model:
    """Return a network from steps, and which of them count, to what an LSTM makes of them."""
    steps, mask = keras.Input((STEPS, FEATURES)), keras.Input((STEPS,), dtype="bool")
    return keras.Model([steps, mask], layer(steps, mask=mask) if masked else layer(steps))


def rows_of(number: int) -> list[tf.Tensor]:
    """Return steps, and a mask of rows that end sooner or later."""
    lengths = np.random.default_rng(0).integers(1, STEPS + 1, number)
    steps = tf.random.stateless_normal((number, STEPS, FEATURES), (1, 2))
    return [steps, tf.constant(np.arange(STEPS) < lengths[:, None])]


def learnt(network: keras.Model, rows: list[tf.Tensor]) -> list[np.ndarray]:
    """Return the answer in training, and the gradients of a sum of its squares."""
    weights = [variable.value for variable in network.trainable_variables]
    others = [variable.value for variable in network.non_trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch([rows[0], *weights])
        answer, _ = network.stateless_call(weights, others, rows, training=True)
        loss = tf.reduce_sum(tf.square(answer) * tf.range(1.0, 1.0 + answer.shape[-1]))
    return [answer.numpy(), *(each.numpy() for each in tape.gradient(loss, [rows[0], *weights]))]


def assert_learns_alike(
    network: keras.Model, rows: list[tf.Tensor], *, batch_size: int = 1, lanes: int = 1
) -> None:
    """Compare Keras' layer with the fused one."""
    plain = learnt(network, rows)
    with fused(network, batch_size):
        layers = [layer for layer in network._flatten_layers() if isinstance(layer, FusedLSTM)]
        assert layers
        for layer in layers:
            layer.lanes = lanes
        ours = learnt(network, rows)
    assert not any(isinstance(layer, FusedLSTM) for layer in network._flatten_layers())
    for mine, theirs in zip(ours, plain, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


@pytest.mark.parametrize(
    ("backwards", "keeps_steps", "masked"), list(product([False, True], repeat=3)), ids=str
)
def test_the_fused_operation_learns_as_the_layer_of_keras_does(
    backwards: bool, keeps_steps: bool, masked: bool
) -> None:
    keras.utils.set_random_seed(1)
    layer = keras.layers.LSTM(
        4,
        return_sequences=keeps_steps,
        go_backwards=backwards,
        zero_output_for_mask=keeps_steps,
        bias_initializer="random_normal",
        unit_forget_bias=False,
    )
    assert_learns_alike(network_of(layer, masked=masked), rows_of(5))


def test_a_layer_that_reads_both_ways_does_so_in_one_operation_each() -> None:
    keras.utils.set_random_seed(1)
    both = keras.layers.Bidirectional(
        keras.layers.LSTM(4, return_sequences=True, zero_output_for_mask=True), name="both"
    )
    assert_learns_alike(network_of(both, masked=True), rows_of(5))


@pytest.mark.parametrize(("lanes", "rows"), [(2, 8), (2, 5), (2, 1), (3, 2)])
def test_rows_that_are_walked_in_lanes_learn_alike(lanes: int, rows: int) -> None:
    keras.utils.set_random_seed(1)
    network = network_of(keras.layers.LSTM(4), masked=True)
    assert_learns_alike(network, rows_of(rows), lanes=lanes)


def test_what_is_dropped_of_a_row_is_dropped_at_each_step() -> None:
    network = network_of(keras.layers.LSTM(4, dropout=0.5, seed=1))
    steps, mask = rows_of(6)

    with fused(network, 1), tf.GradientTape() as tape:
        tape.watch(steps)
        answer = network([steps, mask], training=True)
    dropped = tape.gradient(answer, steps).numpy() == 0  # [rows, steps, features]

    assert 0 < dropped.mean() < 1
    assert (dropped == dropped[:, :1]).all()


def test_outside_training_nothing_is_dropped() -> None:
    network = network_of(keras.layers.LSTM(4, dropout=0.5))
    plain = network(rows_of(5), training=False)
    with fused(network, 1):
        np.testing.assert_allclose(network(rows_of(5), training=False), plain, atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [{"activation": "relu"}, {"recurrent_dropout": 0.5}, {"return_state": True}, {"use_bias": False}],
    ids=lambda options: next(iter(options)),
)
def test_an_lstm_that_the_operation_does_not_know_is_left_to_keras(options: dict[str, Any]) -> None:
    network = network_of(keras.layers.LSTM(4, name="lstm", **options))
    with fused(network, 1):
        assert type(network.get_layer("lstm")) is keras.layers.LSTM


def test_steps_whose_padding_repeats_the_last_one_are_left_to_keras() -> None:
    keras.utils.set_random_seed(1)
    network = network_of(keras.layers.LSTM(4, return_sequences=True), masked=True)
    assert_learns_alike(network, rows_of(5))


def test_what_xla_compiles_is_left_to_keras() -> None:
    network = network_of(keras.layers.LSTM(4, name="lstm"))
    with fused(network, 1, xla=True):
        assert type(network.get_layer("lstm")) is keras.layers.LSTM
