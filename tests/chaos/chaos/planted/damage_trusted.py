"""A checkpoint is what its file holds, whatever its name says of that."""

import hashlib

import numpy as np
from chaos.planted import Replace
from chaos.stage import Stage

from models import checkpoints

FOUND_BY = "I10"


def plant(replace: Replace) -> None:
    """Read without comparing digests."""

    class Blind:
        """A digest that is always right."""

        def __init__(self, stem: str) -> None:
            self.hexdigest = lambda: stem

    read = checkpoints._read

    def reading(path: checkpoints.Path) -> checkpoints.Checkpoint | None:
        digests, checkpoints.hashlib = checkpoints.hashlib, _Digests(Blind(path.stem.partition("-")[2]))
        try:
            return read(path)
        finally:
            checkpoints.hashlib = digests

    replace(checkpoints, "_read", reading)


class _Digests:
    def __init__(self, found: object) -> None:
        self.file_digest = lambda *_: found
        self.sha256 = hashlib.sha256


def scene(stage: Stage) -> None:
    """A worker is killed, and its newest checkpoint is damaged."""
    job = stage.submit("one")
    stage.lose(stage.begin().steps(7))
    newest = stage.checkpoints(job)[0]
    with np.load(newest) as held:
        arrays = {name: held[name] for name in held.files}
    arrays["state"] = arrays["state"][::-1]
    with newest.open("wb") as file:
        np.savez(file, **arrays)
    stage.history.write("damage", job=job)
    stage.begin().finish()
