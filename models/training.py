"""Training: a network, its spec and its rows in, the best weights out."""

from collections.abc import Callable
from contextlib import nullcontext

import keras
import tensorflow as tf

from models.compiling import uses_xla
from models.fusing import fused
from models.gangs import Alone
from models.keeper import Keeper, Report
from models.lesson import TrainingData
from models.loop import ALONE, Company, Loop, TrainingOutcome, Watch
from models.precision import mixed_precision, uses_mixed_precision
from models.replicas import split_processor
from models.schema import InputSchema
from models.specs.network import NetworkSpec
from models.specs.training import TrainingSpec
from models.threads import threads_for


def configure(
    threads: int,
    spec: NetworkSpec,
    training: TrainingSpec,
    source: InputSchema,
    keeper: Keeper | None = None,
    *,
    rows: int,
) -> None:
    """Fix what decides bits, before any operation has run: threads and deterministic operations.

    It will learn from so many ``rows``. A training that goes on has the threads that it began with.
    """
    compiled = uses_xla(spec, training, source, rows)
    chosen = {"threads": list(threads_for(spec, source, training.batch_size, threads, compiled=compiled))}
    if keeper is not None:
        chosen = keeper.chosen(chosen)
    within, across = chosen["threads"]
    tf.config.threading.set_intra_op_parallelism_threads(within)
    tf.config.threading.set_inter_op_parallelism_threads(across)
    split_processor(training.devices)
    if training.determinism == "strict":
        tf.config.experimental.enable_op_determinism()


def train(
    network: keras.Model,
    spec: NetworkSpec,
    training: TrainingSpec,
    data: TrainingData,
    *,
    report: Report,
    should_stop: Callable[[], bool],
    should_leave: Callable[[], bool] = lambda: False,
    watch: Watch | None = None,
    keeper: Keeper | None = None,
    gang: Alone = ALONE,
) -> TrainingOutcome:
    """Train a network and leave it with its best weights: those of the lowest validation loss, or the last.

    Calls ``report("epoch" | "progress" | "checkpoint" | "log", figures)``. Goes on from the newest checkpoint
    of the keeper, tells so by ``"resumed"``, and then tells of the earlier epochs again. When it should stop
    it ends with what it has, after one step at the least. Raises :class:`models.loop.Diverged`, and
    :class:`models.loop.Left` when it should leave.
    """
    company = Company(report, should_stop, should_leave, watch, keeper, gang)
    precision = mixed_precision(network) if uses_mixed_precision(spec, training) else nullcontext()
    compiled = uses_xla(spec, training, data.source, len(data.train_rows))
    with precision, fused(network, training.batch_size, xla=compiled):
        return Loop(network, spec, training, data, company).run()
