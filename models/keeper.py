"""The keeper of a training's checkpoints: where they lie, when one is due, what is told of it. Keras-free."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from models.checkpoints import Checkpoint, newest, remove, save

SECONDS = 30.0
# The first comes early: a training that is lost again and again shows by it that it gets anywhere.
FIRST_SECONDS = 5.0
# Writing takes at most this share of the time, however large a network is and however slow the disk.
SHARE = 0.02
# What is assumed of a disk until it is known how long a checkpoint takes.
BYTES_PER_SECOND = 100_000_000
_CHOSEN = "chosen"

Report = Callable[[str, dict[str, Any]], None]
"""Is told the kind of an event and its figures."""


class Keeper:
    """Keeps the checkpoints of one training in a folder, one about every ``seconds``; 0: whenever possible.

    The facts of a checkpoint tell its ``step``, the ``epochs`` that are done, the ``seconds`` that were
    trained, and the ``stop_reason`` if training is over. Unless it is to ``resume``, what is there goes.
    """

    def __init__(
        self, folder: Path, report: Report, seconds: float = SECONDS, *, resume: bool = True
    ) -> None:
        self.resume = resume
        self.steps_before = 0
        """Steps of trainings that came before this one, which count in what is told."""
        self.spent = 0.0
        """Seconds that writing has taken."""
        self._folder, self._report, self._seconds = folder, report, seconds
        self._pause = min(seconds, FIRST_SECONDS)
        self._last = time.monotonic()
        self._cost = 0.0
        self._held: tuple[Any, ...] = ()
        self._has_warned = False
        if not resume:
            remove(folder)

    def part(self, name: str, report: Report) -> "Keeper":
        """Return a keeper for one of several trainings, whose folder lies within this one's."""
        return Keeper(self._folder / name, report, self._seconds, resume=self.resume)

    def chosen(self, choice: dict[str, Any]) -> dict[str, Any]:
        """Return what was chosen when the training first began, which is ``choice`` if it begins now."""
        before = newest(self._folder / _CHOSEN)
        if before is not None:
            return dict(before.facts)
        self._try(self._folder / _CHOSEN, Checkpoint({}, choice))
        return choice

    def newest(self) -> Checkpoint | None:
        """Return the checkpoint to go on from, if there is one."""
        found = newest(self._folder)
        self._held = _state_of(found) if found else ()
        return found

    def begin(self, size: int) -> None:
        """Note that training begins, with checkpoints of about ``size`` bytes."""
        self._last, self._cost = time.monotonic(), size / BYTES_PER_SECOND

    def is_due(self) -> bool:
        """Return whether it is time for the next one."""
        if not self._seconds:
            return True
        return time.monotonic() - self._last >= max(self._pause, self._cost / SHARE)

    def keep(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, unless it is the one that is there; where it cannot be written, warn."""
        if _state_of(checkpoint) == self._held:
            return
        started = time.monotonic()
        written = self._try(self._folder, checkpoint)
        self._last = time.monotonic()
        self._cost = self._last - started
        self.spent += self._cost
        if written:
            self._pause, self._held = self._seconds, _state_of(checkpoint)
            place = place_of(checkpoint)
            self._report("checkpoint", place | {"step": self.steps_before + place["step"]})

    def _try(self, folder: Path, checkpoint: Checkpoint) -> bool:
        try:
            save(folder, checkpoint)
        except OSError as error:
            if not self._has_warned:
                message = f"No checkpoint could be written ({error.strerror}); training goes on without."
                self._report("log", {"level": "warning", "message": message})
            self._has_warned = True
            return False
        self._has_warned = False
        return True


def place_of(checkpoint: Checkpoint | None) -> dict[str, Any]:
    """Return what is told of a checkpoint: its step, the epochs that are done, the seconds of training."""
    if checkpoint is None:
        return {"step": 0, "epoch": 0, "seconds": 0.0}
    facts = checkpoint.facts
    return {"step": facts["step"], "epoch": len(facts["epochs"]), "seconds": round(facts["seconds"], 2)}


def _state_of(checkpoint: Checkpoint) -> tuple[Any, ...]:
    """Return what two checkpoints of one training have in common only if they are the same."""
    facts = checkpoint.facts
    return facts["step"], len(facts["epochs"]), facts["stop_reason"]
