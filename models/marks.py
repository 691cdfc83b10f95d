"""Marks: how a layer becomes one operator of ONNX instead of what it is traced to.

While a role is traced for export, such layers leave a mark in the graph, and the conversion writes the
operator in its place.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

Handlers = Mapping[str, tuple[Any, list[Any]]]
"""What tf2onnx calls for an operation of TensorFlow, by its type."""
Write = Callable[[Any, Any, str], None]
"""Writes an operator in the place of a mark: into tf2onnx' graph, from the mark's node and its name."""
Call = Callable[..., Any]
Marking = Callable[[Call, "Marks"], Call]
"""From how a layer is called to how it is called while marks are left."""

_MARK = "PyFunc"
_ALONE = threading.Lock()


class Marks:
    """The marks that one thread leaves in what it traces."""

    def __init__(self) -> None:
        self._writes: list[Write] = []
        self._thread = threading.get_ident()

    def are_ours(self) -> bool:
        """Return whether this thread may leave marks: others trace for other ends."""
        return threading.get_ident() == self._thread

    def leave(self, inputs: list[tf.Tensor], shape: tuple[int | None, ...], write: Write) -> tf.Tensor:
        """Return a mark, a tensor of that shape, in whose place ``write`` is to write."""
        (found,) = tf.raw_ops.PyFunc(input=inputs, token=str(len(self._writes)), Tout=[tf.float32])
        self._writes.append(write)
        return tf.ensure_shape(found, shape)

    def write(self, graph: Any, node: Any, name: str, _: list[Any]) -> None:
        """Write the operator in the place of a mark."""
        self._writes[int(node.get_attr_str("token"))](graph, node, name)


@contextmanager
def native_operators(markings: Mapping[type[keras.Layer], Marking]) -> Iterator[Handlers]:
    """Within, calls of these kinds of layers leave marks; yields the handlers that convert them.

    Trace and convert within, in the same thread. Other threads wait to enter; what they trace meanwhile is
    traced in full.
    """
    with _ALONE:
        marks = Marks()
        plain = {kind: kind.call for kind in markings}
        for kind, marking in markings.items():
            kind.call = marking(plain[kind], marks)
        try:
            yield {_MARK: (marks.write, [])}
        finally:
            for kind, call in plain.items():
                kind.call = call
