"""How two players learn against each other: in one traced step, each with an optimizer of its own.

The generator makes rows up from latents, and the discriminator scores rows, real ones higher; rows of both
are in -1..1. Random numbers come from the seed and the number of the step, so that runs repeat bit for bit.
"""

import math
from typing import Any

import tensorflow as tf

from models.adversarial_losses import discriminator_loss, generator_loss, gradient_penalty
from models.gan import symmetric_scale
from models.lesson import Lesson
from models.optimizers import Moment, Update, rate_of, update_of
from models.scopes import others_of, scope_of
from models.specs.gan import GanSpec
from models.specs.optimizers import Optimizer
from models.state import Packing, State, Tensors
from models.step import Batch, Learning, Sums, sums_of
from models.tensor_names import PLAYERS

# What random numbers are for; each purpose has a stream of its own in each step. Steps count from 0, so that
# of the score is no step's.
_STREAMS = 3
_FOR_DISCRIMINATOR, _FOR_GENERATOR, _BETWEEN = range(_STREAMS)
_SCORE_STEP = -1
_GENERATOR, _DISCRIMINATOR = range(2)


def adversarial(spec: GanSpec, lesson: Lesson) -> Learning:
    """Return how both players learn; the generator, in every ``critic_steps``-th step.

    Figures: the losses of both, and the variance of made rows as a share of that of real rows: near 0 the
    generator has collapsed to a few rows.
    """
    game = _Game(spec, lesson)
    # AutoGraph would rewrite Keras' own code too, slowly and for nothing.
    step, score = map(tf.autograph.experimental.do_not_convert, (game.step, game.score))
    return Learning(PLAYERS, step, score, game.packing, game.slots)


