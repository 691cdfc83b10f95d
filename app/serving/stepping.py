"""The role ``step`` on its way through texts, a row for each of them."""

from collections.abc import Mapping

import numpy as np

from app.serving.role import Array, LoadedRole
from app.serving.sampling import Logits

TOKEN, LOGITS = "token", "logits"


class Stepping:
    """Goes through so many texts at once; its states are those after the last token of each.

    ``tokens`` are those to be taken, ``int32[rows]``, and ``logits`` what came of the last ones,
    ``float32[rows, vocabulary]``; both are always the same arrays. Nothing is made anew on the way: states
    go to and fro between two sets of arrays.
    """

    def __init__(self, role: LoadedRole, rows: int = 1) -> None:
        states = [tensor for tensor in role.inputs if tensor.name != TOKEN]
        (answer,) = (tensor for tensor in role.outputs if tensor.name == LOGITS)
        here, there = (
            {each.name: np.zeros((rows, *each.shape), each.dtype) for each in states} for _ in "ab"
        )
        self.rows = rows
        self.tokens = np.zeros(rows, np.int32)
        self.logits: Logits = np.zeros((rows, *answer.shape), np.float32)
        self._states, self._next_states = here, there
        self._step, self._next_step = (
            role.bound(
                {TOKEN: self.tokens, **before},
                {LOGITS: self.logits, **{f"next_{name}": array for name, array in after.items()}},
            )
            for before, after in ((here, there), (there, here))
        )

    def step(self) -> None:
        """Go one token on in every row."""
        self._step()
        self._step, self._next_step = self._next_step, self._step
        self._states, self._next_states = self._next_states, self._states

    def take(self, token: int) -> Logits:
        """Go one token on in the only row; return the logits of the next, ``float32[vocabulary]``."""
        self.tokens[0] = token
        self.step()
        first: Logits = self.logits[0]
        return first

    def states(self, row: int) -> dict[str, Array]:
        """Return a copy of the states of a row."""
        return {name: array[row].copy() for name, array in self._states.items()}

    def enter(self, row: int, states: Mapping[str, Array] | None) -> None:
        """Set the states of a row, None for those before the first token."""
        for name, array in self._states.items():
            array[row] = 0 if states is None else states[name]
