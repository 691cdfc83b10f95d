"""Layers of a stack that look along time: recurrent ones and attention. Keras-free."""

from typing import Literal

from pydantic import Field

from models.layers import Shape
from models.specs.dense import Share
from models.specs.layers.layer import Made, Single, check_axes

_GATES = {"lstm": 4, "gru": 3, "simple_rnn": 1}
# A GRU has one bias for what comes in and one for its state.
_BIASES = {"lstm": 1, "gru": 2, "simple_rnn": 1}


class Recurrent(Single):
    """A layer that walks along the steps and keeps a state; padding is left out.

    Elman (1990), Hochreiter and Schmidhuber (1997), Cho et al. (2014).
    """

    type: Literal["simple_rnn", "lstm", "gru"] = Field(description="The kind of layer.")
    units: int = Field(ge=1, le=4096, description="Numbers of the state.")
    sequences: bool = Field(
        False, description="Give the state after every step, for another layer along time; or the last only."
    )
    bidirectional: bool = Field(
        False, description="Walk both ways and put what is found side by side: twice as many outputs."
    )
    dropout: Share = Field(0.0, description="Share of the layer's inputs dropped while training.")
    recurrent_dropout: Share = Field(
        0.0, description="Share of the state dropped on its way to the next step while training."
    )

    @property
    def keeps_steps(self) -> bool:
        """A state stands for each step, if all are given."""
        return self.sequences

    def made(self, shape: Shape) -> Made:
        """Return what comes out; raises Misfit for what has no steps."""
        check_axes(self, shape, 2)
        ways = 2 if self.bidirectional else 1
        weights = _GATES[self.type] * self.units * (shape[-1] + self.units + _BIASES[self.type])
        outcome = (ways * self.units,)
        states = shape[0] * ways * self.units * _GATES[self.type]
        return Made((shape[0], *outcome) if self.sequences else outcome, ways * weights, states)


class MultiHeadAttention(Single):
    """Every step looks at every other (Vaswani et al., 2017); padding is not looked at."""

    type: Literal["multi_head_attention"] = Field(description="The kind of layer.")
    heads: int = Field(4, ge=1, le=64, description="How many ways of looking there are.")
    head_size: int = Field(16, ge=1, le=1024, description="Numbers of each head.")
    dropout: Share = Field(0.0, description="Share of the weights of attention dropped while training.")

    @property
    def keeps_steps(self) -> bool:
        """A step stays in its place."""
        return True

    def made(self, shape: Shape) -> Made:
        """Return what comes out; raises Misfit for what has no steps."""
        check_axes(self, shape, 2)
        steps, features = shape
        width = self.heads * self.head_size
        parameters = 3 * (features + 1) * width + (width + 1) * features
        return Made(shape, parameters, steps * (3 * width + self.heads * steps))
