"""How fast the graphs of all presets answer, each against ``tf.function`` of the same network.

One thread for either; both take arrays and give arrays, one row and 32 at a time. Of a preset, the role and
the number of rows count that do worst.

    python -m benchmarks.graphs [--json PATH] [--rounds 5] [--only PRESET]
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}

import tensorflow as tf
from rich.console import Console

from app.serving.role import LoadedRole
from benchmarks.claims import Claim, show, write
from benchmarks.sources import rows_of, suiting
from models.export import export_onnx, serving_function
from models.preset import Preset
from models.presets import PRESETS
from models.registry import build, roles_of
from models.roles import PlayedRole
from models.signature import RoleSignature

BATCHES = (1, 32)
TARGET = 1.05
RUN_SECONDS = 0.03
CALIBRATION_CALLS = 3


@dataclass(frozen=True)
class Pace:
    """Milliseconds a call, medians, and the median ratio of runs in turn."""

    role: str
    batch: int
    ours: float
    theirs: float
    ratio: float

    def __str__(self) -> str:
        return f"{self.role} of {self.batch}: {self.ours:.3f} ms against {self.theirs:.3f}"


def loaded(role: PlayedRole, folder: Path) -> LoadedRole:
    """Return a role as the web process holds it."""
    path = folder / f"{role.name}.onnx"
    export_onnx(role, path)
    signature = RoleSignature(graph=path.name, inputs=role.inputs, outputs=role.outputs)
    return LoadedRole(signature, path.read_bytes())


def milliseconds(call: Callable[[], object], calls: int) -> float:
    """Return what one of so many calls takes."""
    started = time.perf_counter()
    for _ in range(calls):
        call()
    return 1000 * (time.perf_counter() - started) / calls


def compared(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int
) -> list[tuple[float, float]]:
    """Return milliseconds a call of both, a pair for each round."""
    calls = []
    for call in (ours, theirs):
        call()
        least = min(milliseconds(call, 1) for _ in range(CALIBRATION_CALLS))
        calls.append(max(1, int(1000 * RUN_SECONDS / least)))
    return [(milliseconds(ours, calls[0]), milliseconds(theirs, calls[1])) for _ in range(rounds)]


def paces(preset: Preset, rounds: int) -> list[Pace]:
    """Return how fast each role of a preset answers."""
    specs, source = suiting(preset)
    network = build(specs.network, source, seed=0)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for role in roles_of(specs.network, network, source):
            graph, serve = loaded(role, Path(folder)), serving_function(role)
            for batch in BATCHES:
                inputs = dict(role.examples(rows_of(source, batch)))
                pairs = compared(lambda: graph.run(inputs), lambda: serve(inputs), rounds)  # noqa: B023
                ours, theirs = map(statistics.median, zip(*pairs, strict=True))
                ratio = statistics.median(mine / other for mine, other in pairs)
                found.append(Pace(role.name, batch, ours, theirs, ratio))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures there too")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each (default 5)")
    parser.add_argument("--only", choices=PRESETS, help="only this preset")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    claims, figures = [], {}
    for name, preset in PRESETS.items():
        if options.only not in (None, name):
            continue
        found = paces(preset, options.rounds)
        worst = max(found, key=lambda pace: pace.ratio)
        claims.append(Claim(name, TARGET, worst.ratio, str(worst), at_most=True))
        figures[name] = [asdict(pace) for pace in found]
        tf.keras.backend.clear_session()
    reached = show("Time of a graph, as a share of that of tf.function", claims, Console())
    write(options.json, claims, {"rounds": options.rounds, "results": figures})
    sys.exit(not reached)


if __name__ == "__main__":
    main()
