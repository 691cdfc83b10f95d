"""The spec of how a network is trained, whatever its family. Keras-free."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from models.specs.augmentations import Augmentation
from models.specs.optimizers import AdamSpec, Optimizer
from models.specs.spec import Spec

MAX_SEED = 2**31 - 1


class EarlyStopping(Spec):
    """End the training when a validation figure no longer improves."""

    monitor: Literal["val_loss", "val_accuracy"] = Field("val_loss", description="The figure to watch.")
    patience: int = Field(
        3, ge=1, le=10_000, description="Epochs without improvement after which training ends."
    )
    min_delta: float = Field(0.0, ge=0, description="Smallest change that counts as an improvement.")


def _class_weight_form(value: Any) -> str:
    return "balanced" if isinstance(value, str) else "weights"


Weight = Annotated[float, Field(ge=0, le=1e6)]
ClassWeight = Annotated[
    Annotated[Literal["balanced"], Tag("balanced")] | Annotated[dict[str, Weight], Tag("weights")],
    Discriminator(_class_weight_form),
]


class CrossValidation(Spec):
    """Train once more for each part of the training rows and each seed, and measure on the part left out."""

    folds: int = Field(5, ge=2, le=20, description="Parts of the training rows, each left out once.")
    seeds: int = Field(
        1, ge=1, le=10, description="Times that all this is repeated, each with a seed of its own."
    )
    ensemble: bool = Field(
        False,
        description="Publish all these networks as one that answers with the mean of their answers.",
    )


class TrainingSpec(Spec):
    """How a network is trained."""

    epochs: int = Field(10, ge=1, le=10_000, description="Passes over the training rows.")
    batch_size: int = Field(64, ge=1, le=8192, description="Rows in one optimizer step.")
    optimizer: Optimizer = Field(AdamSpec(), description="Optimizer, by `name`, with its learning rate.")
    clip_norm: float | None = Field(
        None, gt=0, le=1e6, description="Longest gradient over all weights; a longer one is shortened to it."
    )
    clip_value: float | None = Field(
        None, gt=0, le=1e6, description="Largest number in a gradient, either way; a larger one becomes it."
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="Share of certainty that is spread over all classes in training."
    )
    early_stopping: EarlyStopping | None = Field(
        None, description="End early on a validation figure; null trains all epochs."
    )
    class_weight: ClassWeight | None = Field(
        None,
        description="Weight of each class in the loss: `balanced` (inversely to its frequency), a weight by "
        "label (1 for labels not named), or null.",
    )
    cross_validation: CrossValidation | None = Field(
        None, description="Measure first, on parts of the training rows, how well this trains."
    )
    validation: float = Field(
        0.1, ge=0, le=0.9, description="Share of the training rows kept back for validation."
    )
    normal_labels: tuple[str, ...] | None = Field(
        None,
        strict=False,
        min_length=1,
        max_length=1000,
        description="Labels of rows that are normal (autoencoders): only these train, validate and set the "
        "threshold, and the report tells how well the others are found. Null: all rows are.",
    )
    augmentation: tuple[Augmentation, ...] = Field(
        (), strict=False, max_length=16, description="Random changes of the training images, in order."
    )
    freeze: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(
        (),
        strict=False,
        max_length=64,
        description="How the names of layers begin whose weights stay as they are.",
    )
    devices: int = Field(
        1,
        ge=1,
        le=64,
        description="Devices of one machine that share each batch: GPUs, or cores where there are none.",
    )
    slots: int = Field(
        1,
        ge=1,
        le=64,
        description="Training slots, of any workers, that share each batch, each with its device.",
    )
    seed: int = Field(0, ge=0, le=MAX_SEED, description="Decides weights, order, dropout, augmentation.")
    determinism: Literal["seeded", "strict", "off"] = Field(
        "seeded",
        description="`seeded`: the same order gives the same bits on CPU. `strict`: also on GPU, slower. "
        "`off`: no promise.",
    )
    xla: Literal["auto", "on", "off"] = Field(
        "auto", description="Compile the training step with XLA; `auto` follows the family and the device."
    )
    mixed_precision: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Train with bfloat16 where digits matter least; `auto` does so for convolutions on GPUs "
        "made for it. What is served is float32.",
    )
    max_seconds: float | None = Field(
        None, gt=0, le=31_536_000, description="Longest training time, in seconds; the best network is kept."
    )
