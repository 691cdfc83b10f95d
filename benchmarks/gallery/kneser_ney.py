"""An interpolated Kneser-Ney trigram of characters, the figure that a character model has to beat."""

import math
from collections import Counter
from collections.abc import Sequence


class KneserNey:
    """Probabilities of a character after the two before it (Kneser and Ney, 1995; Chen and Goodman, 1998).

    The highest order counts occurrences, the lower ones in how many different contexts a character occurs.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        trigrams = Counter(text[n : n + 3] for text in texts for n in range(len(text) - 2))
        self._characters = set().union(*map(set, texts))
        bigrams = Counter(trigram[1:] for trigram in trigrams)
        unigrams = Counter(bigram[1:] for bigram in bigrams)
        self._orders = [_Order(unigrams), _Order(bigrams), _Order(trigrams)]

    def bits(self, texts: Sequence[str]) -> float:
        """Return the mean bits for a character, the first of each text left out, as it is given."""
        bits = [
            -math.log2(self.probability(text[max(0, n - 2) : n], text[n]))
            for text in texts
            for n in range(1, len(text))
        ]
        return math.fsum(bits) / len(bits)

    def probability(self, context: str, character: str) -> float:
        """Return the probability of a character after at most two others."""
        # One character in all that were never seen has the share of one that was.
        found = 1 / (len(self._characters) + 1)
        for order in self._orders[: len(context) + 1]:
            length = order.length
            found = order.interpolated(context[len(context) - length :], character, found)
        return found


class _Order:
    def __init__(self, counts: Counter[str]) -> None:
        self.length = len(next(iter(counts))) - 1
        self._counts = counts
        self._totals: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        for gram, count in counts.items():
            self._totals[gram[:-1]] += count
            self._kinds[gram[:-1]] += 1
        once, twice = (sum(1 for count in counts.values() if count == n) for n in (1, 2))
        self._discount = once / (once + 2 * twice) if once else 0.5

    def interpolated(self, context: str, character: str, lower: float) -> float:
        total = self._totals[context]
        if not total:
            return lower
        seen = max(self._counts[context + character] - self._discount, 0.0) / total
        return seen + self._discount * self._kinds[context] / total * lower
