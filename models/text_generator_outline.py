"""The layers of a recurrent language model by arithmetic. Keras-free.

Names, order and figures are those of the network that ``models.text_generator`` builds.
"""

from models.layers import LayerOutline, unsuitable
from models.schema import InputSchema
from models.specs.problems import SpecError, SpecProblem
from models.specs.text_generator import TextGeneratorSpec


def layers(spec: TextGeneratorSpec, source: InputSchema) -> list[LayerOutline]:
    """Return the layers, the input first; raises ``SpecError`` for rows that are no text of two tokens."""
    if source.kind != "text" or source.vocabulary is None:
        raise unsuitable("text_generator", "text", source)
    length = source.shape[0] - 1
    if length < 1:
        message = "Rows of one token have no next token to learn: read the text again with longer rows."
        raise SpecError([SpecProblem("/network/family", "too_short", message)])
    found = [LayerOutline(name="text", shape=(length,), parameters=0)]
    size = source.vocabulary
    if spec.inputs == "embedding":
        size = spec.embedding_size
        weights = source.vocabulary * size
        found.append(LayerOutline(name="embedding", shape=(length, size), parameters=weights))
    for number, units in enumerate(spec.units, 1):
        shape = (length, units)
        weights = recurrent_parameters(spec.cell, size, units)
        found.append(LayerOutline(name=f"{spec.cell}_{number}", shape=shape, parameters=weights))
        if spec.dropout:
            found.append(LayerOutline(name=f"dropout_{number}", shape=shape, parameters=0))
        size = units
    shape = (length, source.vocabulary)
    found.append(LayerOutline(name="logits", shape=shape, parameters=(size + 1) * source.vocabulary))
    return found


def recurrent_parameters(cell: str, inputs: int, units: int) -> int:
    """Return how many weights the gates of a recurrent layer have, as Keras counts them."""
    if cell == "lstm":
        return 4 * (inputs + units + 1) * units
    # A GRU has two biases for each gate: of its inputs and of its state.
    return 3 * (inputs + units + 2) * units
