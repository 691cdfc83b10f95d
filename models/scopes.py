"""Calling parts of a network with weights that are given and not its own."""

import keras

from models.state import Tensors


def scope_of(network: keras.Model, weights: Tensors, others: Tensors) -> keras.StatelessScope:
    """Return a scope in which the network's variables have these values: trainable ones, and the others."""
    trainable = zip(network.trainable_variables, weights, strict=True)
    rest = zip(network.non_trainable_variables, others, strict=True)
    return keras.StatelessScope([*trainable, *rest])


def others_of(network: keras.Model, scope: keras.StatelessScope) -> Tensors:
    """Return what became of the other variables in a scope."""
    return [scope.get_current_value(variable) for variable in network.non_trainable_variables]
