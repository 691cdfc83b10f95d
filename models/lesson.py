"""What a family needs to say how its network learns."""

from dataclasses import dataclass

import keras
import numpy as np

from models.mixing import Mixer
from models.optimizers import Update
from models.schema import InputSchema
from models.specs.training import TrainingSpec
from models.statistics import Statistics


@dataclass(frozen=True)
class TrainingData:
    """``x`` of shape ``[rows, *source.shape]``; ``y``, classes, values, or 0 where rows have no target.

    Row numbers, int64, of either purpose, and the statistics that the network was built with. ``weights`` say
    how much each row counts in the loss, ``float32[rows]``; None: all alike.
    """

    x: np.ndarray
    y: np.ndarray
    train_rows: np.ndarray
    validation_rows: np.ndarray
    source: InputSchema
    statistics: Statistics
    weights: np.ndarray | None = None


@dataclass(frozen=True)
class Lesson:
    """A network, the rows to learn from, and the means: an update of weights, and changes of rows if any.

    The augmenter changes each row by itself, the mixer mixes rows and their classes.
    """

    network: keras.Model
    training: TrainingSpec
    data: TrainingData
    update: Update
    augmenter: keras.Model | None
    mixer: Mixer | None = None
