"""Writing text with a step function: what was drawn is fed back, token after token. NumPy only."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from models.schema import PADDING, UNKNOWN_TOKEN, TextSchema
from models.signature import TensorSignature
from models.tensor_names import NEVER

# Tokens of a row that a text goes on from.
_PROMPT = {"character": 20, "word": 5}

States = dict[str, np.ndarray]
Step = Callable[[Mapping[str, np.ndarray]], Mapping[str, np.ndarray]]
"""The role ``step``: from ``token``, ``int32[n]``, and the states to ``logits`` and ``next_`` states."""


def first_states(inputs: Sequence[TensorSignature], rows: int) -> States:
    """Return the states before the first token of some rows, of a step function with these inputs: zeros."""
    return {tensor.name: np.zeros((rows, *tensor.shape), np.float32) for tensor in inputs[1:]}


def prompts_of(ids: np.ndarray, text: TextSchema) -> np.ndarray:
    """Return the first few tokens of rows, ``int32[n, tokens]``, so that a text can go on from them."""
    # Rows may be of different length, and a prompt has no padding.
    length = max(1, min(_PROMPT[text.tokens], int((ids != PADDING).sum(axis=1).min())))
    return ids[:, :length]


def advance(step: Step, tokens: np.ndarray, states: States) -> tuple[np.ndarray, States]:
    """Return the logits of the token after ``tokens``, ``float32[n, ids]``, and the states to go on from."""
    answers = step({"token": tokens.astype(np.int32), **states})
    return answers["logits"], {name: answers[f"next_{name}"] for name in states}


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """Return the logarithms (nats) of the probabilities, ``float64[n, ids]``."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    logarithms: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return logarithms


def continued(
    step: Step,
    prompts: np.ndarray,
    states: States,
    *,
    count: int,
    temperatures: np.ndarray,
    generator: np.random.Generator,
) -> np.ndarray:
    """Return ``count`` tokens after each of ``prompts``, ``int32[n, length]``, from zero ``states``.

    A temperature, one for each prompt, divides the logits: below 1 what is likely gets likelier.
    """
    for place in range(prompts.shape[1]):
        logits, states = advance(step, prompts[:, place], states)
    written = np.empty((len(prompts), count), np.int32)
    for place in range(count):
        written[:, place] = _drawn(logits, temperatures, generator)
        logits, states = advance(step, written[:, place], states)
    return written


def _drawn(logits: np.ndarray, temperatures: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return one token for each row of logits; padding and what stands for unknown tokens are no text."""
    known = logits.copy()
    known[:, [PADDING, UNKNOWN_TOKEN]] = NEVER
    scaled = known / temperatures[:, None]
    # The largest after Gumbel noise is drawn as the probabilities say (Gumbel, 1954).
    drawn: np.ndarray = (scaled + generator.gumbel(size=scaled.shape)).argmax(axis=-1)
    return drawn
