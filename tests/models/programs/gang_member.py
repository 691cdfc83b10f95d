"""Trains a small network alone and as one member of a gang: FOLDER CASE RANK DIES_AT ADDRESS …

The chief tells how far the two are apart; a member that dies does so when it is asked for the n-th time.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from two_devices import apart, trained

from models.gangs import LOST, Gang
from models.keeper import Keeper


def main(folder, case, rank, dies_at, *addresses):
    tf.config.threading.set_intra_op_parallelism_threads(1)
    gang = Gang(int(rank), addresses)
    alone, figures = trained(case, 1)
    keeper = Keeper(Path(folder), lambda *_: None, seconds=0) if gang.is_chief else None
    if int(dies_at):
        dying(gang, int(dies_at))
    try:
        weights, theirs = trained(case, 1, keeper=keeper, gang=gang)
    except LOST as error:
        tell({"lost": type(error).__name__})
        return
    if gang.is_chief:
        np.savez(Path(folder) / "weights.npz", *weights)
    losses = [abs(a["loss"] - b["loss"]) for a, b in zip(figures, theirs, strict=True)]
    tell({"weights": apart(alone, weights), "losses": max(losses)})


def dying(gang, questions):
    """Have this member killed when it is asked for the n-th time what it wishes."""
    asked, ask = iter(range(1, 10**9)), gang.any

    def any_of(wish):
        if next(asked) == questions:
            os._exit(9)
        return ask(wish)

    gang.any = any_of


def tell(what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()
    # A peer that is gone would be waited for.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
