"""Programs that train the same network on the same rows: one as a job does, one as people write it in Keras.

python -m benchmarks.candidates CANDIDATE PRESET ROUNDS
"""

import os
import sys
from typing import Any

import numpy as np

from benchmarks.cases import CASES, Case
from benchmarks.contest import Rounds


def keraforge(case: Case, number: int) -> None:
    """The train loop as a job runs it."""
    from models.lesson import TrainingData
    from models.registry import build
    from models.statistics import measure
    from models.training import configure, train

    resolved, rounds = case.resolved(number), Rounds()
    x, y = case.drawn()
    configure(os.cpu_count() or 1, resolved.network, resolved.training, case.source, rows=len(x))
    rows = np.arange(len(x))
    data = TrainingData(x, y, rows, rows[:0], case.source, measure(x, y, rows, case.source))

    def report(kind: str, figures: dict[str, Any]) -> None:
        if kind == "epoch" and figures["epoch"] % case.epochs == 0:
            rounds.end(figures["metrics"].get(case.figure, float("nan")))

    network = build(resolved.network, case.source, data.statistics, seed=0)
    train(network, resolved.network, resolved.training, data, report=report, should_stop=lambda: False)


def plain(case: Case, number: int) -> None:
    """A plain Keras script: compile and ``fit``, with the machine's default threads."""
    import keras

    from models.registry import build
    from models.statistics import measure

    resolved, rounds = case.resolved(number), Rounds()
    x, y = case.drawn()
    network = build(resolved.network, case.source, measure(x, y, np.arange(len(x)), case.source), seed=0)
    optimizer = _optimizer(resolved.training.optimizer)
    if case.figure == "loss":
        # People scale rows beforehand and then fit them to themselves.
        x = y = network.get_layer("scaler")(x).numpy()
        network = keras.Sequential([network.get_layer("encoder"), network.get_layer("decoder")])
        network.compile(optimizer=optimizer, loss="mse")
    else:
        network.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])

    def ended(epoch: int, logs: dict[str, float]) -> None:
        if (epoch + 1) % case.epochs == 0:
            rounds.end(logs[case.figure])

    network.fit(
        x,
        y,
        batch_size=resolved.training.batch_size,
        epochs=resolved.training.epochs,
        shuffle=True,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=ended)],
    )


def textbook(case: Case, number: int) -> None:
    """The loop that textbooks print for a GAN: ``predict`` and three times ``train_on_batch``."""
    import keras

    from models.registry import build
    from models.statistics import neutral

    resolved, rounds = case.resolved(number), Rounds()
    x, _ = case.drawn()
    x = (x - x.mean()) / (3 * x.std())
    network = build(resolved.network, case.source, neutral(case.source), seed=0)
    generator, discriminator = network.get_layer("generator"), network.get_layer("discriminator")
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    batch, latent = resolved.training.batch_size, resolved.network.latent
    real, made = np.ones((batch, 1)), np.zeros((batch, 1))
    chance = np.random.default_rng(0)
    discriminator.compile(optimizer=_optimizer(resolved.training.optimizer), loss=loss)
    # Keras looks at what is trainable when it trains first.
    discriminator.train_on_batch(x[:batch], real)
    discriminator.trainable = False
    both = keras.Sequential([generator, discriminator])
    both.compile(optimizer=_optimizer(resolved.training.optimizer), loss=loss)
    while True:
        order = chance.permutation(len(x))
        for start in range(0, len(x), batch):
            noise = chance.normal(size=(batch, latent)).astype(np.float32)
            discriminator.train_on_batch(x[order[start : start + batch]], real)
            discriminator.train_on_batch(generator.predict(noise, verbose=0), made)
            both.train_on_batch(chance.normal(size=(batch, latent)).astype(np.float32), real)
        rounds.end()


def _optimizer(spec: Any) -> Any:
    import keras

    if spec.name == "sgd":
        return keras.optimizers.SGD(spec.learning_rate, spec.momentum)
    return keras.optimizers.Adam(spec.learning_rate, spec.beta_1)


CANDIDATES = {"keraforge": keraforge, "plain": plain, "textbook": textbook}

if __name__ == "__main__":
    CANDIDATES[sys.argv[1]](CASES[sys.argv[2]], int(sys.argv[3]))