class _Game:
    def __init__(self, spec: GanSpec, lesson: Lesson) -> None:
        self._spec, self._network, self._augmenter = spec, lesson.network, lesson.augmenter
        self._generator, self._discriminator = map(self._network.get_layer, ("generator", "discriminator"))
        scale = symmetric_scale(lesson.data.source, lesson.data.statistics)
        self._middle, self._half = tf.constant(scale.means), tf.constant(scale.deviations)
        self._seed = lesson.training.seed
        self.packing = Packing(self._generator.trainable_variables, self._discriminator.trainable_variables)
        self._updates = (
            _update(spec.generator_optimizer, lesson, spec.critic_steps),
            _update(spec.discriminator_optimizer, lesson, 1),
        )
        self.slots = max(update.slots for update in self._updates)

    def step(self, state: State, x: tf.Tensor, y: tf.Tensor) -> tuple[State, Sums]:
        augmentation = state.augmentation
        if self._augmenter is not None:
            x, augmentation = self._augmenter.stateless_call([], augmentation, x, training=True)
        state = state._replace(augmentation=augmentation)
        batch = Batch(self._scaled(x), y, state.step)
        state, made, scores, lost = self._criticise(state, batch)
        turns = self._spec.critic_steps
        if turns == 1:
            state, loss = self._make(state, batch)
        else:
            state, loss = tf.cond(
                tf.equal((batch.step + 1) % turns, 0),
                lambda: self._make(state, batch),
                lambda: (state, generator_loss(self._spec, scores)),
            )
        sums = sums_of(tf.shape(x)[0], loss, lost, _spread(made, batch.x))
        return state._replace(step=state.step + 1), sums

    def score(self, state: State, x: tf.Tensor, y: tf.Tensor) -> Sums:
        batch = Batch(self._scaled(x), y, tf.constant(_SCORE_STEP, tf.int64))
        with scope_of(self._network, self.packing.unpack(state.weights), state.others):
            made = self._made(batch, _FOR_GENERATOR, training=False)
            real_scores = self._scores(batch.x, y, training=False)
            scores = self._scores(made, y, training=False)
        loss, lost = generator_loss(self._spec, scores), discriminator_loss(self._spec, real_scores, scores)
        return sums_of(tf.shape(x)[0], loss, lost, _spread(made, batch.x))

    def _criticise(self, state: State, batch: Batch) -> tuple[State, tf.Tensor, tf.Tensor, tf.Tensor]:
        """Let the discriminator learn; return the made rows too, their scores, and its loss."""
        with scope_of(self._network, self.packing.unpack(state.weights), state.others) as scope:
            made = self._made(batch, _FOR_DISCRIMINATOR, training=True)
        state = state._replace(others=others_of(self._network, scope))
        watched = self.packing.groups(state.weights)[_DISCRIMINATOR]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(watched)
            weights = self.packing.unpack(state.weights)
            with scope_of(self._network, weights, state.others) as scope:
                # Both kinds of rows at once: there is nothing in the discriminator that mixes rows.
                both = self._scores(
                    tf.concat([batch.x, made], 0), tf.concat([batch.y, batch.y], 0), training=True
                )
                real_scores, scores = tf.split(both, 2)
                lost = discriminator_loss(self._spec, real_scores, scores)
                aim = lost + self._penalty(batch, made)
        state = state._replace(others=others_of(self._network, scope))
        return self._moved(state, _DISCRIMINATOR, tape.gradient(aim, watched), batch.step), made, scores, lost

    def _make(self, state: State, batch: Batch) -> tuple[State, tf.Tensor]:
        """Let the generator learn; return its loss too."""
        watched = self.packing.groups(state.weights)[_GENERATOR]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(watched)
            weights = self.packing.unpack(state.weights)
            with scope_of(self._network, weights, state.others) as scope:
                made = self._made(batch, _FOR_GENERATOR, training=True)
                loss = generator_loss(self._spec, self._scores(made, batch.y, training=True))
        state = state._replace(others=others_of(self._network, scope))
        turn = batch.step // self._spec.critic_steps
        return self._moved(state, _GENERATOR, tape.gradient(loss, watched), turn), loss

    def _moved(self, state: State, player: int, gradients: Tensors, turn: tf.Tensor) -> State:
        """Return the state after one player's optimizer has moved its weights."""
        update = self._updates[player]
        weights = self.packing.groups(state.weights)
        slots = [self.packing.groups(each) for each in state.slots]
        own = [each[player] for each in slots[: update.slots]]
        weights[player], own = update.apply(weights[player], gradients, own, Moment(turn))
        for each, moved in zip(slots, own, strict=False):
            each[player] = moved
        return state._replace(weights=_joined(weights), slots=[_joined(each) for each in slots])

    def _penalty(self, batch: Batch, made: tf.Tensor) -> tf.Tensor | float:
        if self._spec.loss != "wgan_gp":
            return 0.0
        share = tf.random.stateless_uniform(
            [tf.shape(made)[0], *[1] * (len(made.shape) - 1)], self._stream(batch, _BETWEEN)
        )
        points = batch.x + share * (made - batch.x)
        return self._spec.gradient_penalty * gradient_penalty(
            lambda rows: self._scores(rows, batch.y, training=True), points
        )

    def _made(self, batch: Batch, purpose: int, *, training: bool) -> tf.Tensor:
        count = [tf.shape(batch.x)[0], self._spec.latent]
        latents = tf.random.stateless_normal(count, self._stream(batch, purpose))
        return self._generator(self._with_label(latents, batch.y), training=training)

    def _scores(self, rows: tf.Tensor, y: tf.Tensor, *, training: bool) -> tf.Tensor:
        return self._discriminator(self._with_label(rows, y), training=training)

    def _with_label(self, tensor: tf.Tensor, y: tf.Tensor) -> Any:
        return [tensor, tf.cast(y, tf.int32)] if self._spec.conditional else tensor

    def _stream(self, batch: Batch, purpose: int) -> list[tf.Tensor]:
        return [tf.constant(self._seed, tf.int64), batch.step * _STREAMS + purpose]

    def _scaled(self, x: tf.Tensor) -> tf.Tensor:
        """Return rows in -1..1; a missing number as the middle."""
        scaled = (x - self._middle) / self._half
        return tf.where(tf.math.is_nan(scaled), tf.zeros_like(scaled), scaled)


def _update(own: Optimizer | None, lesson: Lesson, every: int) -> Update:
    """Return the update of a player that has a turn in every so many steps."""
    if own is None and every == 1:
        return lesson.update
    training = lesson.training
    steps = math.ceil(len(lesson.data.train_rows) / training.batch_size)
    optimizer = own or training.optimizer
    rate = rate_of(optimizer, max(1, steps // every), training.epochs)
    return update_of(optimizer, rate, training.clip_norm, training.clip_value)


def _joined(groups: list[Tensors]) -> Tensors:
    return [tensor for group in groups for tensor in group]


def _spread(made: tf.Tensor, real: tf.Tensor) -> tf.Tensor:
    """Return the mean variance of a value of made rows as a share of that of real rows."""
    variances = [tf.reduce_mean(tf.math.reduce_variance(rows, 0)) for rows in (made, real)]
    return tf.math.divide_no_nan(*variances)
