import keras
import numpy as np
import pytest
import tensorflow as tf

from models.optimizers import Moment, rate_of, update_of
from models.specs.optimizers import (
    AdamSpec,
    AdamWSpec,
    ConstantSchedule,
    CosineSchedule,
    ExponentialSchedule,
    Optimizer,
    RmspropSpec,
    SgdSpec,
    StepSchedule,
)

STEPS_PER_EPOCH, EPOCHS = 10, 20


@pytest.mark.parametrize(
    ("spec", "theirs"),
    [
        (SgdSpec(name="sgd", learning_rate=0.1), keras.optimizers.SGD(0.1)),
        (SgdSpec(name="sgd", momentum=0.9), keras.optimizers.SGD(0.01, momentum=0.9)),
        (
            SgdSpec(name="sgd", momentum=0.9, nesterov=True),
            keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True),
        ),
        (AdamSpec(learning_rate=0.01), keras.optimizers.Adam(0.01)),
        (
            AdamSpec(beta_1=0.8, beta_2=0.9, epsilon=1e-3),
            keras.optimizers.Adam(0.001, beta_1=0.8, beta_2=0.9, epsilon=1e-3),
        ),
        (AdamWSpec(name="adamw", weight_decay=0.1), keras.optimizers.AdamW(0.001, weight_decay=0.1)),
        (RmspropSpec(name="rmsprop"), keras.optimizers.RMSprop(0.001)),
        (
            RmspropSpec(name="rmsprop", rho=0.8, momentum=0.5),
            keras.optimizers.RMSprop(0.001, rho=0.8, momentum=0.5),
        ),
    ],
    ids=[
        "sgd",
        "momentum",
        "nesterov",
        "adam",
        "adam with its own constants",
        "adamw",
        "rmsprop",
        "rmsprop momentum",
    ],
)
def test_an_update_is_the_one_that_keras_makes(spec: Optimizer, theirs: keras.Optimizer):
    random = np.random.default_rng(0)
    start = random.normal(size=50).astype(np.float32)
    variable = keras.Variable(start)
    theirs.build([variable])
    update = update_of(spec, rate_of(spec, STEPS_PER_EPOCH, EPOCHS))
    weights, slots = [tf.constant(start)], [[tf.zeros(50)] for _ in range(update.slots)]
    for step in range(20):
        gradient = tf.constant(random.normal(size=50), tf.float32)
        theirs.apply([gradient], [variable])
        weights, slots = update.apply(weights, [gradient], slots, Moment(tf.constant(step, tf.int64)))
        assert len(slots) == update.slots
        np.testing.assert_allclose(weights[0], variable.numpy(), rtol=1e-5, atol=1e-7)


def test_gradients_that_are_too_long_are_shortened_together():
    spec = SgdSpec(name="sgd", learning_rate=1.0)
    update = update_of(spec, rate_of(spec, STEPS_PER_EPOCH, EPOCHS), clip_norm=1.0)
    start, moment = [tf.zeros(1), tf.zeros(1)], Moment(tf.constant(0, tf.int64))
    long, _ = update.apply(start, [tf.constant([3.0]), tf.constant([4.0])], [], moment)
    np.testing.assert_allclose(np.concatenate(long), [-0.6, -0.8], rtol=1e-6)
    short, _ = update.apply(start, [tf.constant([0.3]), tf.constant([0.4])], [], moment)
    np.testing.assert_allclose(np.concatenate(short), [-0.3, -0.4], rtol=1e-6)


def test_the_largest_numbers_of_gradients_are_cut_before_their_length():
    spec = SgdSpec(name="sgd", learning_rate=1.0)
    rate, moment = rate_of(spec, STEPS_PER_EPOCH, EPOCHS), Moment(tf.constant(0, tf.int64))
    gradient = tf.constant([3.0, -40.0, 0.5])
    cut, _ = update_of(spec, rate, clip_value=4.0).apply([tf.zeros(3)], [gradient], [], moment)
    np.testing.assert_allclose(cut[0], [-3.0, 4.0, -0.5], rtol=1e-6)
    both, _ = update_of(spec, rate, 1.0, 4.0).apply([tf.zeros(3)], [gradient], [], moment)
    np.testing.assert_allclose(both[0], np.array([-3.0, 4.0, -0.5]) / np.sqrt(25.25), rtol=1e-5)


