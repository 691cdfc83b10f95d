from models.presets import resolve
from models.schema import InputSchema
from models.threads import Threads, threads_for

DIGITS = InputSchema(shape=(8, 8, 1), classes=10, high=16.0)
MNIST = InputSchema(shape=(28, 28, 1), classes=10, high=255.0)


def test_operations_of_a_small_step_are_not_split():
    small = resolve({"preset": "cnn-small"}, None, DIGITS)
    assert threads_for(small.network, DIGITS, small.training.batch_size, 4) == Threads(within=1, across=4)


def test_operations_of_a_large_step_are_split_over_all_cores():
    basic = resolve({"preset": "cnn-basic"}, None, MNIST)
    assert threads_for(basic.network, MNIST, basic.training.batch_size, 4) == Threads(within=4, across=4)


def test_the_size_of_a_step_grows_with_its_batch():
    basic = resolve({"preset": "cnn-basic"}, None, MNIST)
    assert threads_for(basic.network, MNIST, 8, 4).within == 1
