import pytest

from models.presets import PRESETS, SpecError, resolve
from models.schema import InputSchema
from models.specs.cnn import CnnSpec
from models.specs.optimizers import AdamSpec, SgdSpec

MNIST = InputSchema(shape=(28, 28, 1), classes=10, high=255.0)
DIGITS = InputSchema(shape=(8, 8, 1), classes=10, high=16.0, labels=tuple("0123456789"))


def problems(network: dict, training: dict | None = None, source: InputSchema = DIGITS, **limits: int):
    with pytest.raises(SpecError) as raised:
        resolve(network, training, source, **limits)
    return {problem.pointer: problem for problem in raised.value.errors}


def test_a_family_alone_is_a_whole_network():
    resolved = resolve({"family": "cnn"}, None, DIGITS)
    assert resolved.network == CnnSpec()
    assert resolved.preset is None


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if preset.family == "cnn"])
def test_a_preset_names_its_family_and_fits_images_of_any_size(name: str):
    for side in (1, 8, 28, 64):
        resolved = resolve({"preset": name}, None, InputSchema(shape=(side, side, 3), classes=2))
        assert resolved.network.family == PRESETS[name].family
        assert resolved.preset == name


def test_fields_that_are_sent_win_over_the_preset():
    resolved = resolve({"preset": "cnn-small", "dropout": 0.5}, {"epochs": 3}, DIGITS)
    preset = resolve({"preset": "cnn-small"}, None, DIGITS)
    assert resolved.network == preset.network.model_copy(update={"dropout": 0.5})
    assert resolved.training == preset.training.model_copy(update={"epochs": 3})


def test_lists_are_replaced_whole():
    resolved = resolve({"preset": "cnn-basic", "blocks": [8]}, {"augmentation": []}, MNIST)
    assert [block.filters for block in resolved.network.blocks] == [8]
    assert resolved.network.blocks[0].padding == "same"


def test_an_object_keeps_what_was_not_sent_unless_it_has_another_name():
    same = resolve({"preset": "cnn-mnist"}, {"optimizer": {"learning_rate": 0.1}}, MNIST)
    assert same.training.optimizer == SgdSpec(name="sgd", learning_rate=0.1, momentum=0.9)
    other = resolve({"preset": "cnn-mnist"}, {"optimizer": {"name": "adam"}}, MNIST)
    assert other.training.optimizer == AdamSpec()


def test_images_smaller_than_a_preset_was_drawn_for_are_resized_inside_the_network():
    assert resolve({"preset": "cnn-basic"}, None, MNIST).network.input_size is None
    assert resolve({"preset": "cnn-basic"}, None, DIGITS).network.input_size == (28, 28)
    wide = InputSchema(shape=(8, 100, 1), classes=10)
    assert resolve({"preset": "cnn-basic"}, None, wide).network.input_size == (28, 100)


def test_a_size_that_is_sent_wins_over_the_one_a_preset_was_drawn_for():
    assert resolve({"preset": "cnn-basic", "input_size": [20, 20]}, None, DIGITS).network.input_size == (
        20,
        20,
    )
    found = problems({"preset": "cnn-basic", "input_size": None})
    assert found["/network/blocks/1/pool_size"].code == "pool_too_large"


def test_an_unknown_preset_is_answered_with_the_nearest_and_where_all_are():
    problem = problems({"preset": "cnn-smal"})["/network/preset"]
    assert problem.code == "unknown_preset"
    assert "/api/v1/families" in problem.message
    assert problem.message.endswith("Did you mean 'cnn-small'?")


@pytest.mark.parametrize("name", [3, ["cnn-small"], {"a": 1}, "x" * 10_000])
def test_a_preset_that_is_no_name_is_refused_briefly(name: object):
    assert len(problems({"preset": name})["/network/preset"].message) < 300


@pytest.mark.parametrize(
    ("network", "code"),
    [
        ({}, "missing"),
        ({"family": "cnnn"}, "unknown_family"),
        ({"family": 3}, "unknown_family"),
        ({"family": ["cnn"]}, "unknown_family"),
    ],
)
def test_a_network_without_a_known_family_is_refused(network: dict, code: str):
    assert problems(network)["/network/family"].code == code


