"""What a network makes up after some epochs, always from the same latents or from the same first words."""

from collections.abc import Callable
from dataclasses import dataclass, field

import keras
import numpy as np

from models.decoding.text import decode
from models.export import serving_function
from models.generating import continued, first_states, prompts_of
from models.latents import grid_of
from models.loop import Watch
from models.registry import roles_of
from models.reports.report import Made
from models.rows import Rows
from models.schema import DatasetSchema, input_of
from models.specs.autoencoder import AutoencoderSpec
from models.specs.gan import GanSpec
from models.specs.network import NetworkSpec
from models.specs.text_generator import TextGeneratorSpec
from models.specs.training import TrainingSpec
from models.tensor_names import SAMPLE

# So many epochs are looked at: writing takes its time, token by token.
PICTURES, TEXTS = 12, 6
WRITTEN = {"character": 120, "word": 30}
TEMPERATURE = 0.5
_STREAM = 11


@dataclass
class Snapshots:
    """What was made after each epoch that was looked at, by its number from 1."""

    make: Callable[[], Made]
    watched: frozenset[int]
    taken: dict[int, Made] = field(default_factory=dict)

    @property
    def watch(self) -> Watch:
        """Who is to look at the network in training."""
        return Watch(self.watched, self._take, self.taken)

    def _take(self, epoch: int) -> None:
        self.taken[epoch] = self.make()


def snapshots_of(
    spec: NetworkSpec,
    network: keras.Model,
    training: TrainingSpec,
    *,
    schema: DatasetSchema,
    rows: Rows,
    vocabulary: list[str],
) -> Snapshots | None:
    """Return what is to look at a network that makes things up; None for any other."""
    match spec:
        case GanSpec() | AutoencoderSpec(variational=True):
            return Snapshots(_rows(spec, network, training, schema), epochs_of(training.epochs, PICTURES))
        case TextGeneratorSpec():
            assert schema.text is not None, "what generates text learns from text"
            prompts = prompts_of(rows.read(rows.training[:1]), schema.text)
            write = _text(spec, network, training, schema=schema, prompts=prompts, vocabulary=vocabulary)
            return Snapshots(write, epochs_of(training.epochs, TEXTS))
        case _:
            return None


def epochs_of(epochs: int, most: int) -> frozenset[int]:
    """Return which epochs are looked at: the first, the last, and more of the earlier, where more changes."""
    return frozenset(np.geomspace(1, epochs, most).round().astype(int).tolist())


def _rows(
    spec: GanSpec | AutoencoderSpec, network: keras.Model, training: TrainingSpec, schema: DatasetSchema
) -> Callable[[], np.ndarray]:
    (role,) = (each for each in roles_of(spec, network, input_of(schema)) if each.name == "sample")
    serve = serving_function(role)
    classes = len(schema.labels) if isinstance(spec, GanSpec) and spec.conditional else None
    grid = grid_of(spec.latent, classes, training.seed)
    return lambda: serve(grid.inputs)[SAMPLE]


def _text(
    spec: TextGeneratorSpec,
    network: keras.Model,
    training: TrainingSpec,
    *,
    schema: DatasetSchema,
    prompts: np.ndarray,
    vocabulary: list[str],
) -> Callable[[], str]:
    text = schema.text
    assert text is not None
    (role,) = roles_of(spec, network, input_of(schema))
    serve, states = serving_function(role), first_states(role.inputs, len(prompts))

    def write() -> str:
        written = continued(
            serve,
            prompts,
            states,
            count=WRITTEN[text.tokens],
            temperatures=np.full(len(prompts), TEMPERATURE),
            generator=np.random.Generator(np.random.Philox(key=[training.seed, _STREAM])),
        )
        return decode([*prompts[0], *written[0]], vocabulary, text)

    return write
