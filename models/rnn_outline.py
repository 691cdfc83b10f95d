"""The layers of a recurrent network by arithmetic. Keras-free.

Names, order and figures are those of the network that ``models.rnn`` builds.
"""

from models.forecasting import asked
from models.layers import LayerOutline, head
from models.schema import InputSchema
from models.sequences_outline import connected, recurrent, steps
from models.specs.rnn import RnnSpec


def layers(spec: RnnSpec, source: InputSchema) -> list[LayerOutline]:
    """Return the layers, the input first; raises ``SpecError`` for rows of another kind."""
    source = asked(source)
    found = steps(spec, source)
    found += recurrent(spec.layers, spec.cell, found[-1].shape, keep_steps=spec.pooling != "last")
    found += connected(spec.dense, spec, found[-1].shape[-1])
    return found + head(source, found[-1].shape[-1])
