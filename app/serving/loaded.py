"""One version in memory: every role verified, warmed, checked against its golden rows, and timed."""

import hashlib
import json
import time
from collections.abc import Mapping

from app.serving.golden import GoldenMismatch, check_golden, golden_of, read_golden
from app.serving.memory import resident
from app.serving.role import LoadedRole
from app.serving.statistics import VersionStatistics
from app.storage import Away, Store
from app.tables.model_version import ModelVersion
from models.schema import VOCABULARY_FILE
from models.signature import Role, Signature

GOLDEN_FILE = "golden.npz"

# What a session costs beyond its graph, at least and at most: nodes, plans, buffers.
LEAST_BYTES, MOST_BYTES = 256 * 1024, 8 * 1024**2
# A graph is kept as weights, often once more packed for the processor; parts of it may be computed ahead.
MOST_COPIES = 4


class NotServable(Exception):
    """The version's files are damaged, or it does not answer as it should."""


class LoadedVersion:
    """A version that answers, role by role.

    ``vocabulary`` has the token of each id where the signature speaks of text. ``statistics`` go on from
    those of earlier times in memory. ``bytes`` is the memory that it holds and ``used_at`` the monotonic
    time of the last use.
    """

    def __init__(
        self,
        row: ModelVersion,
        graphs: Mapping[Role, bytes],
        vocabulary: tuple[str, ...],
        statistics: VersionStatistics | None = None,
    ) -> None:
        self.id = row.id
        self.model = row.model.name
        self.number = row.number
        self.job = row.job_id
        self.signature = Signature.model_validate(row.signature)
        self.vocabulary = vocabulary
        self.statistics = statistics = statistics or VersionStatistics()
        self.roles = {
            name: LoadedRole(self.signature.roles[name], graph, statistics) for name, graph in graphs.items()
        }
        self.bytes = sum(map(len, graphs.values())) + LEAST_BYTES
        self.used_at = time.monotonic()


def load(row: ModelVersion, store: Store, statistics: VersionStatistics | None = None) -> LoadedVersion:
    """Load one version and make sure that it answers; raise :class:`NotServable` if it cannot."""
    try:
        signature = Signature.model_validate(row.signature)
        graphs = {name: _verified(row, store, role.graph) for name, role in signature.roles.items()}
        golden = read_golden(_verified(row, store, GOLDEN_FILE))
        before = resident()
        version = LoadedVersion(row, graphs, _vocabulary(row, store, signature), statistics)
        for name, role in version.roles.items():
            expected = golden_of(name, signature.roles[name], golden)
            inputs = {tensor.name: expected[tensor.name] for tensor in role.inputs}
            check_golden(role.run(inputs), expected)
            role.measure({tensor: rows[:1] for tensor, rows in inputs.items()})
        version.bytes = _held(sum(map(len, graphs.values())), resident() - before)
    except NotServable:
        raise
    except GoldenMismatch as error:
        raise NotServable(str(error)) from error
    except Exception as error:
        # Whatever a damaged artifact provokes in the libraries: this version cannot answer, the others can.
        raise NotServable("its artifact cannot be loaded") from error
    return version


def _held(file_bytes: int, grown: int) -> int:
    """Return what a version holds: what the process grew by, within what its files can make of it.

    Others may have taken or freed memory meanwhile, and what others had freed before makes nothing grow.
    """
    return min(max(grown, file_bytes + LEAST_BYTES), MOST_COPIES * file_bytes + MOST_BYTES)


def _vocabulary(row: ModelVersion, store: Store, signature: Signature) -> tuple[str, ...]:
    if signature.text is None:
        return ()
    tokens = tuple(json.loads(_verified(row, store, VOCABULARY_FILE)))
    if len(tokens) != signature.text.vocabulary:
        raise NotServable(
            f"{VOCABULARY_FILE} has {len(tokens)} tokens, but the network {signature.text.vocabulary}"
        )
    return tokens


def _verified(row: ModelVersion, store: Store, path: str) -> bytes:
    if path not in row.files:
        raise NotServable(f"the artifact has no file {path}")
    digest = row.files[path]["sha256"]
    try:
        content = store.fetch(digest).read_bytes()
    except Away as error:
        raise NotServable("the store of its files does not answer") from error
    except OSError as error:
        raise NotServable(f"{path} cannot be read: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != digest:
        store.forget(digest)
        raise NotServable(f"{path} is damaged: its content does not have the recorded SHA-256")
    return content
