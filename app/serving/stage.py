"""Texts that are written together: one run of the graph takes each of them a token further."""

import time

from app.errors import Invalid
from app.serving.generation import Generation
from app.serving.role import LoadedRole
from app.serving.sampling import choose
from app.serving.stepping import Stepping

# Rows that a graph is prepared for; the few that are empty then cost less than preparing it anew.
SIZES = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64)
MOST = SIZES[-1]


class Stage:
    """Up to :data:`MOST` texts of one role; what each becomes does not depend on the others.

    That is but for the last bits of its logits, which a graph may compute differently for several rows: a
    draw that falls between two tokens as closely as that is one in millions. ``executions`` has, for each
    number of texts, how often the graph ran and how many seconds that took.
    """

    def __init__(self, role: LoadedRole, texts: int = 1) -> None:
        self.role = role
        self.texts: list[Generation] = []
        self.executions: dict[int, tuple[int, float]] = {}
        self._stepping = Stepping(role, _size(texts))

    def enter(self, text: Generation) -> None:
        """Let a text go on with the others."""
        row = len(self.texts)
        if row == self._stepping.rows:
            present, self._stepping = self._stepping, Stepping(self.role, _size(row + 1))
            for number in range(row):
                self._stepping.enter(number, present.states(number))
        self._stepping.enter(row, text.states)
        self.texts.append(text)

    def leave(self, text: Generation) -> None:
        """Let a text rest; it may enter again, here or elsewhere."""
        row, last = self.texts.index(text), len(self.texts) - 1
        text.states = self._stepping.states(row)
        if row != last:
            self._stepping.enter(row, self._stepping.states(last))
            self.texts[row] = self.texts[last]
        self.texts.pop()

    def close(self) -> None:
        """Let all texts rest."""
        for row, text in enumerate(self.texts):
            text.states = self._stepping.states(row)
        self.texts.clear()

    def step(self) -> None:
        """Take every text a token further; those that end by that, or by an error, must leave."""
        texts, stepping = self.texts, self._stepping
        stepping.tokens[: len(texts)] = [text.token for text in texts]
        began = time.perf_counter()
        try:
            stepping.step()
        except Exception as error:
            for text in texts:
                text.error = error
            return
        times, seconds = self.executions.get(len(texts), (0, 0.0))
        self.executions[len(texts)] = times + 1, seconds + time.perf_counter() - began
        if len(texts) == 1:
            self._choose_alone()
        else:
            self._choose()

    def _choose(self) -> None:
        rows = [row for row, text in enumerate(self.texts) if not text.read_on()]
        if not rows:
            return
        logits = self._stepping.logits[rows]
        chosen = choose([self.texts[row].chooser for row in rows], logits)
        for row, token, scores in zip(rows, chosen, logits, strict=True):
            if isinstance(token, Invalid):
                self.texts[row].error = token
            else:
                self.texts[row].add(token, scores)

    def _choose_alone(self) -> None:
        """Do the same for one text, as fast as that goes."""
        text = self.texts[0]
        if text.read_on():
            return
        logits = self._stepping.logits[0]
        try:
            text.add(text.chooser.next(logits), logits)
        except Invalid as error:
            text.error = error.with_traceback(None)


def _size(texts: int) -> int:
    return next(size for size in SIZES if size >= texts)
