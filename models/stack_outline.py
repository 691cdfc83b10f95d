"""The layers of a user's own stack by arithmetic, and how they hang together. Keras-free.

Names and figures are those of the network that ``models.stack`` builds.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import NamedTuple

from models.forecasting import asked
from models.layers import LayerOutline, Shape, head
from models.schema import InputSchema
from models.specs.layers.dense import Embedding
from models.specs.layers.layer import Made, Merging, Misfit, Single
from models.specs.layers.spec import AnyLayer, LayersSpec
from models.specs.problems import SpecError, SpecProblem, nearest

MOST_PARAMETERS = 50_000_000
# Values of one row, of one layer and of all together: 64 and 256 MiB.
MOST_VALUES, MOST_VALUES_OF_ALL = 2**24, 2**26
INPUT = "input"
_TAKEN = frozenset({INPUT, "rows", "scaling", "mask", "imputed", "probabilities", "scaled_values", "values"})


class Wired(NamedTuple):
    """A layer with its name and the names of those whose outputs it takes."""

    place: int
    name: str
    layer: AnyLayer
    inputs: tuple[str, ...]


def layers(spec: LayersSpec, source: InputSchema) -> list[LayerOutline]:
    """Return the layers, the input first; raises ``SpecError`` for what does not fit, and where."""
    source = asked(source)
    _check_rows(spec, source)
    wired = wiring(spec)
    found = [LayerOutline(name="rows", shape=source.shape, parameters=0)]
    if spec.scaling == "standard" and source.kind != "text":
        found.append(LayerOutline(name="scaling", shape=source.shape, parameters=0))
    shapes: dict[str, Shape] = {INPUT: source.shape}
    for each in wired:
        made = _made(each, shapes, source)
        shapes[each.name] = made.shape
        found.append(
            LayerOutline(name=each.name, shape=made.shape, parameters=made.parameters, inside=made.inside)
        )
    last = wired[-1]
    if len(shapes[last.name]) != 1:
        message = (
            f"The last layer is expected to give [features], from which the prediction is made; {last.name} "
            f"gives {list(shapes[last.name])}. Add flatten, a global pooling, or a layer without sequences."
        )
        raise _error(last.place, "", "wrong_shape", message)
    found += head(source, shapes[last.name][0])
    _check_size(found)
    return found


def wiring(spec: LayersSpec) -> tuple[Wired, ...]:
    """Return the layers by name, in order; raises ``SpecError`` with all that is wrong with their names."""
    names = [layer.name or f"{layer.type}_{place + 1}" for place, layer in enumerate(spec.layers)]
    wired = []
    for place, layer in enumerate(spec.layers):
        before = names[place - 1] if place else INPUT
        wired.append(Wired(place, names[place], layer, layer.inputs or (before,)))
    problems = [*_wrong_names(names), *_wrong_inputs(wired, names)]
    if not problems:
        problems += _unused(wired)
    if problems:
        raise SpecError(problems)
    return tuple(wired)


def _wrong_names(names: Sequence[str]) -> Iterator[SpecProblem]:
    for place, name in enumerate(names):
        if name in _TAKEN:
            yield _problem(place, "name", "reserved_name", f"The name {name!r} is taken; choose another.")
        elif name in names[:place]:
            first = names.index(name)
            yield _problem(place, "name", "duplicate_name", f"The layer {first} is called {name!r} already.")


def _wrong_inputs(wired: Sequence[Wired], names: Sequence[str]) -> Iterator[SpecProblem]:
    for place, _, layer, inputs in wired:
        known = [INPUT, *names[:place]]
        for number, name in enumerate(inputs):
            if name not in known:
                advice = " It stands later." if name in names else nearest(name, known)
                message = (
                    f"Expected the name of a layer before this one, or `input`; received {name!r}.{advice}"
                )
                yield _problem(place, f"inputs/{number}", "unknown_input", message)
        if isinstance(layer, Merging) and len(inputs) < 2:
            message = f"{layer.type} expects two inputs at least, received {len(inputs)}: name them."
            yield _problem(place, "inputs", "too_few_inputs", message)
        if isinstance(layer, Single) and len(inputs) > 1:
            message = (
                f"{layer.type} expects one input, received {len(inputs)}; add or concatenate them first."
            )
            yield _problem(place, "inputs", "too_many_inputs", message)


def _unused(wired: Sequence[Wired]) -> Iterator[SpecProblem]:
    used = {name for each in wired for name in each.inputs}
    for each in wired[:-1]:
        if each.name not in used:
            message = f"No layer takes the output of {each.name}: name it in `inputs`, or leave it out."
            yield _problem(each.place, "", "unused", message)


def _check_rows(spec: LayersSpec, source: InputSchema) -> None:
    categories = [column.name for column in source.columns if column.kind == "category"]
    if categories:
        message = (
            f"The family layers takes numbers only; the column {categories[0]!r:.64} holds categories. "
            "Leave such columns out when the dataset is read, or choose the family mlp."
        )
        raise SpecError([SpecProblem("/network/family", "has_categories", message)])
    if source.kind == "images" and spec.scaling == "standard" and not source.high > source.low:
        message = "All pixels have the same value, so there is no range to be scaled."
        raise SpecError([SpecProblem("/network/scaling", "empty_range", message)])


def _made(each: Wired, shapes: Mapping[str, Shape], source: InputSchema) -> Made:
    given, layer = [shapes[name] for name in each.inputs], each.layer
    try:
        _check_ids(each, source)
        if isinstance(layer, Merging):
            made = layer.merged(given)
        elif isinstance(layer, Embedding):
            made = layer.embedded(given[0], source.vocabulary or 0)
        else:
            made = layer.made(given[0])
    except Misfit as misfit:
        raise _error(each.place, misfit.field, misfit.code, misfit.message) from None
    values = prod(made.shape) + made.inside
    if values > MOST_VALUES:
        message = f"The layer would hold {values:,} values of each row; {MOST_VALUES:,} are allowed."
        raise _error(each.place, "", "too_many_values", message)
    return made


def _check_ids(each: Wired, source: InputSchema) -> None:
    """Raise Misfit where ids are taken for numbers, or numbers for ids."""
    is_given_ids = source.kind == "text" and INPUT in each.inputs
    if isinstance(each.layer, Embedding):
        if not is_given_ids:
            message = "embedding expects the tokens of texts, straight from `input`; received numbers."
            raise Misfit("", "wrong_kind", message)
    elif is_given_ids:
        message = (
            f"{each.layer.type} expects numbers, received the tokens of texts: put an embedding before it."
        )
        raise Misfit("", "wrong_kind", message)


def _check_size(found: Sequence[LayerOutline]) -> None:
    parameters = sum(layer.parameters for layer in found)
    if parameters > MOST_PARAMETERS:
        message = f"The network would have {parameters:,} parameters; {MOST_PARAMETERS:,} are allowed."
        raise SpecError([SpecProblem("/network", "too_many_parameters", message)])
    values = sum(prod(layer.shape) + layer.inside for layer in found)
    if values > MOST_VALUES_OF_ALL:
        message = f"All layers would hold {values:,} values of each row; {MOST_VALUES_OF_ALL:,} are allowed."
        raise SpecError([SpecProblem("/network/layers", "too_many_values", message)])


def _problem(place: int, field: str, code: str, message: str) -> SpecProblem:
    pointer = f"/network/layers/{place}"
    return SpecProblem(f"{pointer}/{field}" if field else pointer, code, message)


def _error(place: int, field: str, code: str, message: str) -> SpecError:
    return SpecError([_problem(place, field, code, message)])
