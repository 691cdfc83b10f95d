"""The report of a language model: how well it foretells text that it has not seen, and what it writes."""

import math
from functools import partial
from typing import Any

import numpy as np

from models.decoding.text import decode
from models.generating import advance, continued, first_states, log_probabilities, prompts_of
from models.pictures import draw_curves
from models.reports.report import Examined, Report
from models.rows import spread
from models.schema import PADDING

# So many logits are held at once; so many are computed, and so many tokens foretold, at most.
LOGITS = 4_000_000
MOST_LOGITS, MOST_TOKENS = 50_000_000, 100_000
SAMPLED_ROWS = 3
TEMPERATURES = (0.5, 1.0)
# Tokens that are written.
_WRITTEN = {"character": 200, "word": 50}


def report(examined: Examined) -> Report:
    """Return the report on the rows that are reported: each is foretold from its first token on.

    Entropies are in bits, the loss in nats; both are means over tokens, padding left out.
    """
    text = examined.schema.text
    assert text is not None, "what generates text has learnt from text"
    vocabulary, length = len(examined.vocabulary), examined.schema.shape[0]
    rows = spread(examined.rows.reported, min(MOST_TOKENS, MOST_LOGITS // vocabulary) // length)
    nats, right, tokens = _foretold(examined, rows)
    loss = nats / max(tokens, 1)
    unit = "bits_per_character" if text.tokens == "character" else "bits_per_token"
    metrics = {
        unit: loss / math.log(2),
        "perplexity": math.exp(loss),
        "accuracy": right / max(tokens, 1),
        "loss": loss,
    }
    samples = _samples(examined)
    content: dict[str, Any] = {"rows": len(rows), "tokens": tokens, **metrics, "samples": samples}
    content["samples_by_epoch"] = [
        {"epoch": epoch, "text": text} for epoch, text in sorted(examined.snapshots.items())
    ]
    pictures = {"curves.png": partial(draw_curves, examined.epochs, names=("loss", "accuracy"))}
    return Report(content, metrics, pictures, card=_card(samples))


def _foretold(examined: Examined, numbers: np.ndarray) -> tuple[float, int, int]:
    """Return the sum of the entropies (nats), how many tokens were foretold, and how many there were."""
    step = examined.serve["step"]
    together = max(1, LOGITS // len(examined.vocabulary))
    nats, right, tokens = 0.0, 0, 0
    for start in range(0, len(numbers), together):
        ids = examined.rows.read(numbers[start : start + together])
        states = first_states(examined.roles["step"].inputs, len(ids))
        for place in range(ids.shape[1] - 1):
            asked = ids[:, place + 1]
            counts = asked != PADDING
            if not counts.any():
                break
            logits, states = advance(step, ids[:, place], states)
            entropies = -log_probabilities(logits)[np.arange(len(ids)), asked]
            nats += float(entropies[counts].sum())
            right += int((logits.argmax(axis=-1) == asked)[counts].sum())
            tokens += int(counts.sum())
    return nats, right, tokens


def _samples(examined: Examined) -> list[dict[str, Any]]:
    text, vocabulary = examined.schema.text, examined.vocabulary
    assert text is not None
    ids = examined.rows.read(spread(examined.rows.reported, SAMPLED_ROWS))
    temperatures = np.tile(TEMPERATURES, len(ids))
    prompts = np.repeat(prompts_of(ids, text), len(TEMPERATURES), axis=0)
    written = continued(
        examined.serve["step"],
        prompts,
        first_states(examined.roles["step"].inputs, len(prompts)),
        count=_WRITTEN[text.tokens],
        temperatures=temperatures,
        generator=np.random.Generator(np.random.Philox(key=[examined.training.seed, 0])),
    )
    return [
        {
            "prompt": decode(prompt, vocabulary, text),
            "temperature": float(temperature),
            "text": decode(tokens, vocabulary, text),
        }
        for prompt, temperature, tokens in zip(prompts, temperatures, written, strict=True)
    ]


def _card(samples: list[dict[str, Any]]) -> list[str]:
    """Return the samples as Markdown: indented, so that nothing in them is taken for markup."""
    lines = ["What it wrote, after the first words of some of these rows:"]
    for sample in samples:
        text = f"[{sample['prompt']}] {sample['text']}"
        indented = [f"    {line}" for line in text.splitlines()]
        lines += ["", f"At temperature {sample['temperature']}:", "", *indented]
    return lines
