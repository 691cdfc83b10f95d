"""What questions are answered with in JSON, for the documentation; answers are written without these."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """A part of an answer; it has no other members than these."""

    # Built when the documentation is asked for, which keeps the start short.
    model_config = ConfigDict(extra="forbid", defer_build=True)


class Answer(Part):
    """An answer, and which version gave it."""

    model: str = Field(examples=["digits"])
    version: int = Field(examples=[3])
    job: str = Field(
        description="The job that trained the version.", examples=["job_01JZ8Q5R6X9T2V4W7Y0A1B3C5D"]
    )


class OfRows(Answer):
    """An answer about rows that were sent."""

    files: list[str] | None = Field(
        None, description="Of a zip of pictures: the file of each row.", examples=[["a.png", "b.png"]]
    )


class Likely(Part):
    """A class, or a token that comes next, and how probable it is."""

    label: str = Field(examples=["7"])
    probability: float = Field(examples=[0.993])


class Attending(Part):
    """What a row is answered with beside the prediction itself."""

    attention: list[Any] | None = Field(
        None,
        description="With `?attention=true`: the weight of each step, of each head if there are several.",
    )


class Classified(Likely, Attending):
    """The class of a row, and the probabilities of all classes in the order of `labels`."""

    probabilities: list[float] = Field(examples=[[0.003, 0.993, 0.004]])


class Ranked(Likely, Attending):
    """With `?top_k=`, and for the next token of a text: the most probable ones, the best first."""

    top: list[Likely]


class Valued(Attending):
    """The one value of a row."""

    value: float = Field(examples=[24.6])


class ManyValued(Attending):
    """Several values of a row: those of `targets`, or a forecast's next step."""

    values: list[float] = Field(examples=[[24.6, 1.2]])


class Predictions(OfRows):
    """One prediction for each row."""

    labels: list[str] | None = Field(None, description="All classes.", examples=[["1", "7", "9"]])
    targets: list[str] | None = Field(None, description="What the values are.")
    predictions: list[Classified | Ranked | Valued | ManyValued]


class Codes(OfRows):
    """One code for each row."""

    codes: list[list[float]] = Field(examples=[[[0.4, -1.2]]])


class RowsAnswer(Answer):
    """An answer of rows."""

    columns: list[str] | None = Field(None, description="Of a table: what the numbers of a row are.")


class Decoded(RowsAnswer):
    """One row for each code."""

    reconstructions: list[Any] = Field(examples=[[[0.1, 0.9]]])


class Reconstructions(Decoded, OfRows):
    """Each row as the network sees it, and how far that is from the row."""

    errors: list[float] = Field(
        description="Mean squared error of the row, scaled as the network learnt it.", examples=[[0.012]]
    )


class Anomaly(Part):
    """Whether a row is too far from its reconstruction."""

    score: float = Field(examples=[0.012])
    threshold: float = Field(description="Chosen in training.", examples=[0.034])
    is_anomaly: bool


class Anomalies(OfRows):
    """One verdict for each row."""

    anomalies: list[Anomaly]


class MadeSamples(RowsAnswer):
    """Samples, and what makes them again."""

    samples: list[Any] = Field(examples=[[[0.1, 0.9]]])
    seed: int = Field(examples=[7])
    latent: list[list[float]] = Field(description="What each was made of.", examples=[[[0.3, -0.8]]])
    label: list[str] | None = Field(None, description="The class of each, of a version that knows classes.")


class Usage(Part):
    """How many tokens there were."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Text(Answer):
    """A text that continues the prompt."""

    text: str = Field(examples=[" a time there was a king."])
    finish_reason: Literal["stop", "length"]
    seed: int = Field(examples=[7])
    usage: Usage
