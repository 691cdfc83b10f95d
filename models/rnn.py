"""Recurrent networks for sequences, texts, and images read row by row.

Cells: simple (Elman, 1990), LSTM (Hochreiter and Schmidhuber, 1997, with the forget gate of Gers et al.,
2000), GRU (Cho et al., 2014). Shapes: B rows. Layers are those of ``models.rnn_outline``.
"""

import keras

from models.forecasting import asked, is_forecast
from models.heads import answer
from models.penalties import penalty_of
from models.schema import InputSchema
from models.sequences import Steps, connect, pool, recur, steps_of
from models.specs.rnn import RnnSpec
from models.statistics import Statistics


def build(spec: RnnSpec, source: InputSchema, statistics: Statistics) -> keras.Model:
    """Return a network from ``[B, *source.shape]`` to class probabilities or values.

    Of a forecast it takes all steps but the last one, and answers that one.
    """
    if is_forecast(source):
        source, statistics = asked(source), Statistics(statistics.inputs, statistics.inputs)
    rows = keras.Input(source.shape, name="rows", dtype="int32" if source.kind == "text" else "float32")
    steps, penalty = steps_of(rows, spec, source, statistics), penalty_of(spec)
    x = recur(steps, spec.layers, spec.cell, penalty, keep_steps=spec.pooling != "last")
    if spec.pooling != "last":
        x = pool(Steps(x, steps.mask), spec.pooling)
    x = connect(x, spec.dense, spec, penalty)  # [B, features]
    return keras.Model(rows, answer(x, source, statistics, penalty), name="rnn")
