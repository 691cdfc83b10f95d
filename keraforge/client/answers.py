"""What a model version answers, as immutable values; what this client does not know stays in ``raw``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from keraforge.client.records import Record

Invert = Literal["auto", "yes", "no"]


@dataclass(frozen=True, kw_only=True)
class Likely(Record):
    """A class, or a token that comes next, and how probable it is."""

    label: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class Prediction(Record):
    """The answer for one row.

    A class, with the ``probabilities`` in the order of the model's labels, or with the most probable ones
    as ``top``; or one ``value``, or several ``values``. ``attention`` is there if it was asked for.
    """

    label: str | None = None
    probability: float | None = None
    probabilities: list[float] = field(default_factory=list)
    top: list[Likely] = field(default_factory=list)
    value: float | None = None
    values: list[float] = field(default_factory=list)
    attention: list[Any] | None = None
    nested: ClassVar = {"top": Likely}


@dataclass(frozen=True, kw_only=True)
class Answer(Record):
    """An answer, and which version gave it."""

    model: str
    version: int
    job: str


@dataclass(frozen=True, kw_only=True)
class OfRows(Answer):
    """An answer about rows; ``files`` names the picture of each, where they came in an archive."""

    files: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Predictions(OfRows):
    """The answers for all rows of one request."""

    labels: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    predictions: list[Prediction]
    nested: ClassVar = {"predictions": Prediction}


@dataclass(frozen=True, kw_only=True)
class Codes(OfRows):
    """One code for each row."""

    codes: list[list[float]]


@dataclass(frozen=True, kw_only=True)
class Reconstructions(OfRows):
    """One row for each row or code; ``errors``, where rows were sent, say how far each is from it."""

    reconstructions: list[Any]
    errors: list[float] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Anomaly(Record):
    """Whether a row is further from its reconstruction than the threshold."""

    score: float
    threshold: float
    is_anomaly: bool


@dataclass(frozen=True, kw_only=True)
class Anomalies(OfRows):
    """One verdict for each row."""

    anomalies: list[Anomaly]
    nested: ClassVar = {"anomalies": Anomaly}


@dataclass(frozen=True, kw_only=True)
class Samples(Answer):
    """New rows; the same ``seed``, or the same ``latent``, makes them again."""

    samples: list[Any]
    seed: int
    latent: list[list[float]]
    label: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Text(Answer):
    """A text that continues a prompt; ``finish_reason`` is ``stop`` or ``length``."""

    text: str
    finish_reason: str
    seed: int
    usage: Mapping[str, int] = field(default_factory=dict)