@pytest.mark.parametrize("spec", [SgdSpec(name="sgd", momentum=0.9), AdamSpec(), RmspropSpec(name="rmsprop")])
def test_a_moment_multiplies_the_learning_rate(spec: Optimizer):
    first, moment = tf.constant([1.0, -2.0]), tf.constant(0, tf.int64)
    update = update_of(spec, rate_of(spec, STEPS_PER_EPOCH, EPOCHS))
    slots = [[tf.zeros(2)] for _ in range(update.slots)]
    whole, _ = update.apply([tf.zeros(2)], [first], slots, Moment(moment))
    half, _ = update.apply([tf.zeros(2)], [first], slots, Moment(moment, tf.constant(0.5)))
    np.testing.assert_allclose(half[0], whole[0] / 2, rtol=1e-6)


def rates(schedule, epochs: list[float]) -> list[float]:
    """The factor of the rate at the first step of epochs, which count from 0."""
    rate = rate_of(SgdSpec(name="sgd", learning_rate=2.0, schedule=schedule), STEPS_PER_EPOCH, EPOCHS)
    return [float(rate(round(epoch * STEPS_PER_EPOCH))) / 2.0 for epoch in epochs]


def test_a_constant_rate_stays():
    assert rates(ConstantSchedule(), [0, 7, 19.9]) == [1, 1, 1]


def test_a_step_schedule_falls_every_so_many_epochs():
    schedule = StepSchedule(name="step", factor=0.5, every_epochs=3)
    assert rates(schedule, [0, 2.9, 3, 5.9, 6]) == pytest.approx([1, 1, 0.5, 0.5, 0.25])


def test_an_exponential_schedule_falls_by_its_factor_in_each_epoch():
    schedule = ExponentialSchedule(name="exponential", factor=0.81)
    assert rates(schedule, [0, 0.5, 1, 2]) == pytest.approx([1, 0.9, 0.81, 0.81**2])


def test_a_cosine_falls_from_the_full_rate_to_the_final_one_in_the_last_step():
    schedule = CosineSchedule(name="cosine", final_factor=0.1)
    middle = (EPOCHS - 1 / STEPS_PER_EPOCH) / 2
    found = rates(schedule, [0, EPOCHS - 1 / STEPS_PER_EPOCH])
    assert found == pytest.approx([1, 0.1], abs=1e-6)
    assert rates(schedule, [middle])[0] == pytest.approx(0.55, abs=0.01)
    assert rates(schedule, list(range(EPOCHS))) == sorted(rates(schedule, list(range(EPOCHS))), reverse=True)


@pytest.mark.parametrize(
    "schedule",
    [
        ConstantSchedule(warmup_epochs=2.0),
        CosineSchedule(name="cosine", warmup_epochs=2.0),
        StepSchedule(name="step", warmup_epochs=2.0),
    ],
)
def test_a_warm_up_rises_evenly_to_the_full_rate(schedule):
    found = rates(schedule, [step / STEPS_PER_EPOCH for step in range(2 * STEPS_PER_EPOCH)])
    assert found == pytest.approx([(step + 1) / 20 for step in range(20)])
    assert rates(schedule, [2]) == pytest.approx([1.0])


def test_a_rate_is_a_function_of_the_step_in_a_traced_call_too():
    rate = rate_of(AdamSpec(schedule=CosineSchedule(name="cosine", warmup_epochs=1.5)), 10, 20)
    traced = tf.function(rate, input_signature=[tf.TensorSpec([], tf.int64)])
    for step in (0, 3, 15, 100, 199):
        assert float(traced(tf.constant(step, tf.int64))) == pytest.approx(float(rate(step)), rel=1e-6)
