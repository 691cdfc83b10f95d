"""An image as characters, and what a network says about it."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

SHADES = " ░▒▓█"
BAR_CELLS = 24
EIGHTHS = " ▏▎▍▌▋▊▉"


def as_characters(pixels: Sequence[Sequence[float]], low: float, high: float) -> str:
    """Return rows of pixel values as lines of shades, two characters for a pixel, which is about a square."""
    return "\n".join("".join(2 * _shade((value - low) / (high - low)) for value in row) for row in pixels)


def bar(share: float) -> str:
    """Return a bar whose length is a share of the whole, exact to an eighth of a character."""
    whole, eighths = divmod(round(share * BAR_CELLS * 8), 8)
    return "█" * whole + EIGHTHS[eighths].strip()


def answer_beside(picture: str, labels: Sequence[str], probabilities: Sequence[float]) -> Table:
    """Return the picture with a bar for each label beside it; the most probable stands out."""
    best = max(range(len(labels)), key=lambda index: probabilities[index])
    lines = Text()
    for index, (label, probability) in enumerate(zip(labels, probabilities, strict=True)):
        style = "bold green" if index == best else "dim"
        lines.append(f"{label:>2} {bar(probability):<{BAR_CELLS}} {probability:6.1%}\n", style=style)
    grid = Table.grid(padding=(0, 3))
    grid.add_row(Text(picture), lines)
    return grid


def _shade(share: float) -> str:
    return SHADES[min(len(SHADES) - 1, max(0, round(share * (len(SHADES) - 1))))]
