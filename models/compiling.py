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
    move and zoom images nor deterministic ones, and cannot compile what several devices do together.
    """
    if (
        training.devices * training.slots > 1
        or training.xla == "off"
        or training.determinism == "strict"
        or training.augmentation
    ):
        return False
    if training.xla == "on" or tf.config.list_physical_devices("GPU"):
        return True
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
