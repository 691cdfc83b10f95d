"""Whether a training step is compiled with XLA: a fixed rule, since it changes the bits."""

import tensorflow as tf

from models.outline import outline
from models.schema import InputSchema
from models.specs.gan import GanSpec
from models.specs.mlp import MlpSpec
from models.specs.network import NetworkSpec
from models.specs.training import TrainingSpec

# Below so many multiplications in a whole training, compiling takes longer than it saves.
WORTH_COMPILING = 50_000_000_000


def uses_xla(spec: NetworkSpec, training: TrainingSpec, source: InputSchema, rows: int) -> bool:
    """Return whether to compile the training of a network on so many ``rows``.

    On a GPU Keras compiles by default, and so do we. On CPU XLA made dense layers twice as fast, but
    convolutions ten times slower and random layers five times. It knows neither the operations that turn,
    move and zoom images nor deterministic ones.
    """
    if not _may_compile(training):
        return False
    if training.xla == "on" or tf.config.list_physical_devices("GPU"):
        return True
    return _is_worth_compiling(spec, training, source, rows)


def packs_weights(spec: NetworkSpec, training: TrainingSpec, source: InputSchema, rows: int) -> bool:
    """Return whether the weights are packed into one vector: not where XLA fuses their update anyway.

    The device has no say in this, for a checkpoint may be taken up on another.
    """
    return not (_may_compile(training) and _is_worth_compiling(spec, training, source, rows))


def _may_compile(training: TrainingSpec) -> bool:
    return training.xla != "off" and training.determinism != "strict" and not training.augmentation


def _is_worth_compiling(spec: NetworkSpec, training: TrainingSpec, source: InputSchema, rows: int) -> bool:
    if not _is_dense(spec):
        return False
    parameters = outline(spec, source, training.batch_size).parameters
    return parameters * rows * training.epochs >= WORTH_COMPILING


def _is_dense(spec: NetworkSpec) -> bool:
    """Tell whether a network is of dense layers alone, none of which drops values at random."""
    match spec:
        case MlpSpec():
            return not spec.dropout and not any(block.dropout for block in spec.dense)
        case GanSpec():
            return not spec.filters and not spec.dropout
        case _:
            return False
