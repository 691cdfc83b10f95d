"""The layers of one block of a convolutional network, by arithmetic. Keras-free.

Names and figures are those of what ``models.cnn_blocks`` builds, along one axis or two.
"""

from models.layers import LayerOutline, Shape
from models.specs.cnn import ConvolutionBlock
from models.specs.dense import DenseBlock
from models.specs.problems import SpecError, SpecProblem


def layers(block: ConvolutionBlock, place: int, shape: Shape) -> list[LayerOutline]:
    """Return the layers of the block at ``place``, counted from 0, which is given rows of ``shape``."""
    name = f"conv_{place + 1}"
    if block.residual:
        found = _residual(block, place, shape)
    else:
        found = _convolution(block, place, shape, name=name, stride=block.stride)
        found += normalization(block, name, found[-1].shape)
    shape = found[-1].shape
    if block.pooling != "none":
        sides, pool = shape[:-1], block.pool_size
        if pool > min(sides):
            raise _error(place, "pool_size", "pool_too_large", _too_large("pool", pool, sides))
        shape = (*(side // pool for side in sides), block.filters)
        found.append(LayerOutline(name=f"{name}_pool", shape=shape, parameters=0))
    if block.dropout:
        found.append(LayerOutline(name=f"{name}_dropout", shape=shape, parameters=0))
    return found


def normalization(block: ConvolutionBlock | DenseBlock, name: str, shape: Shape) -> list[LayerOutline]:
    """Return the normalisation and the activation of a block that asks for them."""
    if not block.batch_normalization:
        return []
    return [_norm(name, shape), LayerOutline(name=f"{name}_activation", shape=shape, parameters=0)]


def _residual(block: ConvolutionBlock, place: int, shape: Shape) -> list[LayerOutline]:
    name, normalized = f"conv_{place + 1}", block.batch_normalization
    if block.padding == "valid":
        message = "A residual block keeps its border: expected `same`, received 'valid'."
        raise _error(place, "padding", "wrong_padding", message)
    found = _convolution(block, place, shape, name=f"{name}_1", stride=block.stride)
    found += normalization(block, f"{name}_1", found[-1].shape)
    found += _convolution(block, place, found[-1].shape, name=f"{name}_2", stride=1)
    inner = found[-1].shape
    if normalized:
        found.append(_norm(f"{name}_2", inner))
    if inner != shape:
        weights = (shape[-1] + (not normalized)) * block.filters
        found.append(LayerOutline(name=f"{name}_shortcut", shape=inner, parameters=weights))
        if normalized:
            found.append(_norm(f"{name}_shortcut", inner))
    found.append(LayerOutline(name=f"{name}_add", shape=inner, parameters=0))
    found.append(LayerOutline(name=f"{name}_activation", shape=inner, parameters=0))
    return found


def _convolution(
    block: ConvolutionBlock, place: int, shape: Shape, *, name: str, stride: int
) -> list[LayerOutline]:
    sides, channels = shape[:-1], shape[-1]
    if block.padding == "same":
        outcome = tuple(-(-side // stride) for side in sides)
    elif block.kernel > min(sides):
        raise _error(place, "kernel", "kernel_too_large", _too_large("kernel", block.kernel, sides))
    else:
        outcome = tuple((side - block.kernel) // stride + 1 for side in sides)
    weights = block.kernel ** len(sides) * channels
    # A separable convolution has one filter for each channel, and then one weight for each pair of channels.
    weights = weights + channels * block.filters if block.separable else weights * block.filters
    bias = 0 if block.batch_normalization else block.filters
    return [LayerOutline(name=name, shape=(*outcome, block.filters), parameters=weights + bias)]


def _norm(name: str, shape: Shape) -> LayerOutline:
    # Scale, shift, and the moving mean and variance, of each channel.
    return LayerOutline(name=f"{name}_norm", shape=shape, parameters=4 * shape[-1])


def _error(place: int, field: str, code: str, message: str) -> SpecError:
    return SpecError([SpecProblem(f"/network/blocks/{place}/{field}", code, message)])


def _too_large(what: str, size: int, sides: Shape) -> str:
    advice = "use padding `same`" if what == "kernel" else "pool less"
    if len(sides) == 1:
        return f"A {what} of {size} does not fit the {sides[0]} steps that reach it: shrink it, or {advice}."
    return (
        f"A {what} of {size}x{size} does not fit the {sides[0]}x{sides[1]} pixels that reach it: "
        f"make it smaller, {advice}, or set input_size."
    )
