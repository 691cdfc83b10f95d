"""What hangs in the gallery: a preset, the dataset it learns from, and the figure that it must reach."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Question = Literal["predict", "reconstruct", "samples", "generate"]


@dataclass(frozen=True)
class Exhibit:
    """One row of the table.

    ``figure`` is the metric that is shown, ``wanted`` its bound: at least or, with ``lower``, at most.
    ``seconds`` bounds the whole job. ``question`` is what the version is asked to time it, ``picture`` the
    file of its artifact that is kept.
    """

    preset: str
    dataset: str
    figure: str = "accuracy"
    wanted: float | None = None
    lower: bool = False
    seconds: float | None = None
    question: Question = "predict"
    picture: str = "curves.png"
    network: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""

    def missed(self, figure: float, seconds: float) -> str | None:
        """Return what is not as it must be, if anything."""
        if self.wanted is not None and (figure > self.wanted if self.lower else figure < self.wanted):
            return f"{self.model}: {self.figure} {figure:.4f}, wanted {self.wanted}"
        if self.seconds is not None and seconds > self.seconds:
            return f"{self.model}: {seconds:.0f} s, wanted {self.seconds:.0f}"
        return None

    @property
    def model(self) -> str:
        """The name that its versions are published under."""
        return self.name or f"{self.preset}-{self.dataset}"


_FOLDS = {"cross_validation": {"folds": 5, "seeds": 3}}
# Networks that were drawn for 60,000 digits learn more of these 1,437 when they are moved about.
_FEW_DIGITS = {
    "epochs": 25,
    "batch_size": 32,
    "optimizer": {"name": "adam", "learning_rate": 0.002, "schedule": {"name": "cosine"}},
    "augmentation": [{"name": "translation", "factor": 0.08}],
}
_SHORT_TABLE = {"epochs": 40, "early_stopping": None}


def _classifier(preset: str, dataset: str, wanted: float | None = None, **rest: Any) -> Exhibit:
    return Exhibit(preset, dataset, wanted=wanted, picture="confusion.png", **rest)


EXHIBITS = (
    _classifier("cnn-small", "digits", 0.97),
    _classifier("cnn-basic", "digits", 0.97, training=_FEW_DIGITS),
    _classifier("cnn-shallow", "digits", 0.97, training=_FEW_DIGITS),
    _classifier("cnn-mnist", "digits", 0.97, training={"epochs": 20, "batch_size": 32}),
    _classifier("cnn-modern", "digits", 0.97),
    _classifier("resnet-mini", "digits", 0.97),
    _classifier("mlp-mnist", "digits-28", 0.95),
    _classifier("tabular-small", "iris"),
    _classifier("tabular-small", "wine", 0.96, figure="cv_accuracy", training=_FOLDS | _SHORT_TABLE),
    _classifier("tabular-small", "breast-cancer", 0.96, figure="cv_accuracy", training=_FOLDS | _SHORT_TABLE),
    Exhibit("tabular-small", "diabetes", figure="r2", picture="residuals.png"),
    _classifier("lstm-sequence", "digits", 0.93, training={"epochs": 60}),
    _classifier("conv1d-series", "waves"),
    Exhibit("lstm-sequence", "series", figure="rmse", picture="forecasts.png"),
    _classifier("lstm-text", "grammar", 0.9),
    _classifier("gru-text", "grammar", 0.9),
    _classifier("bilstm-text", "grammar", 0.9),
    _classifier("attention-lstm-text", "grammar", 0.9),
    _classifier("transformer-mini", "grammar", 0.9),
    Exhibit("char-lstm", "manual", figure="bits_per_character", lower=True, question="generate"),
    Exhibit(
        "char-gru",
        "manual",
        figure="bits_per_character",
        lower=True,
        question="generate",
        training={"epochs": 10},
    ),
    Exhibit(
        "dense-autoencoder", "digits", figure="mse", question="reconstruct", picture="reconstructions.png"
    ),
    Exhibit(
        "conv-autoencoder", "digits", figure="mse", question="reconstruct", picture="reconstructions.png"
    ),
    Exhibit("vae", "digits", figure="mse", question="samples", picture="codes.png"),
    Exhibit("dense-gan", "digits", figure="frechet_distance", question="samples", picture="samples.png"),
    Exhibit("dcgan", "digits", figure="frechet_distance", question="samples", picture="samples.png"),
    Exhibit(
        "conditional-dcgan",
        "digits",
        figure="frechet_distance",
        question="samples",
        picture="samples.png",
    ),
)
