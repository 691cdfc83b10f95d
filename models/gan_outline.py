"""The layers of both players by arithmetic. Keras-free.

Names, order and figures are those of the layers within the parts that ``models.gan`` builds.
"""

from math import prod

from models.layers import LayerOutline, Shape
from models.numeric_rows import check_numeric
from models.schema import InputSchema
from models.specs.gan import GanSpec
from models.specs.problems import SpecError, SpecProblem

# Numbers that a class is put into for the generator.
LABEL_SIZE = 32
Sides = tuple[int, int]


def layers(spec: GanSpec, source: InputSchema) -> list[LayerOutline]:
    """Return the layers, the input first; raises ``SpecError`` for what does not fit the rows."""
    check_numeric("gan", source)
    _check(spec, source)
    found = [_plain("latent", (spec.latent,))]
    if spec.conditional:
        found.append(_plain("label", ()))
    found += _generator(spec, source)
    found.append(_plain("unscaling", source.shape))
    return found + _discriminator(spec, source)


def sides_of(spec: GanSpec, source: InputSchema) -> list[Sides]:
    """Return height and width of the image, and then behind each convolution of the discriminator."""
    if not spec.filters:
        return []
    sides = [(source.shape[0], source.shape[1])]
    for _ in spec.filters:
        height, width = sides[-1]
        sides.append((-(-height // 2), -(-width // 2)))
    return sides


def _generator(spec: GanSpec, source: InputSchema) -> list[LayerOutline]:
    found, features = [], spec.latent
    if spec.conditional:
        assert source.classes is not None
        features += LABEL_SIZE
        found.append(
            LayerOutline(name="embedding", shape=(LABEL_SIZE,), parameters=source.classes * LABEL_SIZE)
        )
        found.append(_plain("seed", (features,)))
    for number, units in enumerate(spec.generator, 1):
        found += _made(f"generator_{number}", spec, features, (units,))
        features = units
    if not spec.filters:
        found.append(
            LayerOutline(
                name="output",
                shape=(prod(source.shape),),
                parameters=_weights(spec, features, prod(source.shape)),
            )
        )
        return [*found, _plain("reshape", source.shape)] if len(source.shape) > 1 else found
    sides = sides_of(spec, source)
    shape: Shape = (*sides[-1], spec.filters[-1])
    found += _made("expand", spec, features, (prod(shape),))
    found.append(_plain("expand_reshape", shape))
    stages = list(zip([source.shape[2], *spec.filters[:-1]], sides[:-1], strict=True))
    for number, (filters, side) in enumerate(reversed(stages), 1):
        name, last = f"up_{number}", number == len(stages)
        grown = (2 * shape[0], 2 * shape[1], filters)
        features = spec.kernel**2 * shape[2]
        if last:
            found.append(
                LayerOutline(name="output", shape=grown, parameters=_weights(spec, features, filters))
            )
        else:
            found += _made(name, spec, features, grown)
        shape = (*side, filters)
        if grown != shape:
            found.append(_plain(f"{name}_crop", shape))
    return found


def _discriminator(spec: GanSpec, source: InputSchema) -> list[LayerOutline]:
    found: list[LayerOutline] = []
    shape = source.shape
    stages = zip(spec.filters, sides_of(spec, source)[1:], strict=True)
    for number, (filters, side) in enumerate(stages, 1):
        weights = _weights(spec, spec.kernel**2 * shape[2], filters)
        shape = (*side, filters)
        found.append(LayerOutline(name=f"down_{number}", shape=shape, parameters=weights))
        found += _dropped(f"down_{number}", spec, shape)
    if len(shape) > 1:
        shape = (prod(shape),)
        found.append(_plain("flatten", shape))
    for number, units in enumerate(spec.discriminator, 1):
        weights = _weights(spec, shape[0], units)
        shape = (units,)
        found.append(LayerOutline(name=f"discriminator_{number}", shape=shape, parameters=weights))
        found += _dropped(f"discriminator_{number}", spec, shape)
    score = LayerOutline(name="score", shape=(1,), parameters=shape[0] + 1)
    if not spec.conditional:
        return [*found, score]
    assert source.classes is not None
    return [
        *found,
        LayerOutline(name="projection", shape=shape, parameters=source.classes * shape[0]),
        score,
        _plain("agreement", (1,)),
        _plain("conditional_score", (1,)),
    ]


def _made(name: str, spec: GanSpec, features: int, shape: Shape) -> list[LayerOutline]:
    """Return a layer of the generator; ``features`` are what each value of its output is made from."""
    normalized = spec.batch_normalization
    weights = features * shape[-1] if normalized else _weights(spec, features, shape[-1])
    found = [LayerOutline(name=name, shape=shape, parameters=weights)]
    if normalized:
        found.append(LayerOutline(name=f"{name}_norm", shape=shape, parameters=4 * shape[-1]))
        found.append(_plain(f"{name}_activation", shape))
    return found


def _weights(spec: GanSpec, features: int, units: int) -> int:
    return (features + spec.bias) * units


def _dropped(name: str, spec: GanSpec, shape: Shape) -> list[LayerOutline]:
    return [_plain(f"{name}_dropout", shape)] if spec.dropout else []


def _plain(name: str, shape: Shape) -> LayerOutline:
    return LayerOutline(name=name, shape=shape, parameters=0)


def _check(spec: GanSpec, source: InputSchema) -> None:
    if spec.filters and source.kind != "images":
        message = f"Convolutions need images; the rows are {source.kind}. Leave `filters` empty."
        raise _error("filters", "needs_images", message)
    if source.kind == "images" and not source.high > source.low:
        message = "All pixels have the same value, so there is nothing to be learnt."
        raise _error("family", "empty_range", message)
    if spec.conditional and source.classes is None:
        message = "Rows of a class were asked for, and the rows of the dataset have no classes."
        raise _error("conditional", "needs_classes", message)
    if spec.label_smoothing and spec.loss != "bce":
        message = f"Only the loss `bce` has labels to be smoothed; the loss is `{spec.loss}`. Leave it at 0."
        raise _error("label_smoothing", "needs_bce", message)


def _error(place: str, code: str, message: str) -> SpecError:
    return SpecError([SpecProblem(f"/network/{place}", code, message)])
