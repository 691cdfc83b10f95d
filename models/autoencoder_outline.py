"""The layers of an autoencoder by arithmetic. Keras-free.

Names, order and figures are those of the layers within the parts that ``models.autoencoder`` builds.
"""

from math import prod

from models.layers import LayerOutline, Shape, dense
from models.numeric_rows import check_numeric
from models.schema import InputSchema
from models.specs.autoencoder import AutoencoderSpec, StageBlock
from models.specs.dense import DenseBlock
from models.specs.problems import SpecError, SpecProblem

Sides = tuple[int, int]


def layers(spec: AutoencoderSpec, source: InputSchema) -> list[LayerOutline]:
    """Return the layers, the input first; raises ``SpecError`` for what does not fit the rows."""
    check_numeric("autoencoder", source)
    _check_fields(spec, source)
    found = [_plain("rows", source.shape), _plain("scaling", source.shape)]
    found += _encoder(spec, source)
    found += _decoder(spec, source)
    return [*found, _plain("unscaling", source.shape)]


def output_of(spec: AutoencoderSpec) -> str:
    """Return the activation of the reconstruction."""
    return spec.output or ("sigmoid" if spec.scaling == "unit" else "linear")


def sides_of(spec: AutoencoderSpec, source: InputSchema) -> list[Sides]:
    """Return height and width of the image, and then behind each convolution stage."""
    sides = [(source.shape[0], source.shape[1])]
    for stage in spec.convolutions:
        height, width = sides[-1]
        sides.append((-(-height // stage.stride), -(-width // stage.stride)))
    return sides


def _encoder(spec: AutoencoderSpec, source: InputSchema) -> list[LayerOutline]:
    shape, found = source.shape, []
    if spec.noise:
        found.append(_plain("noise", shape))
    if spec.convolutions:
        sides = sides_of(spec, source)[1:]
        for number, (stage, side) in enumerate(zip(spec.convolutions, sides, strict=True), 1):
            found += _convolution(f"conv_{number}", stage, shape[2], (*side, stage.filters))
            shape = found[-1].shape
    if len(shape) > 1:
        found.append(_plain("flatten", (prod(shape),)))
    features = prod(shape)
    for number, block in enumerate(spec.dense, 1):
        found += _connected(f"dense_{number}", block, features)
        features = block.units
    names = ("mean", "log_variance") if spec.variational else ("codes",)
    found += [dense(name, features, spec.latent) for name in names]
    if spec.latent_dropout:
        found.append(_plain("codes_dropout", (spec.latent,)))
    return found


def _decoder(spec: AutoencoderSpec, source: InputSchema) -> list[LayerOutline]:
    found: list[LayerOutline] = []
    features = spec.latent
    for number, block in enumerate(reversed(spec.dense), 1):
        found += _connected(f"decoder_dense_{number}", block, features)
        features = block.units
    if not spec.convolutions:
        found.append(dense("output", features, prod(source.shape)))
        return [*found, _plain("reshape", source.shape)] if len(source.shape) > 1 else found
    sides = sides_of(spec, source)
    shape = (*sides[-1], spec.convolutions[-1].filters)
    found += [dense("expand", features, prod(shape)), _plain("expand_reshape", shape)]
    stages = zip(spec.convolutions, sides, strict=False)
    for number, (stage, side) in enumerate(reversed(list(stages)), 1):
        grown = (shape[0] * stage.stride, shape[1] * stage.stride)
        found += _convolution(f"deconv_{number}", stage, shape[2], (*grown, stage.filters))
        shape = (*side, stage.filters)
        if grown != side:
            found.append(_plain(f"deconv_{number}_crop", shape))
    weights = (9 * shape[2] + 1) * source.shape[2]
    return [*found, LayerOutline(name="output", shape=source.shape, parameters=weights)]


def _convolution(name: str, stage: StageBlock, channels: int, shape: Shape) -> list[LayerOutline]:
    weights = stage.kernel**2 * channels * stage.filters
    bias = 0 if stage.batch_normalization else stage.filters
    found = [LayerOutline(name=name, shape=shape, parameters=weights + bias)]
    return found + (_normalization(name, shape) if stage.batch_normalization else [])


def _connected(name: str, block: DenseBlock, features: int) -> list[LayerOutline]:
    found = [dense(name, features, block.units, bias=not block.batch_normalization)]
    if block.batch_normalization:
        found += _normalization(name, found[-1].shape)
    if block.dropout:
        found.append(_plain(f"{name}_dropout", found[-1].shape))
    return found


def _normalization(name: str, shape: Shape) -> list[LayerOutline]:
    return [
        LayerOutline(name=f"{name}_norm", shape=shape, parameters=4 * shape[-1]),
        _plain(f"{name}_activation", shape),
    ]


def _plain(name: str, shape: Shape) -> LayerOutline:
    return LayerOutline(name=name, shape=shape, parameters=0)


def _check_fields(spec: AutoencoderSpec, source: InputSchema) -> None:
    images = source.kind == "images"
    if spec.convolutions and not images:
        message = f"Convolutions need images; the rows are {source.kind}. Use `dense` alone."
        raise _error("convolutions", "needs_images", message)
    if images and spec.scaling == "standard":
        message = "`standard` is for numbers that differ in size; pixels share one range. Use `unit`."
        raise _error("scaling", "wrong_kind", message)
    if images and spec.scaling == "unit" and not source.high > source.low:
        message = "All pixels have the same value, so there is no range to be scaled."
        raise _error("scaling", "empty_range", message)
    if spec.loss == "bce" and output_of(spec) != "sigmoid":
        message = "Binary cross-entropy needs reconstructions in 0..1: use the output `sigmoid`, or `mse`."
        raise _error("loss", "needs_sigmoid", message)
    if spec.variational and spec.latent_activation != "linear":
        message = "The codes of a variational autoencoder are means of any sign: leave the activation linear."
        raise _error("latent_activation", "variational", message)
    if spec.variational and (spec.latent_dropout or spec.sparsity):
        place = "latent_dropout" if spec.latent_dropout else "sparsity"
        message = f"The codes of a variational autoencoder are drawn at random already: leave {place} at 0."
        raise _error(place, "variational", message)


def _error(place: str, code: str, message: str) -> SpecError:
    return SpecError([SpecProblem(f"/network/{place}", code, message)])
