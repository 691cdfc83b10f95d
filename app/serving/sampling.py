"""How the next token is chosen from logits: the likeliest, or by chance."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.errors import Invalid
from models.schema import FIRST_TOKEN

Logits = npt.NDArray[np.float32]

# Below this only the likeliest token has a chance that a float32 can tell from none.
COLDEST = 1e-6
_DRAWN_AT_ONCE = 256


@dataclass(frozen=True)
class Choice:
    """``temperature`` 0 takes the likeliest token.

    Else one is drawn: of the ``top_k`` likeliest, and of the fewest whose probabilities make up ``top_p``.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    seed: int = 0


class Chooser:
    """Chooses token after token; padding and the unknown token are never chosen.

    ``scale`` is one divided by the temperature, 0 for the likeliest, and ``chances`` decide what is drawn;
    ``is_plain`` if it is drawn of all tokens.
    """

    def __init__(self, choice: Choice) -> None:
        self.scale = 0.0 if choice.temperature < COLDEST else 1 / choice.temperature
        self.is_plain = choice.top_k is None and choice.top_p >= 1
        self._top_k = choice.top_k
        self._top_p = choice.top_p
        self.chances = _chances(choice.seed)

    def next(self, logits: Logits) -> int:
        """Return the next token for ``float32[vocabulary]``; raise :class:`~app.errors.Invalid` for NaN."""
        scores = logits[FIRST_TOKEN:]
        best = int(scores.argmax())
        highest = scores[best]
        if not math.isfinite(highest):
            raise not_finite()
        if self.scale == 0:
            return best + FIRST_TOKEN
        shares = np.subtract(scores, highest, dtype=np.float64)
        shares *= self.scale
        np.exp(shares, out=shares)
        kept = self._kept(shares)
        sums = (shares if kept is None else shares[kept]).cumsum()
        place = int(sums.searchsorted(next(self.chances) * sums[-1], side="right"))
        return (place if kept is None else int(kept[place])) + FIRST_TOKEN

    def _kept(self, shares: npt.NDArray[np.float64]) -> npt.NDArray[np.intp] | None:
        """Return the places that may be chosen, None for all."""
        kept: npt.NDArray[np.intp] | None = None
        if self._top_k is not None and self._top_k < len(shares):
            kept = np.argpartition(shares, -self._top_k)[-self._top_k :]
        if self._top_p < 1:
            places = np.arange(len(shares)) if kept is None else kept
            order = places[np.argsort(-shares[places], kind="stable")]
            sums = shares[order].cumsum()
            kept = order[: int(sums.searchsorted(self._top_p * sums[-1])) + 1]
        return kept


def choose(choosers: Sequence[Chooser], logits: Logits) -> list[int | Invalid]:
    """Return each text's next token for ``float32[texts, vocabulary]``, or what is wrong with its logits.

    Each is what its chooser would choose alone; together they take little longer than one.
    """
    scores = logits[:, FIRST_TOKEN:]
    best = scores.argmax(axis=1)
    highest = scores[np.arange(len(scores)), best]
    plain = [chooser.scale != 0 and chooser.is_plain for chooser in choosers]
    drawn = [next(chooser.chances) if each else 0.0 for chooser, each in zip(choosers, plain, strict=True)]
    # Rows that are no numbers are told below.
    with np.errstate(invalid="ignore"):
        shares = np.subtract(scores, highest[:, None], dtype=np.float64)
        shares *= np.array([[chooser.scale] for chooser in choosers])
        np.exp(shares, out=shares)
    sums = shares.cumsum(axis=1, out=shares)
    places = (sums <= np.array(drawn)[:, None] * sums[:, -1:]).sum(axis=1).tolist()
    finite = np.isfinite(highest).tolist()
    found: list[int | Invalid] = []
    for row, chooser in enumerate(choosers):
        if not finite[row]:
            found.append(not_finite())
        elif plain[row]:
            found.append(places[row] + FIRST_TOKEN)
        else:
            found.append(chooser.next(logits[row]))
    return found


def not_finite() -> Invalid:
    """Return what is told of logits that are no numbers."""
    return Invalid("The network's answer is not a finite number.", code="not_finite")


def probabilities(logits: Logits) -> npt.NDArray[np.float32]:
    """Return the probability of each token from the first real one on, ``float32[vocabulary - 2]``."""
    scores = logits[FIRST_TOKEN:].astype(np.float64)
    shares = np.exp(scores - scores.max())
    found: npt.NDArray[np.float32] = (shares / shares.sum()).astype(np.float32)
    return found


def _chances(seed: int) -> Iterator[float]:
    """Yield numbers from 0 to 1; drawn many at once, for that takes as long as drawing one."""
    generator = np.random.default_rng(seed)
    while True:
        yield from generator.random(_DRAWN_AT_ONCE).tolist()
