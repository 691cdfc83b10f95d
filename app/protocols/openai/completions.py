"""What a request for completions says, and the completions as they are told."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from app.protocols.generate import MOST_TOKENS, Stops
from app.protocols.parameters import Parameters, Seed, one_or_more
from app.serving.generation import Generation
from app.serving.sampling import Logits
from models.schema import FIRST_TOKEN

MOST_CHOICES = 16
Prompts = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=65_536)]],
    Field(min_length=1, max_length=MOST_CHOICES),
    one_or_more(str | list[str]),
]


class StreamOptions(Parameters):
    """What a stream has beside its texts."""

    include_usage: bool = False


class CompletionParameters(Parameters):
    """A request as OpenAI's clients send it; members that mean nothing here are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    model: str = Field(min_length=1, max_length=200, description="A name, `name@3`, or `name@alias`.")
    prompt: Prompts
    max_tokens: int = Field(16, ge=1, le=MOST_TOKENS)
    temperature: float = Field(1.0, ge=0, le=100)
    top_p: float = Field(1.0, gt=0, le=1)
    n: int = Field(1, ge=1, le=MOST_CHOICES)
    seed: Seed | None = None
    stop: Stops | None = None
    echo: bool = False
    logprobs: int | None = Field(None, ge=0, le=5)
    stream: bool = False
    stream_options: StreamOptions | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, sent: Any) -> Any:
        """Take null for what was not sent, which is how some clients say it."""
        if not isinstance(sent, dict):
            return sent
        return {name: value for name, value in sent.items() if value is not None}


class Logprobs:
    """How probable each token of a text was, and what else might have stood there."""

    def __init__(self, vocabulary: Sequence[str], best: int) -> None:
        self._vocabulary = vocabulary
        self._best = best
        self._found: dict[str, list[Any]] = {
            "tokens": [],
            "token_logprobs": [],
            "top_logprobs": [],
            "text_offset": [],
        }
        self._offset = 0

    def tell(self, token: int, logits: Logits) -> None:
        """Take in a token that was chosen, and the logits that it was chosen by."""
        scores = logits[FIRST_TOKEN:].astype(np.float64)
        highest = scores.max()
        logarithms = scores - highest - np.log(np.exp(scores - highest).sum())
        text = self._vocabulary[token]
        top = np.argsort(-logarithms, kind="stable")[: self._best]
        self._found["tokens"].append(text)
        self._found["token_logprobs"].append(float(logarithms[token - FIRST_TOKEN]))
        self._found["top_logprobs"].append(
            {self._vocabulary[place + FIRST_TOKEN]: float(logarithms[place]) for place in top}
        )
        self._found["text_offset"].append(self._offset)
        self._offset += len(text)

    def document(self) -> Mapping[str, list[Any]]:
        """Return them as OpenAI's clients read them."""
        return self._found


def choice(index: int, text: str, generation: Generation | None, logprobs: Logprobs | None) -> dict[str, Any]:
    """Return one choice; without a ``generation`` it is a piece that more follows."""
    return {
        "index": index,
        "text": text,
        "logprobs": logprobs.document() if logprobs and generation else None,
        "finish_reason": generation.finish_reason if generation else None,
    }


def usage_of(generations: Sequence[Generation], of_each: int) -> dict[str, int]:
    """Return how many tokens were read and written; a prompt counts once, ``of_each`` has so many texts."""
    read = sum(generation.prompt_tokens for generation in generations[::of_each])
    written = sum(generation.completion_tokens for generation in generations)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
