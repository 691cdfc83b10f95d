"""One role of a version in memory: its graph in a session, run in pieces and timed."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from app.serving.statistics import VersionStatistics
from models.onnx_runtime import onnxruntime
from models.signature import RoleSignature

Array = npt.NDArray[Any]

# Activations of a whole batch are alive at once: large batches run in pieces to keep memory level.
CHUNK_ROWS = 32
CHUNK_INPUT_BYTES = 1024**2

# Bounds of one request, whatever its rows look like: rows in, and values out.
MAX_ROWS = 10_000
MAX_OUTPUT_VALUES = 4_000_000

TIMED_RUNS = 20
TIMING_BUDGET_SECONDS = 0.1


class LoadedRole:
    """A role that answers; ``run`` may be called by several threads at once.

    ``row_seconds`` is the measured run time of one row, ``max_rows`` how many a request may have,
    ``batch_rows`` how many run at once. ``statistics`` are those of its version.
    """

    def __init__(
        self, signature: RoleSignature, graph: bytes, statistics: VersionStatistics | None = None
    ) -> None:
        self.inputs = signature.inputs
        self.outputs = signature.outputs
        self.names = [tensor.name for tensor in self.outputs]
        self.statistics = statistics or VersionStatistics()
        self.row_seconds = 0.0
        self.max_rows = max(1, min(MAX_ROWS, MAX_OUTPUT_VALUES // _values(signature.outputs)))
        self.batch_rows = min(CHUNK_ROWS, max(1, CHUNK_INPUT_BYTES // (4 * _values(signature.inputs))))
        self._session = _session(graph)

    def run(self, inputs: Mapping[str, Array], names: Sequence[str] | None = None) -> dict[str, Array]:
        """Return the outputs that are named, by default all, ``[rows, ...]``, for ``[rows, ...]`` by name."""
        names = names or self.names
        rows = len(next(iter(inputs.values())))
        if not rows:
            # Graphs need not know what to do with no row at all.
            return {
                each.name: np.empty((0, *each.shape), each.dtype)
                for each in self.outputs
                if each.name in names
            }
        if rows <= self.batch_rows:
            return dict(zip(names, self._session.run(names, inputs), strict=True))
        pieces = [
            self._session.run(
                names, {name: array[start : start + self.batch_rows] for name, array in inputs.items()}
            )
            for start in range(0, rows, self.batch_rows)
        ]
        columns = zip(*pieces, strict=True)
        return {name: np.concatenate(parts) for name, parts in zip(names, columns, strict=True)}

    def bound(self, inputs: Mapping[str, Array], outputs: Mapping[str, Array]) -> Callable[[], None]:
        """Return what runs the graph from and into these very arrays, one thread at a time.

        They must be contiguous and as the signature says; where many runs follow each other this saves what
        making and naming arrays takes.
        """
        binding = self._session.io_binding()
        for bind, arrays in ((binding.bind_input, inputs), (binding.bind_output, outputs)):
            for name, array in arrays.items():
                bind(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
        return _Bound(self._session, binding, (inputs, outputs))

    def measure(self, inputs: Mapping[str, Array]) -> None:
        """Take the least of several run times of one row: the others measure the neighbours.

        It is this thread's time on the processor that counts, in which all of a run takes place: on a busy
        machine the clock on the wall would make every network a slow one.
        """
        self.row_seconds = float("inf")
        deadline = time.thread_time() + TIMING_BUDGET_SECONDS
        for _ in range(TIMED_RUNS):
            start = time.thread_time()
            self.run(inputs)
            end = time.thread_time()
            self.row_seconds = min(self.row_seconds, end - start)
            if end > deadline:
                break


class _Bound:
    """A session and where it reads and writes; the binding knows but addresses, so this holds the arrays."""

    def __init__(self, session: onnxruntime.InferenceSession, binding: Any, arrays: object) -> None:
        self._run = session.run_with_iobinding
        self._binding = binding
        self._arrays = arrays

    def __call__(self) -> None:
        self._run(self._binding)


def _session(graph: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # One request is one thread: small graphs lose more to handing over than they gain, and requests are many.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Without the arena a peak is given back; it costs nothing measurable at one row.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    # It would keep the whole file, only to begin anew on another device should this one fail.
    session._model_bytes = None
    return session


def _values(tensors: Sequence[Any]) -> int:
    return max(1, sum(int(np.prod(tensor.shape)) for tensor in tensors))
