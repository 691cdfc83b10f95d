from math import prod
from random import Random
from typing import Any, get_args

import keras
import pytest
from pydantic import TypeAdapter

from models.outline import outline
from models.presets import SpecError, resolve
from models.registry import build
from models.schema import Column, InputSchema
from models.specs.activations import Activation
from models.specs.layers.dense import Embedding
from models.specs.layers.layer import Merging, Misfit
from models.specs.layers.spec import AnyLayer, LayersSpec
from models.stack_layers import _ARGUMENTS
from models.stack_outline import MOST_VALUES

LAYER: TypeAdapter[AnyLayer] = TypeAdapter(AnyLayer)
IMAGES = InputSchema(shape=(8, 8, 3), classes=3)
SOURCES = (
    {"shape": (9, 8, 3)},
    {"shape": (12, 5)},
    {"shape": (9, 4), "variable_length": True},
    {"shape": (7,)},
    {"shape": (10,), "vocabulary": 30},
)


def random_layer(random: Random) -> dict[str, Any]:
    """A layer that may or may not fit what comes before it."""
    axes = random.choice("12")
    window = {
        "kernel": random.choice([1, 2, 3, [3, 2]]),
        "stride": random.choice([1, 1, 2]),
        "padding": random.choice(["same", "valid"]),
        "bias": random.random() < 0.7,
        "activation": random.choice([*Activation.__args__]),
    }
    few, share = random.randint(1, 5), random.choice([0.0, 0.3])
    return random.choice(
        [
            {"type": "dense", "units": few, "bias": random.random() < 0.7, "activation": "tanh"},
            {"type": "activation", "activation": random.choice([*Activation.__args__])},
            {"type": random.choice(["prelu", "softmax", "flatten", "leaky_relu", "layer_normalization"])},
            {"type": "rescaling", "scale": 0.5},
            {"type": "reshape", "shape": random.choice([[2, 2, 3], [4, 3], [5, 1], [1, 12], [6]])},
            {"type": "permute", "order": random.sample([1, 2, 3], random.randint(1, 3))},
            {"type": "repeat_vector", "times": few},
            {"type": f"conv{axes}d", "filters": few, "dilation": random.choice([1, 1, 2]), **window},
            {"type": f"separable_conv{axes}d", "filters": few, "multiplier": 2, **window},
            {"type": f"depthwise_conv{axes}d", "multiplier": random.choice([1, 2]), **window},
            {
                "type": random.choice(["max", "average"]) + f"_pooling{axes}d",
                "size": random.choice([2, [2, 1]]),
                "stride": random.choice([None, 1, 2]),
                "padding": window["padding"],
            },
            {"type": random.choice(["global_max", "global_average"]) + f"_pooling{axes}d"},
            {
                "type": random.choice(["simple_rnn", "lstm", "gru"]),
                "units": few,
                "sequences": random.random() < 0.6,
                "bidirectional": random.random() < 0.4,
                "dropout": share,
                "recurrent_dropout": share,
            },
            {"type": "multi_head_attention", "heads": 2, "head_size": few, "dropout": share},
            {"type": "batch_normalization", "momentum": 0.9},
            {"type": "group_normalization", "groups": random.choice([1, 2, 3])},
            {"type": "dropout", "rate": share},
            {"type": f"spatial_dropout{axes}d", "rate": share},
            {"type": "gaussian_noise", "deviation": 0.2},
            {"type": f"zero_padding{axes}d", "padding": random.choice([1, [2, 1]])},
            {"type": f"cropping{axes}d", "cropping": random.choice([1, [2, 1]])},
            {"type": f"up_sampling{axes}d", "size": random.choice([2, [1, 2]])},
            {"type": "resizing", "height": few, "width": 6},
            {"type": random.choice(["add", "multiply", "average", "maximum"])},
            {"type": "concatenate", "axis": random.choice([None, 1, 2])},
        ]
    )


class Stack:
    """A stack that grows by layers that fit."""

    def __init__(self, source: InputSchema) -> None:
        self.source = source
        self.shapes: dict[str, tuple[int, ...]] = {"input": source.shape}
        self.unused: set[str] = set()
        self.layers: list[dict[str, Any]] = []

    def tried(self, layer: dict[str, Any], names: list[str]) -> None:
        """Add a layer that takes these, if it can."""
        spec = LAYER.validate_python(layer)
        if isinstance(spec, Merging) != (len(names) > 1):
            return
        try:
            shape = self._made(spec, [self.shapes[name] for name in names])
        except Misfit:
            return
        name = f"named_{len(self.layers)}"
        self.shapes[name] = shape
        self.layers.append({**layer, "name": name, "inputs": names})
        self.unused = self.unused - {*names} | {name}

    def reshaped(self, name: str) -> None:
        """Put the values of a layer in a column, if their number is known."""
        shape = self.shapes[name]
        if all(side is not None for side in shape):
            self.tried({"type": "reshape", "shape": [prod(shape), 1]}, [name])

    def _made(self, spec: AnyLayer, given: list[tuple[int, ...]]) -> tuple[int, ...]:
        if isinstance(spec, Embedding):
            return spec.embedded(given[0], self.source.vocabulary).shape
        return spec.merged(given).shape if isinstance(spec, Merging) else spec.made(given[0]).shape


