"""One version in memory: verified, warmed, checked against its golden rows, and timed."""

import hashlib
import time
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import onnxruntime

from app.serving.golden import GoldenMismatch, check_golden, read_golden
from app.storage import Store
from app.tables.model_version import ModelVersion
from models.signature import RoleSignature, Signature

Array = npt.NDArray[np.float32]

ROLE = "predict"
GOLDEN_FILE = "golden.npz"

# Activations of a whole batch are alive at once: large batches run in pieces to keep memory level.
CHUNK_ROWS = 32
CHUNK_INPUT_BYTES = 1024**2

# Bounds of one request, whatever its rows look like: rows in, and values out.
MAX_ROWS = 10_000
MAX_OUTPUT_VALUES = 4_000_000

# What a session costs beyond its graph: allocator, nodes, plans.
SESSION_BYTES = 1024**2
# A graph is kept once as weights and once packed for the processor.
COPIES = 2

TIMED_RUNS = 20
TIMING_BUDGET_SECONDS = 0.1


class NotServable(Exception):
    """The version's files are damaged, or it does not answer as it should."""


class LoadedVersion:
    """A version that answers; ``run`` may be called by several threads at once.

    ``row_seconds`` is the measured run time of one row, ``bytes`` an estimate of the memory held and
    ``used_at`` the monotonic time of the last use.
    """

    def __init__(self, row: ModelVersion, session: onnxruntime.InferenceSession, graph_bytes: int) -> None:
        self.id = row.id
        self.model = row.model.name
        self.number = row.number
        self.job = row.job_id
        self.signature = Signature.model_validate(row.signature)
        self.role: RoleSignature = self.signature.roles[ROLE]
        self.bytes = graph_bytes * COPIES + SESSION_BYTES
        self.row_seconds = 0.0
        self.used_at = time.monotonic()
        self._session = session
        self._outputs = [tensor.name for tensor in self.role.outputs]
        self._chunk = min(CHUNK_ROWS, max(1, CHUNK_INPUT_BYTES // _row_bytes(self.role)))
        self.max_rows = max(1, min(MAX_ROWS, MAX_OUTPUT_VALUES // _output_values(self.role)))

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return the outputs by name, ``[rows, ...]``, for inputs by name, ``float32[rows, ...]``."""
        rows = len(next(iter(inputs.values())))
        if rows <= self._chunk:
            return dict(zip(self._outputs, self._session.run(self._outputs, inputs), strict=True))
        pieces = [
            self._session.run(
                self._outputs, {name: array[start : start + self._chunk] for name, array in inputs.items()}
            )
            for start in range(0, rows, self._chunk)
        ]
        columns = zip(*pieces, strict=True)
        return {name: np.concatenate(parts) for name, parts in zip(self._outputs, columns, strict=True)}


def load(row: ModelVersion, store: Store) -> LoadedVersion:
    """Load one version and make sure that it answers; raise :class:`NotServable` if it cannot."""
    try:
        graph = _verified(row, store, Signature.model_validate(row.signature).roles[ROLE].graph)
        golden = read_golden(_verified(row, store, GOLDEN_FILE))
        version = LoadedVersion(row, _session(graph), len(graph))
        inputs = {tensor.name: golden[tensor.name] for tensor in version.role.inputs}
        check_golden(version.run(inputs), golden)
        version.row_seconds = _row_seconds(version, {name: array[:1] for name, array in inputs.items()})
    except NotServable:
        raise
    except GoldenMismatch as error:
        raise NotServable(str(error)) from error
    except Exception as error:
        # Whatever a damaged artifact provokes in the libraries: this version cannot answer, the others can.
        raise NotServable("its artifact cannot be loaded") from error
    return version


def _verified(row: ModelVersion, store: Store, path: str) -> bytes:
    if path not in row.files:
        raise NotServable(f"the artifact has no file {path}")
    digest = row.files[path]["sha256"]
    try:
        content = store.path(digest).read_bytes()
    except OSError as error:
        raise NotServable(f"{path} cannot be read: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise NotServable(f"{path} is damaged: its content does not have the recorded SHA-256")
    return content


def _session(graph: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # One request is one thread: small graphs lose more to handing over than they gain, and requests are many.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Without the arena a peak is given back; it costs nothing measurable at one row.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _row_seconds(version: LoadedVersion, inputs: Mapping[str, Array]) -> float:
    """Return the least of several run times: the others measure the neighbours."""
    least = float("inf")
    deadline = time.perf_counter() + TIMING_BUDGET_SECONDS
    for _ in range(TIMED_RUNS):
        start = time.perf_counter()
        version.run(inputs)
        end = time.perf_counter()
        least = min(least, end - start)
        if end > deadline:
            break
    return least


def _row_bytes(role: RoleSignature) -> int:
    return sum(4 * int(np.prod(tensor.shape)) for tensor in role.inputs)


def _output_values(role: RoleSignature) -> int:
    return sum(int(np.prod(tensor.shape)) for tensor in role.outputs)
