"""The specs of optimizers and of learning-rate schedules. Keras-free."""

from typing import Annotated, Literal

from pydantic import Field

from models.specs.spec import Spec

Rate = Annotated[float, Field(gt=0, le=10)]
Decay = Annotated[float, Field(ge=0, lt=1)]
Factor = Annotated[float, Field(gt=0, le=1)]


class _Schedule(Spec):
    warmup_epochs: float = Field(
        0.0, ge=0, le=1000, description="Epochs in which the rate rises evenly from 0; fractions are allowed."
    )


class ConstantSchedule(_Schedule):
    """The same rate in every step."""

    name: Literal["constant"] = Field("constant", description="The schedule.")


class StepSchedule(_Schedule):
    """The rate is multiplied by `factor` every `every_epochs` epochs."""

    name: Literal["step"] = Field(description="The schedule.")
    factor: Factor = Field(0.5, description="What the rate is multiplied by.")
    every_epochs: int = Field(10, ge=1, le=10_000, description="Epochs between two changes.")


class ExponentialSchedule(_Schedule):
    """The rate falls a little in each step, by `factor` in an epoch."""

    name: Literal["exponential"] = Field(description="The schedule.")
    factor: Factor = Field(0.95, description="What the rate is multiplied by in an epoch.")


class CosineSchedule(_Schedule):
    """The rate falls along half a cosine, from its full value to `final_factor` of it in the last step."""

    name: Literal["cosine"] = Field(description="The schedule.")
    final_factor: float = Field(0.0, ge=0, le=1, description="Share of the rate that the last step has.")


class PlateauSchedule(_Schedule):
    """The rate is multiplied by `factor` when a validation figure has stopped improving."""

    name: Literal["plateau"] = Field(description="The schedule.")
    monitor: Literal["val_loss", "val_accuracy"] = Field("val_loss", description="The figure to watch.")
    factor: float = Field(0.5, gt=0, lt=1, description="What the rate is multiplied by.")
    patience: int = Field(
        3, ge=1, le=10_000, description="Epochs without improvement after which the rate falls."
    )
    min_delta: float = Field(0.0, ge=0, description="Smallest change that counts as an improvement.")
    least_factor: float = Field(
        0.001, ge=0, le=1, description="Share of the first rate below which it does not fall."
    )


Schedule = Annotated[
    ConstantSchedule | StepSchedule | ExponentialSchedule | CosineSchedule | PlateauSchedule,
    Field(discriminator="name"),
]


class _Optimizer(Spec):
    schedule: Schedule = Field(ConstantSchedule(), description="How the learning rate changes.")


class SgdSpec(_Optimizer):
    """Stochastic gradient descent, with momentum if asked for."""

    name: Literal["sgd"] = Field(description="The optimizer.")
    learning_rate: Rate = Field(0.01, description="Learning rate.")
    momentum: Decay = Field(0.0, description="Share of the last update that is kept.")
    nesterov: bool = Field(False, description="Use Nesterov's momentum.")


class AdamSpec(_Optimizer):
    """Adam."""

    name: Literal["adam"] = Field("adam", description="The optimizer.")
    learning_rate: Rate = Field(0.001, description="Learning rate.")
    beta_1: Decay = Field(0.9, description="Decay of the mean of the gradients.")
    beta_2: Decay = Field(0.999, description="Decay of the mean of their squares.")
    epsilon: float = Field(1e-7, gt=0, le=1, description="Added to the divisor.")


class AdamWSpec(_Optimizer):
    """Adam with weight decay that the gradients' averages do not touch."""

    name: Literal["adamw"] = Field(description="The optimizer.")
    learning_rate: Rate = Field(0.001, description="Learning rate.")
    weight_decay: float = Field(
        0.004, ge=0, le=1, description="Share of each weight that is taken off in a step, times the rate."
    )
    beta_1: Decay = Field(0.9, description="Decay of the mean of the gradients.")
    beta_2: Decay = Field(0.999, description="Decay of the mean of their squares.")
    epsilon: float = Field(1e-7, gt=0, le=1, description="Added to the divisor.")


class RmspropSpec(_Optimizer):
    """RMSprop."""

    name: Literal["rmsprop"] = Field(description="The optimizer.")
    learning_rate: Rate = Field(0.001, description="Learning rate.")
    rho: Decay = Field(0.9, description="Decay of the mean of the squared gradients.")
    momentum: Decay = Field(0.0, description="Share of the last update that is kept.")


Optimizer = Annotated[SgdSpec | AdamSpec | AdamWSpec | RmspropSpec, Field(discriminator="name")]
