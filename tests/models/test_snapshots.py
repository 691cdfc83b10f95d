from pathlib import Path

import keras
import numpy as np
import pytest

from models.lesson import TrainingData
from models.presets import Resolved, resolve
from models.registry import build
from models.rows import Rows
from models.schema import DatasetSchema, ImageSchema, TextSchema, input_of
from models.snapshots import Snapshots, epochs_of, snapshots_of
from models.statistics import neutral
from models.training import TrainingOutcome, train

IMAGES = DatasetSchema(
    rows=40,
    test_rows=0,
    shape=(8, 8, 1),
    dtype="uint8",
    labels=["a", "b", "c"],
    image=ImageSchema(low=0, high=16, background=0),
)
VOCABULARY = ["", "\ufffd", "a", "b", "c"]
TEXTS = DatasetSchema(
    kind="text",
    rows=40,
    test_rows=0,
    shape=(9,),
    dtype="int32",
    text=TextSchema(tokens="character", vocabulary=5),
)
GAN = {"family": "gan", "latent": 4, "conditional": True, "generator": [8], "discriminator": [8]}
VAE = {"family": "autoencoder", "dense": [8], "latent": 2, "variational": True, "loss": "bce"}
WRITER = {"family": "text_generator", "embedding_size": 4, "units": [8]}


def rows_of(schema: DatasetSchema) -> Rows:
    generator = np.random.default_rng(0)
    x = generator.integers(2, 5, (40, *schema.shape)).astype(schema.dtype)
    numbers, none = np.arange(40), np.array([], np.int64)
    return Rows(x, np.arange(40) % 3, numbers[:32], numbers[32:], none)


def trained(
    fields: dict, schema: DatasetSchema, *, watched: bool = True
) -> tuple[Resolved, keras.Model, Snapshots | None, TrainingOutcome]:
    source, rows = input_of(schema), rows_of(schema)
    specs = resolve(fields, {"epochs": 3, "batch_size": 8}, source)
    network = build(specs.network, source, seed=0)
    looking = snapshots_of(
        specs.network, network, specs.training, schema=schema, rows=rows, vocabulary=VOCABULARY
    )
    data = TrainingData(rows.x, rows.y, rows.training, rows.validation, source, neutral(source))
    outcome = train(
        network,
        specs.network,
        specs.training,
        data,
        report=lambda kind, figures: None,
        should_stop=lambda: False,
        watch=looking.watch if looking and watched else None,
    )
    return specs, network, looking, outcome


@pytest.mark.parametrize(
    ("epochs", "most", "looked_at"),
    [(1, 12, [1]), (3, 12, [1, 2, 3]), (150, 6, [1, 3, 7, 20, 55, 150])],
)
def test_the_first_and_the_last_epoch_are_looked_at_and_more_of_the_earlier(
    epochs: int, most: int, looked_at: list[int]
) -> None:
    assert sorted(epochs_of(epochs, most)) == looked_at


@pytest.mark.parametrize("fields", [GAN, VAE], ids=["gan", "vae"])
def test_rows_are_made_from_the_same_latents_after_each_epoch(fields: dict) -> None:
    specs, network, snapshots, _ = trained(fields, IMAGES)
    assert snapshots is not None
    assert sorted(snapshots.taken) == [1, 2, 3]
    first, last = snapshots.taken[1], snapshots.taken[3]
    assert isinstance(first, np.ndarray)
    assert first.shape == ((30 if fields is GAN else 80), 8, 8, 1)
    assert not np.array_equal(first, last)
    if fields is GAN:
        # Of two players the last weights are kept, so the network still makes what it made then.
        again = snapshots_of(
            specs.network,
            network,
            specs.training,
            schema=IMAGES,
            rows=rows_of(IMAGES),
            vocabulary=[],
        )
        assert again is not None
        assert np.array_equal(again.make(), last)


def test_a_text_goes_on_from_the_first_words_of_a_training_row() -> None:
    _, _, snapshots, _ = trained(WRITER, TEXTS)
    assert snapshots is not None
    assert sorted(snapshots.taken) == [1, 2, 3]
    prompt = "".join(VOCABULARY[place] for place in rows_of(TEXTS).x[0])
    for text in snapshots.taken.values():
        assert isinstance(text, str)
        assert text.startswith(prompt)
        assert len(text) == len(prompt) + 120


@pytest.mark.parametrize(("fields", "schema"), [(VAE, IMAGES), (WRITER, TEXTS)], ids=["vae", "writer"])
def test_to_be_looked_at_changes_nothing(fields: dict, schema: DatasetSchema) -> None:
    _, watched, _, outcome = trained(fields, schema)
    _, alone, _, own = trained(fields, schema, watched=False)
    assert [each["metrics"] for each in outcome.epochs] == [each["metrics"] for each in own.epochs]
    for weight, other in zip(watched.get_weights(), alone.get_weights(), strict=True):
        assert np.array_equal(weight, other)


def test_what_makes_nothing_up_is_not_looked_at(tmp_path: Path) -> None:
    _, _, snapshots, _ = trained({"family": "mlp", "dense": [4]}, vectors())
    assert snapshots is None


def vectors() -> DatasetSchema:
    return DatasetSchema(
        kind="vectors", rows=40, test_rows=0, shape=(5,), dtype="float32", labels=["a", "b", "c"]
    )