def random_stack(random: Random, source: InputSchema, size: int) -> LayersSpec:
    """A stack of layers that fit; what nothing takes is put together in the end."""
    stack = Stack(source)
    if source.vocabulary:
        stack.tried({"type": "embedding", "size": random.randint(1, 6)}, ["input"])
    while len(stack.layers) < size:
        known = [name for name in stack.shapes if name != "input" or not source.vocabulary]
        count = random.choice([1, 1, 1, 2, 3])
        names = [known[-1] if random.random() < 0.6 else random.choice(known) for _ in range(count)]
        stack.tried(random_layer(random), names)
        if random.random() < 0.05:
            # One that is drawn hardly ever fits.
            stack.reshaped(known[-1])
    for name in sorted(stack.unused):
        stack.tried({"type": "flatten"}, [name])
    if len(stack.unused) > 1:
        stack.tried({"type": "concatenate"}, sorted(stack.unused))
    return LayersSpec.model_validate({"layers": stack.layers, "scaling": random.choice(["standard", "none"])})


def agree(specs: int, seed: int) -> set[str]:
    """Compare so many outlines with networks; return the types of layers that were among them."""
    random, seen = Random(seed), set()
    for number in range(specs):
        target = random.choice([{"classes": 3}, {"targets": 2}])
        source = InputSchema.model_validate({**SOURCES[number % len(SOURCES)], **target})
        spec = random_stack(random, source, random.randint(3, 14))
        network = build(spec, source, seed=0)
        expected = outline(spec, source, 1)
        assert network.count_params() == expected.parameters, spec
        found = {
            layer.name: (tuple(layer.output.shape[1:]), layer.count_params() if layer.weights else 0)
            for layer in network.layers
        }
        for layer in expected.layers:
            assert found[layer.name] == (layer.shape, layer.parameters), (layer, spec)
        seen |= {layer.type for layer in spec.layers}
    return seen


def test_the_outlines_of_25_random_stacks_equal_what_keras_builds() -> None:
    agree(25, seed=1)


@pytest.mark.long
def test_the_outlines_of_150_random_stacks_equal_what_keras_builds() -> None:
    types = {kind for layer in get_args(AnyLayer) for kind in get_args(layer.model_fields["type"].annotation)}
    assert agree(150, seed=2) == types


def refused(layers: list, source: InputSchema = IMAGES, **fields: object) -> dict[str, str]:
    with pytest.raises(SpecError) as raised:
        resolve({"family": "layers", "layers": layers, **fields}, None, source)
    return {problem.pointer: problem.message for problem in raised.value.errors}


FLAT = {"type": "flatten"}
CONV = {"type": "conv2d", "filters": 2}


def flat(*inputs: str, name: str | None = None) -> dict[str, Any]:
    return FLAT | {"inputs": list(inputs) or None, "name": name}


