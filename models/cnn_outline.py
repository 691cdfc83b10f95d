"""The layers of a convolutional network by arithmetic: names, shapes, parameters. Keras-free.

Names, order and figures are those of the network that ``models.cnn`` builds.
"""

from math import prod

from models.layers import LayerOutline, Shape, head
from models.schema import InputSchema
from models.specs.cnn import CnnSpec, ConvolutionBlock
from models.specs.dense import DenseBlock
from models.specs.problems import SpecError, SpecProblem


def layers(spec: CnnSpec, source: InputSchema) -> list[LayerOutline]:
    """Return the layers, the input first; shapes have no batch axis.

    Raises ``SpecError`` where rows are no images or a kernel or a pooling is larger than what it is given.
    """
    if len(source.shape) != 3:
        raise _error("family", "wrong_shape", _expected_images(source.shape))
    found = [LayerOutline(name="image", shape=source.shape, parameters=0)]
    if spec.scaling == "unit":
        if not source.high > source.low:
            raise _error("scaling", "empty_range", _empty_range(source))
        found.append(LayerOutline(name="scaling", shape=source.shape, parameters=0))
    if spec.input_size is not None:
        resized = (*spec.input_size, source.shape[2])
        found.append(LayerOutline(name="resizing", shape=resized, parameters=0))
    for number, block in enumerate(spec.blocks, 1):
        found += _convolution(block, number, found[-1].shape)
    found.append(_features(spec, found[-1].shape))
    for number, connected in enumerate(spec.dense, 1):
        found += _dense(connected, number, found[-1].shape[0])
    if spec.dropout:
        found.append(LayerOutline(name="dropout", shape=found[-1].shape, parameters=0))
    return found + head(source, found[-1].shape[0])


def _convolution(block: ConvolutionBlock, number: int, shape: Shape) -> list[LayerOutline]:
    sides, channels = shape[:2], shape[2]
    if block.padding == "valid" and block.kernel > min(sides):
        raise _error(
            f"blocks/{number - 1}/kernel", "kernel_too_large", _too_large("kernel", block.kernel, sides)
        )
    if block.padding == "same":
        sides = tuple(-(-side // block.stride) for side in sides)
    else:
        sides = tuple((side - block.kernel) // block.stride + 1 for side in sides)
    shape = (*sides, block.filters)
    bias = 0 if block.batch_normalization else block.filters
    weights = block.kernel**2 * channels * block.filters
    found = [LayerOutline(name=f"conv_{number}", shape=shape, parameters=weights + bias)]
    found += _normalization(block, number, "conv", shape)
    if block.pooling != "none":
        if block.pool_size > min(sides):
            raise _error(
                f"blocks/{number - 1}/pool_size", "pool_too_large", _too_large("pool", block.pool_size, sides)
            )
        shape = (*(side // block.pool_size for side in sides), block.filters)
        found.append(LayerOutline(name=f"conv_{number}_pool", shape=shape, parameters=0))
    if block.dropout:
        found.append(LayerOutline(name=f"conv_{number}_dropout", shape=shape, parameters=0))
    return found


def _features(spec: CnnSpec, shape: Shape) -> LayerOutline:
    if spec.global_pooling == "none":
        return LayerOutline(name="flatten", shape=(prod(shape),), parameters=0)
    return LayerOutline(name="global_pool", shape=shape[2:], parameters=0)


def _dense(block: DenseBlock, number: int, inputs: int) -> list[LayerOutline]:
    shape = (block.units,)
    bias = 0 if block.batch_normalization else block.units
    found = [LayerOutline(name=f"dense_{number}", shape=shape, parameters=inputs * block.units + bias)]
    found += _normalization(block, number, "dense", shape)
    if block.dropout:
        found.append(LayerOutline(name=f"dense_{number}_dropout", shape=shape, parameters=0))
    return found


def _normalization(
    block: ConvolutionBlock | DenseBlock, number: int, kind: str, shape: Shape
) -> list[LayerOutline]:
    if not block.batch_normalization:
        return []
    # Scale, shift, and the moving mean and variance, of each channel.
    return [
        LayerOutline(name=f"{kind}_{number}_norm", shape=shape, parameters=4 * shape[-1]),
        LayerOutline(name=f"{kind}_{number}_activation", shape=shape, parameters=0),
    ]


def _error(place: str, code: str, message: str) -> SpecError:
    return SpecError([SpecProblem(f"/network/{place}", code, message)])


def _expected_images(shape: Shape) -> str:
    advice = f" Write {[*shape, 1]} for grey images." if len(shape) == 2 else ""
    return f"A cnn needs rows of shape [height, width, channels]; these have {list(shape)}.{advice}"


def _empty_range(source: InputSchema) -> str:
    return (
        f"`unit` needs a range of values; the rows' range is {source.low}..{source.high}. "
        "Send scaling `none`, or look at the dataset."
    )


def _too_large(what: str, size: int, sides: Shape) -> str:
    advice = "use padding `same`" if what == "kernel" else "pool less"
    return (
        f"A {what} of {size}x{size} does not fit the {sides[0]}x{sides[1]} pixels that reach it: "
        f"make it smaller, {advice}, or set input_size."
    )
