"""The layers of a convolutional network by arithmetic: names, shapes, parameters. Keras-free.

Names, order and figures are those of the network that ``models.cnn`` builds.
"""

from math import prod

from models import backbones, cnn_blocks_outline
from models.forecasting import asked
from models.layers import LayerOutline, Shape, dense, head
from models.schema import InputSchema
from models.specs.cnn import CnnSpec
from models.specs.dense import DenseBlock
from models.specs.problems import SpecError, SpecProblem


def layers(spec: CnnSpec, source: InputSchema) -> list[LayerOutline]:
    """Return the layers, the input first; shapes have no batch axis.

    Raises ``SpecError`` where rows are neither images nor sequences of one length, or where a kernel or a
    pooling is larger than what it is given.
    """
    _check(spec, source)
    source = asked(source)
    found = backbones.layers(spec, source) if spec.backbone else _convolved(spec, source)
    for number, connected in enumerate(spec.dense, 1):
        found += _dense(connected, f"dense_{number}", found[-1].shape[0])
    if spec.dropout:
        found.append(LayerOutline(name="dropout", shape=found[-1].shape, parameters=0))
    return found + head(source, found[-1].shape[0])


def _check(spec: CnnSpec, source: InputSchema) -> None:
    if (source.kind, len(source.shape)) not in (("images", 3), ("sequences", 2)):
        raise _error("family", "wrong_shape", _expected_images(source))
    if source.kind == "sequences":
        _check_sequences(spec, source)
    elif spec.scaling == "unit" and not source.high > source.low:
        raise _error("scaling", "empty_range", _empty_range(source))


def _check_sequences(spec: CnnSpec, source: InputSchema) -> None:
    if source.variable_length:
        message = (
            "The family cnn takes sequences of one length; those of the dataset differ in length. Upload "
            "them cut or padded to one length, or choose the family rnn."
        )
        raise _error("family", "variable_length", message)
    for field, sent in (("input_size", spec.input_size), ("backbone", spec.backbone)):
        if sent is not None:
            raise _error(field, "wrong_kind", f"{field} is for images; the rows are sequences: leave it out.")


def _convolved(spec: CnnSpec, source: InputSchema) -> list[LayerOutline]:
    name = "image" if source.kind == "images" else "sequence"
    found = [LayerOutline(name=name, shape=source.shape, parameters=0)]
    if spec.scaling == "unit":
        found.append(LayerOutline(name="scaling", shape=source.shape, parameters=0))
    if spec.input_size is not None:
        resized = (*spec.input_size, source.shape[2])
        found.append(LayerOutline(name="resizing", shape=resized, parameters=0))
    for place, block in enumerate(spec.blocks):
        found += cnn_blocks_outline.layers(block, place, found[-1].shape)
    shape = found[-1].shape
    if spec.global_pooling == "none":
        found.append(LayerOutline(name="flatten", shape=(prod(shape),), parameters=0))
    else:
        found.append(LayerOutline(name="global_pool", shape=shape[-1:], parameters=0))
    return found


def _dense(block: DenseBlock, name: str, inputs: int) -> list[LayerOutline]:
    found = [dense(name, inputs, block.units, bias=not block.batch_normalization)]
    found += cnn_blocks_outline.normalization(block, name, found[-1].shape)
    if block.dropout:
        found.append(LayerOutline(name=f"{name}_dropout", shape=found[-1].shape, parameters=0))
    return found


def _error(place: str, code: str, message: str) -> SpecError:
    return SpecError([SpecProblem(f"/network/{place}", code, message)])


def _expected_images(source: InputSchema) -> str:
    shape: Shape = source.shape
    advice = f" Write {[*shape, 1]} for grey images." if source.kind == "images" and len(shape) == 2 else ""
    return (
        "A cnn needs images of shape [height, width, channels], or sequences [time, features]; the rows are "
        f"{source.kind} of shape {list(shape)}.{advice}"
    )


def _empty_range(source: InputSchema) -> str:
    return (
        f"`unit` needs a range of values; the rows' range is {source.low}..{source.high}. "
        "Send scaling `none`, or look at the dataset."
    )
