"""Recurrent language models: text is learnt token by token, and written by feeding back what was drawn.

Long short-term memory of Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000), or
the gated recurrent unit of Cho et al. (2014); dropout lies on connections between layers only (Zaremba et
al., 2014). Shapes: B rows, T tokens, V ids. Layers are those of ``models.text_generator_outline``.
"""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from models import roles
from models.lesson import Lesson
from models.roles import PlayedRole
from models.schema import PADDING, InputSchema
from models.signature import TensorSignature
from models.specs.text_generator import TextGeneratorSpec
from models.state import Tensors
from models.step import Batch, Learning, Loss, Objective, learning, sums_of
from models.tensor_names import NEVER

FIGURES = ("loss", "accuracy")
LAYERS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


def build(spec: TextGeneratorSpec, source: InputSchema) -> keras.Model:
    """Return a network from ids ``int32[B, T]`` to the logits of each next token, ``float32[B, T, V]``.

    T is one less than the tokens of the dataset's rows, whose last token is only predicted.
    """
    text = keras.Input((source.shape[0] - 1,), name="text", dtype="int32")
    if spec.inputs == "embedding":
        x = keras.layers.Embedding(source.vocabulary, spec.embedding_size, name="embedding")(text)
    else:
        x = keras.ops.one_hot(text, source.vocabulary)  # [B, T, V]
    for number, units in enumerate(spec.units, 1):
        layer = LAYERS[spec.cell](units, return_sequences=True, name=f"{spec.cell}_{number}")
        x = layer(x)  # [B, T, units]
        if spec.dropout:
            x = keras.layers.Dropout(spec.dropout, name=f"dropout_{number}")(x)
    logits = keras.layers.Dense(source.vocabulary, name="logits")(x)
    return keras.Model(text, logits, name="text_generator")


def predicting_tokens(lesson: Lesson) -> Learning:
    """Return how a language model learns: from whole rows, each token from those before it."""
    return learning(FIGURES, _next_token(lesson.network), lesson)


def step_role(spec: TextGeneratorSpec, network: keras.Model) -> PlayedRole:
    """Return the role ``step``: from a token and the states to the logits of the next token and new states.

    States are zero before the first token. Padding is never to be drawn: its logit is ``NEVER``.
    """
    cells = [network.get_layer(f"{spec.cell}_{number}").cell for number in range(1, len(spec.units) + 1)]
    shapes = [(units,) for units, cell in zip(spec.units, cells, strict=True) for _ in _sizes(cell)]
    states = [f"state_{number}" for number in range(1, len(shapes) + 1)]
    vocabulary = network.output_shape[-1]

    def function(tensors: roles.Tensors) -> roles.Tensors:
        is_learnt = spec.inputs == "embedding"
        token = tensors["token"]
        x = network.get_layer("embedding")(token) if is_learnt else keras.ops.one_hot(token, vocabulary)
        kept, moved = iter([tensors[name] for name in states]), []
        for cell in cells:
            x, after = cell(x, _taken(kept, cell), training=False)
            moved += after
        logits = network.get_layer("logits")(x)
        logits = tf.concat([tf.fill([tf.shape(logits)[0], 1], NEVER), logits[:, 1:]], axis=1)
        return {"logits": logits} | {f"next_{name}": state for name, state in zip(states, moved, strict=True)}

    def examples(rows: np.ndarray) -> dict[str, np.ndarray]:
        generator = np.random.Generator(np.random.Philox(key=[0, len(rows)]))
        made = {
            name: generator.uniform(-1, 1, (len(rows), *shape)).astype(np.float32)
            for name, shape in zip(states, shapes, strict=True)
        }
        return {"token": rows[:, 0].astype(np.int32), **made}

    def tensors(prefix: str) -> list[TensorSignature]:
        named = zip(states, shapes, strict=True)
        return [TensorSignature(name=prefix + name, dtype="float32", shape=shape) for name, shape in named]

    token = TensorSignature(name="token", dtype="int32", shape=())
    logits = TensorSignature(name="logits", dtype="float32", shape=(vocabulary,))
    return PlayedRole("step", function, (token, *tensors("")), (logits, *tensors("next_")), examples)


def _next_token(network: keras.Model) -> Objective:
    """Return the cross-entropy of each next token (nats), a mean over all tokens that are no padding."""

    def objective(weights: Tensors, others: Tensors, batch: Batch, training: bool) -> Loss:
        logits, others = network.stateless_call(weights, others, batch.x[:, :-1], training=training)
        asked = batch.x[:, 1:]
        counts = tf.cast(asked != PADDING, tf.float32)
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(asked, logits)
        right = tf.cast(tf.argmax(logits, -1, tf.int32) == asked, tf.float32)
        tokens = tf.reduce_sum(counts)
        means = [tf.math.divide_no_nan(tf.reduce_sum(each * counts), tokens) for each in (entropy, right)]
        return Loss(means[0], others, sums_of(tokens, *means))

    return objective


def _sizes(cell: Any) -> list[int]:
    size = cell.state_size
    return list(size) if isinstance(size, list | tuple) else [size]


def _taken(states: Iterator[tf.Tensor], cell: Any) -> list[tf.Tensor]:
    return [next(states) for _ in _sizes(cell)]
