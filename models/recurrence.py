"""LSTM layers that walk along all steps in one operation, while a network trains on a CPU.

Keras writes the cell of Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000), as
some ten operations for each step, in a loop; on a CPU half of a training's time went into keeping that loop.
What is kept is Keras' own layer. Shapes: T steps, B rows, F numbers of a step, U units.
"""

from typing import Any

import keras
import tensorflow as tf

# Keras has its gates in the order input, forget, cell, output; the operation: input, cell, forget, output.
_GATES = (0, 2, 1, 3)


class FusedLSTM(keras.layers.LSTM):  # type: ignore[misc] # Keras ships no types
    """Keras' layer where padding stands at the end of rows only; the numbers differ by rounding alone.

    The rows of a batch are walked in ``lanes`` that do not wait for each other: one operation has one thread.
    """

    lanes = 1

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        """Return ``[B, T, U]``, or ``[B, U]`` after the last step."""
        if initial_state is not None or (self.return_sequences and not self._hides(mask)):
            return super().call(sequences, initial_state=initial_state, mask=mask, training=training)
        lengths = None if mask is None else tf.reduce_sum(tf.cast(mask, tf.int32), 1)
        x = self._dropped(self._in_order(tf.transpose(sequences, [1, 0, 2]), lengths), training)
        h = self._walk(x)  # [T, B, U]
        if not self.return_sequences:
            return h[-1] if lengths is None else _last(h, lengths)
        if lengths is not None:
            h *= tf.transpose(tf.cast(mask, h.dtype))[..., tf.newaxis]
            if self.go_backwards:
                # Keras answers the steps in the order in which it went, which begins with the padding.
                h = tf.reverse(self._in_order(h, lengths), [0])
        return tf.transpose(h, [1, 0, 2])

    def _hides(self, mask: Any) -> bool:
        return mask is None or self.zero_output_for_mask

    def _in_order(self, x: Any, lengths: Any) -> Any:
        """Return steps ``[T, B, …]`` in the order in which they are gone through, padding last."""
        if not self.go_backwards:
            return x
        if lengths is None:
            return tf.reverse(x, [0])
        return tf.reverse_sequence(x, lengths, seq_axis=0, batch_axis=1)

    def _dropped(self, x: Any, training: bool) -> Any:
        if not training or not self.cell.dropout:
            return x
        # As with Keras: what is dropped of a row is dropped at each of its steps (Gal and Ghahramani, 2016).
        self.cell.reset_dropout_mask()
        return x * self.cell.get_dropout_mask(x[0])

    def _walk(self, x: Any) -> Any:
        units, rows = self.units, tf.shape(x)[1]
        weights = tf.concat([self.cell.kernel.value, self.cell.recurrent_kernel.value], 0)  # [F + U, 4U]
        weights, bias = (_reordered(each, units) for each in (weights, self.cell.bias.value))
        # Of an empty lane the operation answers gradients that nobody has calculated, and of an odd number of
        # rows it says that it is slow.
        size = 2 * ((rows + 2 * self.lanes - 1) // (2 * self.lanes))
        x = tf.pad(x, [[0, 0], [0, size * self.lanes - rows], [0, 0]])
        nothing, unused = tf.zeros([size, units]), tf.zeros([units])
        walked = []
        for start in range(self.lanes):
            lane = tf.raw_ops.BlockLSTM(
                seq_len_max=tf.shape(x, tf.int64)[0],
                x=x[:, start * size : (start + 1) * size],
                cs_prev=nothing,
                h_prev=nothing,
                w=weights,
                wci=unused,
                wcf=unused,
                wco=unused,
                b=bias,
                forget_bias=0.0,
                cell_clip=-1.0,
            )
            walked.append(lane.h)
        return tf.concat(walked, 1)[:, :rows]


def can_fuse(layer: keras.Layer) -> bool:
    """Return whether a layer is an LSTM that the operation knows: the textbook's, in single precision."""
    if type(layer) is not keras.layers.LSTM:
        return False
    activations = (layer.activation, layer.recurrent_activation)
    plain = activations == (keras.activations.tanh, keras.activations.sigmoid) and layer.use_bias
    stateless = not (layer.stateful or layer.return_state or layer.recurrent_dropout)
    return plain and stateless and layer.compute_dtype == "float32"


def _reordered(weights: Any, units: int) -> Any:
    gates = tf.reshape(weights, [-1, 4, units])
    return tf.reshape(tf.gather(gates, _GATES, axis=1), [*weights.shape[:-1], 4 * units])


def _last(h: Any, lengths: Any) -> Any:
    """Return the last step that is no padding, ``[B, U]``, of ``[T, B, U]``."""
    return tf.gather_nd(h, tf.stack([lengths - 1, tf.range(tf.shape(h)[1])], 1))