@pytest.mark.parametrize(
    ("layers", "pointer", "said"),
    [
        ([{**CONV, "kernel": 9, "padding": "valid"}, FLAT], "0/kernel", "Expected 8 at most"),
        ([{"type": "conv1d", "filters": 2}, FLAT], "0", "expects [time, features], received [8, 8, 3]"),
        ([{**CONV, "kernel": [3, 3, 3]}, FLAT], "0/kernel", "at most 2 items"),
        ([{**CONV, "filters": 0}, FLAT], "0/filters", "greater than or equal to 1; received 0"),
        ([{**CONV, "kernel": 65}, FLAT], "0/kernel", "less than or equal to 64"),
        ([{**CONV, "kernal": 3}, FLAT], "0/kernal", "Did you mean 'kernel'?"),
        ([{**CONV, "stride": 2, "dilation": 2}, FLAT], "0/dilation", "Expected 1"),
        ([{"type": "max_pooling2d", "size": 9}, FLAT], "0/size", "received 9"),
        ([{"type": "reshape", "shape": [5, 5]}, FLAT], "0/shape", "Expected a shape of 192 numbers"),
        ([{"type": "permute", "order": [1, 2]}, FLAT], "0/order", "Expected [1, 2, 3] in any order"),
        ([{"type": "cropping2d", "cropping": 4}, FLAT], "0/cropping", "Expected less than half"),
        ([{"type": "group_normalization", "groups": 2}, FLAT], "0/groups", "Expected a divisor of the 3"),
        ([{"type": "repeat_vector", "times": 2}, FLAT], "0", "repeat_vector expects [features]"),
        ([{"type": "embedding"}, FLAT], "0", "expects the tokens of texts"),
        ([FLAT, {"type": "zero_padding1d"}], "1", "zero_padding1d expects"),
        ([{"type": "dense", "units": 3}], "0", "The last layer is expected to give [features]"),
        ([FLAT, flat("flaten_1")], "1/inputs/0", "Did you mean 'flatten_1'?"),
        ([flat("a"), flat(name="a")], "0/inputs/0", "It stands later."),
        ([FLAT, {"type": "add"}], "1/inputs", "add expects two inputs at least, received 1"),
        ([flat("input", "input")], "0/inputs", "flatten expects one input, received 2"),
        ([FLAT, flat("input")], "0", "No layer takes the output of flatten_1"),
        ([flat(name="values")], "0/name", "is taken"),
        ([flat(name="a"), flat(name="a")], "1/name", "The layer 0 is called 'a' already."),
        ([flat(name="a/b")], "0/name", "should match pattern"),
        (
            [{"type": "max_pooling2d", "name": "a"}, {"type": "add", "inputs": ["input", "a"]}, FLAT],
            "1/inputs",
            "add expects inputs of one shape, received [8, 8, 3], [4, 4, 3]",
        ),
        ([FLAT, {"type": "lambda"}], "1/type", "received 'lambda'."),
        ([{"type": "conv3d"}, FLAT], "0/type", "received 'conv3d'. Did you mean 'conv2d'?"),
        ([FLAT, {"units": 3}], "1", "Unable to extract tag"),
        ([{"type": "up_sampling2d", "size": 64}] * 2 + [FLAT], "1", "16,777,216 are allowed"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(layers: list, pointer: str, said: str) -> None:
    found = refused(layers)
    assert list(found) == [f"/network/layers/{pointer}"]
    assert said in found[f"/network/layers/{pointer}"]


def test_nonsense_is_refused_and_harms_nothing() -> None:
    random = Random(3)
    values = (0, -1, 3, 10**30, 1.5, True, None, "x", "input", [], [[]], {}, "\ud800", [2, 3], float("nan"))
    fields = sorted({field for layer in get_args(AnyLayer) for field in layer.model_fields})
    pointers = []
    for number in range(400):
        layers = [random_layer(random) for _ in range(random.randint(1, 4))]
        for layer in layers:
            layer |= {random.choice(fields): random.choice(values) for _ in range(random.randint(0, 2))}
        source = InputSchema.model_validate({**SOURCES[number % len(SOURCES)], "classes": 2})
        try:
            resolve({"family": "layers", "layers": layers}, None, source)
        except SpecError as error:
            pointers += [each.pointer for each in error.errors]
    assert len(pointers) > 300
    assert all(pointer.startswith("/network/layers") for pointer in pointers)


def test_other_rows_are_refused_with_a_reason() -> None:
    text = InputSchema(shape=(9,), vocabulary=20, classes=2)
    assert "put an embedding before it" in refused([{"type": "dense", "units": 2}], text)["/network/layers/0"]
    column = Column(name="city", kind="category", categories=("Rome",))
    table = InputSchema(kind="table", shape=(1,), columns=(column,), classes=2)
    assert "'city' holds categories" in refused([{"type": "dense", "units": 2}], table)["/network/family"]


def test_limits_bind_at_their_very_value() -> None:
    tables = InputSchema(shape=(10,), classes=2)
    dense = {"type": "dense", "units": 8}
    spec = resolve({"family": "layers", "layers": [dense] * 200}, None, tables).network
    assert len(spec.layers) == 200
    assert "at most 200 items" in refused([dense] * 201, tables)["/network/layers"]
    repeated = [{"type": "repeat_vector", "times": 4096}, {"type": "global_max_pooling1d"}]
    widest = MOST_VALUES // 4096
    resolve({"family": "layers", "layers": [{**dense, "units": widest}, *repeated]}, None, tables)
    more = [{**dense, "units": widest + 1}, *repeated]
    assert "are allowed" in refused(more, tables)["/network/layers/1"]
    huge = [{"type": "dense", "units": 7000}] * 3
    assert "50,000,000 are allowed" in refused(huge, tables)["/network"]


def test_attention_counts_what_every_step_sees_of_every_other() -> None:
    steps = InputSchema(kind="sequences", shape=(4096, 1), classes=2)
    pooled = {"type": "global_max_pooling1d"}
    assert refused([{"type": "multi_head_attention", "heads": 2}, pooled], steps)


def test_every_type_of_layer_can_be_built() -> None:
    elsewhere = {"Embedding", "Recurrent", "Prelu"}
    assert {layer.__name__ for layer in get_args(AnyLayer)} == {
        kind.__name__ for kind in _ARGUMENTS
    } | elsewhere


def test_no_operation_of_ours_has_a_name_that_a_user_may_choose() -> None:
    source = InputSchema(kind="sequences", shape=(5, 2), classes=2, variable_length=True)
    names = ["where", "isnan", "any", "less_equal", "maximum", "cumsum", "multiply", "sum"]
    layers = [{"type": "dense", "units": 2, "name": name} for name in names]
    spec = resolve(
        {"family": "layers", "layers": [*layers, {"type": "global_average_pooling1d"}]}, None, source
    ).network
    built = build(spec, source, seed=0)
    assert isinstance(built, keras.Model)
    assert {layer.name for layer in built.layers} == {
        "rows", "scaling", "mask", *names, "global_average_pooling1d_9", "probabilities",
    }  # fmt: skip
