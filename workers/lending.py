"""Lending: the devices of a worker, which its training slots take and give back."""

import threading
from collections.abc import Sequence

from workers.devices import Device


class Pool:
    """The GPUs of one worker; on a worker without any, the ``cores`` of a slot stand for devices.

    A slot holds ``lock`` from before it claims a job until it has taken what the job needs: else two slots
    could count on the same devices.
    """

    def __init__(self, gpus: Sequence[Device], cores: int) -> None:
        self.lock = threading.Lock()
        self.slots = 1
        """How many training slots all workers together have that may form a gang."""
        self.gpus, self._cores = tuple(gpus), cores
        self._taken: set[Device] = set()
        self._promised: dict[int, int] = {}

    @property
    def most(self) -> int:
        """How many devices one job can have here at most; CUDA lets a process use one part of a GPU only."""
        return 1 if any(gpu.is_part for gpu in self.gpus) else len(self.gpus) or self._cores

    def free(self, slot: int) -> int:
        """How many devices a slot can have for a job now: those that no other has, nor was promised."""
        promised = sum(number for other, number in self._promised.items() if other != slot)
        return min(self.most, len(self.gpus) - len(self._taken) - promised) if self.gpus else self._cores

    def promise(self, slot: int, number: int) -> None:
        """Keep so many devices back for a slot in an offered seat: its gang may begin any moment."""
        self._promised[slot] = number

    def take(self, number: int) -> tuple[Device, ...]:
        """Return GPUs that are the caller's until it gives them back; none where cores stand for them."""
        chosen = tuple(gpu for gpu in self.gpus if gpu not in self._taken)[:number]
        self._taken.update(chosen)
        return chosen

    def give_back(self, devices: Sequence[Device]) -> None:
        """Have devices back."""
        with self.lock:
            self._taken.difference_update(devices)
