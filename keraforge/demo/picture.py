"""An image as characters, and what a network says about it."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.text import Text

SHADES = " ░▒▓█"
BAR_CELLS = 24
EIGHTHS = " ▏▎▍▌▋▊▉"


def as_characters(pixels: Sequence[Sequence[float]], low: float, high: float) -> list[str]:
    """Return rows of pixel values as lines of shades, two characters for a pixel, which is about a square."""
    return ["".join(2 * _shade((value - low) / (high - low)) for value in row) for row in pixels]


def bar(share: float) -> str:
    """Return a bar whose length is a share of the whole, exact to an eighth of a character."""
    whole, eighths = divmod(round(share * BAR_CELLS * 8), 8)
    return "█" * whole + EIGHTHS[eighths].strip()


def answer_beside(
    picture: Sequence[str], labels: Sequence[str], probabilities: Sequence[float]
) -> Iterator[Text]:
    """Yield lines: the picture, and beside it a bar for each label; the most probable stands out."""
    width = max(map(len, picture))
    best = max(probabilities)
    answers = zip(labels, probabilities, strict=True)
    for line, answer in zip_longest(picture, answers):
        text = Text(f"    {line or '':<{width}}   ")
        if answer is not None:
            label, probability = answer
            style = "bold green" if probability == best else "dim"
            text.append(f"{label:>2} {probability:6.1%} {bar(probability)}", style=style)
        text.rstrip()
        yield text


def _shade(share: float) -> str:
    return SHADES[min(len(SHADES) - 1, max(0, round(share * (len(SHADES) - 1))))]
