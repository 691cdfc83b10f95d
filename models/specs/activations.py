"""The activations that a network may use, by the names that Keras gives them. Keras-free."""

from typing import Literal

Activation = Literal[
    "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus", "softsign", "tanh",
    "sigmoid", "hard_sigmoid", "linear",
]  # fmt: skip
