import pytest

from models.presets import resolve
from models.schema import InputSchema
from models.threads import Threads, threads_for

DIGITS = InputSchema(shape=(8, 8, 1), classes=10, high=16.0)
MNIST = InputSchema(shape=(28, 28, 1), classes=10, high=255.0)
SEQUENCES = InputSchema(kind="sequences", shape=(100, 10), classes=10)
TEXT = InputSchema(kind="text", shape=(41,), vocabulary=90, classes=2)


def test_operations_of_a_small_step_are_not_split():
    small = resolve({"preset": "cnn-small"}, None, DIGITS)
    assert threads_for(small.network, DIGITS, small.training.batch_size, 4) == Threads(within=1, across=4)


def test_operations_of_a_large_step_are_split_over_all_cores():
    basic = resolve({"preset": "cnn-basic"}, None, MNIST)
    assert threads_for(basic.network, MNIST, basic.training.batch_size, 4) == Threads(within=4, across=4)


def test_the_size_of_a_step_grows_with_its_batch():
    basic = resolve({"preset": "cnn-basic"}, None, MNIST)
    assert threads_for(basic.network, MNIST, 8, 4).within == 1


@pytest.mark.parametrize("preset", ["lstm-sequence", "attention-lstm-text", "char-lstm", "layers"])
def test_steps_in_time_are_too_small_to_be_split(preset: str) -> None:
    source = SEQUENCES if preset in ("lstm-sequence", "layers") else TEXT
    sent = {"family": "layers", "layers": [{"type": "lstm", "units": 256}]} if preset == "layers" else None
    large = resolve(sent or {"preset": preset}, {"batch_size": 512}, source)
    assert threads_for(large.network, source, 512, 4) == Threads(within=1, across=4)


def test_a_transformer_sees_all_steps_at_once() -> None:
    mini = resolve({"preset": "transformer-mini"}, None, TEXT)
    assert threads_for(mini.network, TEXT, 512, 4).within == 4


def test_what_is_compiled_is_worth_splitting_sooner() -> None:
    mlp = resolve({"preset": "mlp-mnist"}, None, MNIST)
    batch = mlp.training.batch_size
    assert threads_for(mlp.network, MNIST, batch, 4, compiled=False).within == 1
    assert threads_for(mlp.network, MNIST, batch, 4, compiled=True).within == 4
    assert threads_for(mlp.network, MNIST, 8, 4, compiled=True).within == 1
