"""Ensembles: several networks for the same rows as one, which answers with the mean of their answers."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np


def ensemble(members: Sequence[keras.Model]) -> keras.Model:
    """Return networks with the same inputs and outputs as one: their mean (Hansen and Salamon, 1990)."""
    first = members[0].inputs[0]
    rows = keras.Input(first.shape[1:], dtype=first.dtype, name=first.name)
    answers = []
    for number, member in enumerate(members, 1):
        member.name = f"member_{number}"
        answer = member(rows)
        answers.append(answer if isinstance(answer, list | tuple) else [answer])
    means = [keras.layers.Average()(list(each)) for each in zip(*answers, strict=True)]
    return keras.Model(rows, means if len(means) > 1 else means[0], name="ensemble")


def mean_epochs(histories: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return what was told of each epoch, as means over those trainings that came so far."""
    found = []
    for place in range(max(map(len, histories))):
        told = [history[place] for history in histories if len(history) > place]
        metrics = {
            name: float(np.mean([each["metrics"][name] for each in told])) for name in told[0]["metrics"]
        }
        seconds = sum(each["seconds"] for each in told)
        found.append({**told[0], "metrics": metrics, "seconds": round(seconds, 4), "eta": 0.0})
    return found