def test_every_problem_is_told_with_its_place():
    found = problems(
        {"family": "cnn", "blocks": [0, {"filters": 3, "kernal": 3}], "dense": ["a"], "batch": 3},
        {"epochs": -1, "optimizer": {"name": "adam", "schedule": {"name": "cosine", "final_factor": 2}}},
    )
    assert {pointer: problem.code for pointer, problem in found.items()} == {
        "/network/blocks/0": "greater_than_equal",
        "/network/blocks/1/kernal": "unknown_field",
        "/network/dense/0": "model_type",
        "/network/batch": "unknown_field",
        "/training/epochs": "greater_than_equal",
        "/training/optimizer/schedule/final_factor": "less_than_equal",
    }
    assert found["/network/blocks/1/kernal"].message.endswith("Did you mean 'kernel'?")
    assert found["/training/epochs"].message.endswith("received -1")


def test_the_name_of_a_field_cannot_break_out_of_its_pointer():
    assert set(problems({"family": "cnn", "a/b~c": 1})) == {"/network/a~1b~0c"}


def test_what_is_said_of_a_huge_value_is_short():
    assert all(len(p.message) < 300 for p in problems({"family": "cnn"}, {"epochs": "9" * 100_000}).values())


def test_a_thousand_million_parameters_are_refused_by_arithmetic():
    problem = problems({"family": "cnn", "dense": [65_536, 65_536]})["/network"]
    assert problem.code == "too_many_parameters"
    assert "4,312,549,770" in problem.message
    assert "150,000,000" in problem.message


def test_the_deepest_and_widest_network_is_refused_by_arithmetic():
    deepest = {"family": "cnn", "blocks": [{"filters": 8192, "kernel": 63}] * 64, "dense": [65_536] * 32}
    assert problems(deepest)["/network"].code == "too_many_parameters"


def test_the_limit_of_parameters_itself_is_allowed():
    network = {"preset": "cnn-basic"}
    resolve(network, None, MNIST, max_parameters=93_322)
    assert problems(network, None, MNIST, max_parameters=93_321)["/network"].code == "too_many_parameters"


@pytest.mark.parametrize("shape", [(64,), (4, 8, 8, 1)])
def test_rows_that_are_no_images_are_refused(shape: tuple[int, ...]):
    problem = problems({"family": "cnn"}, None, InputSchema(shape=shape, classes=3))["/network/family"]
    assert problem.code == "wrong_shape"
    assert str(list(shape)) in problem.message


def test_rows_of_one_value_cannot_be_scaled():
    source = InputSchema(shape=(8, 8, 1), classes=3, low=2.0, high=2.0)
    assert problems({"family": "cnn"}, None, source)["/network/scaling"].code == "empty_range"
    resolve({"family": "cnn", "scaling": "none"}, None, source)


def test_a_kernel_or_a_pooling_larger_than_the_image_is_refused():
    kernel = {"family": "cnn", "blocks": [{"filters": 2, "kernel": 9, "padding": "valid"}]}
    assert problems(kernel)["/network/blocks/0/kernel"].code == "kernel_too_large"
    pooling = {"family": "cnn", "blocks": [{"filters": 2, "pooling": "max"}] * 4}
    assert problems(pooling)["/network/blocks/3/pool_size"].code == "pool_too_large"


def test_weights_of_classes_that_the_dataset_lacks_are_refused():
    problem = problems({"family": "cnn"}, {"class_weight": {"1": 2.0, "x/y": 1.0}})
    assert {pointer: found.code for pointer, found in problem.items()} == {
        "/training/class_weight/x~1y": "unknown_label"
    }


def test_early_stopping_without_validation_is_refused():
    training = {"early_stopping": {}, "validation": 0}
    assert problems({"family": "cnn"}, training)["/training/early_stopping"].code == "needs_validation"
