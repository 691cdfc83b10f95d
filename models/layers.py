"""What is known of a layer without building it, and of those that many families share. Keras-free."""

from pydantic import Field

from models.schema import Frozen, InputSchema
from models.specs.problems import SpecError, SpecProblem

Shape = tuple[int, ...]


class LayerOutline(Frozen):
    """One layer; ``shape`` is that of its output for one row."""

    name: str
    shape: Shape
    parameters: int
    inside: int = Field(0, exclude=True, description="Values of a row that it holds beside its output.")


def head(source: InputSchema, features: int) -> list[LayerOutline]:
    """Return the layers of :func:`models.heads.answer` behind so many features.

    Raises ``SpecError`` where rows have nothing to be predicted.
    """
    if source.classes is not None:
        return [dense("probabilities", features, source.classes)]
    if source.targets is not None:
        values = dense("scaled_values", features, source.targets)
        return [values, LayerOutline(name="values", shape=values.shape, parameters=0)]
    message = (
        "This family predicts, and the rows of the dataset have neither classes nor values to be predicted: "
        "choose a dataset that has, or an autoencoder, which needs none."
    )
    raise SpecError([SpecProblem("/network/family", "needs_target", message)])


def dense(name: str, features: int, units: int, *, bias: bool = True) -> LayerOutline:
    """Return a fully connected layer."""
    return LayerOutline(name=name, shape=(units,), parameters=(features + bias) * units)


def unsuitable(family: str, takes: str, source: InputSchema) -> SpecError:
    """Return the error for rows of a kind that a family does not take; ``takes`` says what it does."""
    found = f"{source.kind} of the shape {list(source.shape)}"
    message = f"The family {family} takes {takes}; the rows of the dataset are {found}."
    return SpecError([SpecProblem("/network/family", "wrong_kind", message)])
