"""The layers of a multi-layer perceptron by arithmetic. Keras-free.

Names, order and figures are those of the network that ``models.mlp`` builds.
"""

from math import prod

from models.layers import LayerOutline, dense, head, unsuitable
from models.schema import Column, InputSchema
from models.specs.dense import DenseBlock
from models.specs.mlp import MlpSpec
from models.specs.problems import SpecError, SpecProblem

LARGEST_EMBEDDING = 50


def layers(spec: MlpSpec, source: InputSchema) -> list[LayerOutline]:
    """Return the layers, the input first; raises ``SpecError`` for rows of another kind."""
    if source.kind not in ("images", "vectors", "table"):
        raise unsuitable("mlp", "images, vectors and tables", source)
    found = [LayerOutline(name="rows", shape=source.shape, parameters=0)]
    found += _table(spec, source) if source.columns else _plain(spec, source)
    for number, block in enumerate(spec.dense, 1):
        found += _block(block, number, found[-1].shape[0])
    if spec.dropout:
        found.append(LayerOutline(name="dropout", shape=found[-1].shape, parameters=0))
    return found + head(source, found[-1].shape[0])


def embedding_size(spec: MlpSpec, column: Column) -> int:
    """Return how many numbers stand for a category of this column."""
    return spec.embedding_size or min(LARGEST_EMBEDDING, (column.ids + 1) // 2)


def numbers_and_categories(source: InputSchema) -> tuple[list[int], list[int]]:
    """Return the places of the columns that are numbers, and of those that are categories."""
    places = range(len(source.columns))
    kinds = [column.kind for column in source.columns]
    return [p for p in places if kinds[p] == "number"], [p for p in places if kinds[p] == "category"]


def _plain(spec: MlpSpec, source: InputSchema) -> list[LayerOutline]:
    found = []
    if spec.scaling == "standard":
        if source.kind == "images" and not source.high > source.low:
            message = "All pixels have the same value, so there is no range to be scaled."
            raise SpecError([SpecProblem("/network/scaling", "empty_range", message)])
        found.append(LayerOutline(name="scaling", shape=source.shape, parameters=0))
    if len(source.shape) > 1:
        found.append(LayerOutline(name="flatten", shape=(prod(source.shape),), parameters=0))
    return found


def _table(spec: MlpSpec, source: InputSchema) -> list[LayerOutline]:
    numbers, categories = numbers_and_categories(source)
    found = []
    features = len(numbers)
    if numbers and spec.scaling == "standard":
        found.append(LayerOutline(name="scaling", shape=(len(numbers),), parameters=0))
    for place in categories:
        column = source.columns[place]
        if spec.categories == "one_hot":
            found.append(LayerOutline(name=f"one_hot_{place + 1}", shape=(column.ids,), parameters=0))
        else:
            size = embedding_size(spec, column)
            found.append(
                LayerOutline(name=f"embedding_{place + 1}", shape=(size,), parameters=column.ids * size)
            )
        features += found[-1].shape[0]
    found.append(LayerOutline(name="features", shape=(features,), parameters=0))
    return found


def _block(block: DenseBlock, number: int, features: int) -> list[LayerOutline]:
    name, normalized = f"dense_{number}", block.batch_normalization
    found = [dense(name, features, block.units, bias=not normalized)]
    if normalized:
        shape = found[-1].shape
        found.append(LayerOutline(name=f"{name}_norm", shape=shape, parameters=4 * block.units))
        found.append(LayerOutline(name=f"{name}_activation", shape=shape, parameters=0))
    if block.dropout:
        found.append(LayerOutline(name=f"{name}_dropout", shape=found[-1].shape, parameters=0))
    return found
